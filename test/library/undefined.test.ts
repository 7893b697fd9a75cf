import { expect, test } from 'bun:test';
import { decide } from '../../src/index.ts';

test('a policy that did not load is a clear error', () => {
  const missing = JSON.parse('{}').policy;
  expect(() => decide(missing, { tool: 't' })).toThrow(
    new TypeError('decide needs the `policy` of `loadPolicy`, which is undefined where the text has errors'),
  );
});
