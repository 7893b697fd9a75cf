import { expect, test } from 'bun:test';
import { classifyTools, RISKS, type Risk } from '../../../src/setup/risk/risk.ts';

test('doubt is never Read', () => {
  expect(RISKS[0]).toBe('Read');
  expect(classifyTools([{ name: 'tags' }])).toMatchObject([{ risk: 'Write', unsure: true }]);
});

test('the verb of a name decides, wherever it stands', () => {
  const names = ['get_order_status', 'delete_repo', 'droplet-delete', 'hosting_deleteWebsiteV1', 'create_invoice', 'run_command'];
  const risks: readonly Risk[] = ['Read', 'Destructive', 'Destructive', 'Destructive', 'Financial', 'Execute'];
  expect(classifyTools(names.map((name) => ({ name }))).map(({ risk }) => risk)).toEqual([...risks]);
});
