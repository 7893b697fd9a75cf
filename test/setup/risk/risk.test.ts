import { expect, test } from 'bun:test';
import { classifyTools, RISKS } from '../../../src/setup/risk/risk.ts';

test('doubt is never Read', () => {
  expect(RISKS[0]).toBe('Read');
  expect(classifyTools([{ name: 'tags' }])).toMatchObject([{ risk: 'Write', unsure: true }]);
});
