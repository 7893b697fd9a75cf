/** cli.md §1: what commands print with --json is what schema/output.schema.json says, in one style. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { COMPONENTS } from '../../src/admin/schemas.ts';
import { stateIn } from '../../src/state/open.ts';
import { keysAfter } from '../docs/markdown.ts';
import { ROOT } from '../harness/paths.ts';
import { startProxy } from '../harness/proxy.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { claiming, reservationOf } from '../state/calls.ts';
import { openFolder } from './run.ts';

type Defs = Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;

const SCHEMA: { readonly $id: string; readonly $defs: Defs } = JSON.parse(readFileSync(join(ROOT, 'schema/output.schema.json'), 'utf8'));
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } });
ajv.addSchema(SCHEMA);

function expectValid(name: string, out: string): void {
  const validate = ajv.compile({ $ref: `${SCHEMA.$id}#/$defs/${name}` });
  validate(JSON.parse(out));
  expect([name, validate.errors]).toEqual([name, null]);
}

const POLICY = `version: "1"
name: shop
default: deny
methods: {"*": allow, "resources/list": deny}
tools:
  echo:
    - {name: few, rate_limit: 2/hour}
    - {name: only small, conditions: [{path: args.n, op: lte, value: 5}]}
  danger: [{name: ask, action: require_approval}]
`;
const TESTS = `policy: shop.yaml
cases:
  - name: passes
    steps: [{call: echo, args: {n: 1}, expect: allow}]
  - name: fails
    steps: [{call: echo, args: {n: 9}, expect: allow}]
`;

test('every output is as its schema says', async () => {
  await using server = await setUpRecorder();
  await using proxy = await startProxy({ policy: POLICY, server: server.command, flags: ['--enable-admin-api', '--agent', 'bot'] });
  await proxy.client.initialize();
  for (const n of [1, 2, 9]) await proxy.client.request('tools/call', { name: 'echo', arguments: { n } });
  for (const n of [1, 2]) await proxy.client.request('tools/call', { name: 'danger', arguments: { n } });
  await proxy.client.request('resources/list', {});
  const store = await stateIn(join(proxy.home, 'state')).open({ namespace: 'other' });
  const [claimed] = await store.reserve([claiming('k'.repeat(64))]);
  await store.settle([{ reservation: reservationOf(claimed), outcome: 'kept' }]);
  await store.close();
  using folder = openFolder(proxy.home);
  folder.env.INTERCEPT_APPROVER_TOKEN = undefined;
  const policy = folder.write('shop.yaml', POLICY);
  const json = async (name: string, ...argv: readonly string[]) => {
    const { out } = await folder.run(...argv, '--json');
    expectValid(name, out);
    return JSON.parse(out);
  };
  const [{ id }, other] = await json('approvals', 'approvals', 'list');
  await json('approval', 'approvals', 'show', id);
  await json('approval', 'approvals', 'approve', id, '--reason', 'ok');
  await json('approval', 'approvals', 'deny', other.id);
  await json('approvals', 'approvals', 'expire');
  const [{ key }] = await json('claims', 'idempotency', 'list');
  await json('switch', 'pause', '--reason', 'look');
  await json('status', 'status');
  await json('status', 'status', '--agent', 'nobody');
  await json('switch', 'resume');
  await json('claim', 'idempotency', 'resolve', key, '--did-not');
  for (const call of ['echo', 'danger', 'nothing']) await json('explain', 'explain', '-c', policy, '--call', call, '--args', '{"n": 9}');
  await json('explain', 'explain', '-c', policy, '--call', 'echo', '--args', '{"n": 1}', '--fresh');
  await json('test', 'test', folder.write('shop.test.yaml', TESTS), folder.write('bad.test.yaml', 'policy: 1\n'));
  await json('validate', 'validate', policy, folder.write('bad.yaml', 'version: "1"\ndefualt: deny\n'), 'missing.yaml');
  folder.env.INTERCEPT_APPROVER_TOKEN = 'a long secret';
  await json('protected', 'approvals', 'protect');
}, 120_000);

test('where nothing is, too', async () => {
  using folder = openFolder();
  for (const [name, ...argv] of [
    ['status', 'status'],
    ['switch', 'pause'],
    ['approvals', 'approvals', 'list'],
    ['claims', 'idempotency', 'list'],
  ] as const)
    expectValid(name, (await folder.run(...argv, '--json')).out);
});

test('the API says the same of approvals, instances and pauses', () => {
  const keys = (schema: unknown) => Object.keys((schema as Defs[string]).properties ?? {});
  const { Approval, Event, Status, Counters } = COMPONENTS;
  expect(keys(SCHEMA.$defs['approval']).toSorted()).toEqual(keys(Approval).toSorted());
  expect(keys(SCHEMA.$defs['event'])).toEqual(keys(Event));
  const text = JSON.stringify([Status, Counters]);
  for (const name of ['instance', 'pause_entry', 'counter'])
    for (const key of keys(SCHEMA.$defs[name])) expect(text).toContain(`"${key}":`);
});

test('no name is in camelCase, and docs/json.md lists the outputs', () => {
  expect(
    JSON.stringify(SCHEMA.$defs)
      .match(/"[a-z]+[A-Z]\w*":/g)
      ?.filter((key) => !/additionalProperties|oneOf|anyOf/.test(key)),
  ).toEqual([]);
  const parts = ['pause_entry', 'instance', 'counter', 'approval_without_args', 'diagnostic', 'trace'];
  expect([...keysAfter('docs/json.md', 'json outputs'), ...parts].toSorted()).toEqual(Object.keys(SCHEMA.$defs).toSorted());
});
