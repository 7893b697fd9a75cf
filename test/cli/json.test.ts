/** cli.md §1: what commands print with --json is what schema/output.schema.json says, in one style. */
import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { COMPONENTS } from '../../src/admin/schemas.ts';
import type { AuditEvent, CallEvent } from '../../src/core/audit.ts';
import { stateIn } from '../../src/state/open.ts';
import { asJson, callOf, withSink } from '../audit/events.ts';
import { keysAfter } from '../docs/markdown.ts';
import { interceptCommand, ROOT } from '../harness/paths.ts';
import { startProxy } from '../harness/proxy.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { until } from '../harness/wait.ts';
import { claiming, reservationOf } from '../state/calls.ts';
import { openFolder } from './run.ts';

type Defs = Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>>; readonly oneOf?: readonly Part[] }>>;

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
  for (const method of ['resources/list', 'ping']) await json('explain_method', 'explain', '-c', policy, '--method', method);
  await json('test', 'test', folder.write('shop.test.yaml', TESTS), folder.write('bad.test.yaml', 'policy: 1\n'));
  await json('validate', 'validate', policy, folder.write('bad.yaml', 'version: "1"\ndefualt: deny\n'), 'missing.yaml');
  await json('policies', 'policies', 'list', 'stripe');
  for (const start of ['npx -y @stripe/mcp', 'node server.js'])
    expectValid('policy_match', (await folder.run('policies', 'for', '--json', '--', ...start.split(' '))).out);
  for (const preset of ['suggested', 'read-only']) await json('policy', 'policies', 'show', 'stripe', '--preset', preset);
  const scanned = ['--', ...server.command];
  const drafted = join(folder.path, 'drafted.yaml');
  // What follows "--" is the server's.
  for (const flags of [[], ['-o', drafted], ['-o', drafted, '--update']])
    expectValid('scan', (await folder.run('scan', '--json', ...flags, ...scanned)).out);
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

const linesIn = (out: string) => out.split('\n').slice(0, -1);

test('every line is as its schema says', async () => {
  await using server = await setUpRecorder({ tools: [{ name: 'echo' }, { name: 'danger' }] });
  const flags = ['--enable-admin-api', '--agent', 'bot'];
  await using proxy = await startProxy({ policy: `${POLICY}  gone: []\n`, server: server.command, flags });
  using folder = openFolder(proxy.home);
  const { client } = proxy;
  await client.initialize();
  const [command = '', ...args] = interceptCommand();
  const watch = spawn(command, [...args, 'approvals', 'watch', '--json'], { env: folder.env, stdio: ['ignore', 'pipe', 'inherit'] });
  let events = '';
  watch.stdout.on('data', (chunk) => (events += chunk));
  const left = new Promise((resolve) => watch.on('close', resolve));
  try {
    for (const n of [1, 9]) await client.request('tools/call', { name: 'echo', arguments: { n, password: 'hunter2' } });
    for (const n of [1, 1, 2]) await client.request('tools/call', { name: 'danger', arguments: { n } });
    for (const method of ['tools/list', 'resources/list', 'resources/read']) await client.request(method, { uri: 'file:///x' });
    client.sendLine('{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}');
    await client.next((frame) => frame.json?.error?.code === -32600);
    await until('what waits', () => events.split('approval.requested').length > 2 || undefined);
    const { out } = await folder.run('approvals', 'list', '--json');
    const [one, other] = JSON.parse(out).map(({ id }: { id: string }) => id);
    await folder.run('approvals', 'approve', one, '--reason', 'ok');
    await folder.run('approvals', 'deny', other);
    for (const n of [1, 2]) await client.request('tools/call', { name: 'danger', arguments: { n } });
    await folder.run('pause', '--reason', 'look');
    await folder.run('resume');
    await proxy.edit(POLICY.replace('shop', 'shop2'));
    await proxy.untilRecords('the edit', (all) => all.some(({ type }) => type === 'config_reload'));
    await until('the events', () => /"approval.consumed"/.test(events) || undefined);
    watch.kill('SIGINT');
    expect(await left).toBe(0);
  } finally {
    watch.kill('SIGKILL');
  }
  await client.close();
  for (const line of linesIn(events)) expectValid('event', line);
  const records = linesIn((await folder.run('log', '--json')).out);
  for (const line of records) expectValid('record', line);
  const seen = new Set<string>(records.map((line) => JSON.parse(line).type));
  const unseen = Object.keys(TYPES).filter((type) => !seen.has(type));
  expect(unseen.toSorted()).toEqual(['approval_expired', 'webhook_failed']);
  const intact = linesIn((await folder.run('log', '--verify', '--json')).out);
  const { files } = JSON.parse(intact[0] ?? '');
  writeFileSync(files[0], readFileSync(files[0], 'utf8').replace('"seq":2', '"seq":3'));
  const broken = linesIn((await folder.run('log', '--verify', '--json')).out);
  expect([intact, broken].map(([line = '']) => JSON.parse(line).ok)).toEqual([true, false]);
  for (const line of [...intact, ...broken]) expectValid('chain', line);
  expectValid('tools', (await folder.run('tools', '--json', '--', ...server.command)).out);
}, 120_000);

/** Every type of record: this does not compile where one is missing. */
const TYPES: Readonly<Record<AuditEvent['type'], string>> = {
  tool_call: 'tool_call',
  outcome: 'outcome',
  request: 'request',
  refused: 'refused',
  approval_requested: 'approval_requested',
  approval_reused: 'approval_requested',
  approval_consumed: 'approval_requested',
  approval_approved: 'approval_approved',
  approval_denied: 'approval_approved',
  approval_expired: 'approval_approved',
  webhook_failed: 'webhook_failed',
  startup: 'startup',
  config_reload: '',
  paused: '',
  resumed: '',
  heartbeat: '',
  shutdown: '',
};

/** A call with all that a record of one can say: this does not compile where a part is missing. */
const FULL: Required<CallEvent> = {
  ...{ type: 'tool_call', policy: { name: undefined, revision: 'r' }, call: 'c', tool: 't', result: 'allowed' },
  ...{ code: 'rule', rule: 'few', message: 'no', why: 'it is so', isUnknown: false, inputs: '{"a":1}', agent: 'bot' },
  ...callOf({ password: 'hunter2-hunter2', text: 'x'.repeat(20_000) }),
  ...{ agentKey: undefined, client: 'c', session: 's', requestId: '"7"', durationUs: 5, approval: 'apr_1' },
  meta: { value: new Map([['token', asJson('hunter2')]]), text: '{"token":"hunter2"}' },
  draws: [{ counter: 'c', amount: '1.5' }],
  shadow: [{ result: 'denied', code: 'rule', rule: 'few' }],
};

test.each(['redacted', 'full', 'hash'] as const)('the record of a call that has everything, with --audit-args %s', (mode) =>
  withSink(({ sink, lines }) => {
    sink.write([FULL, { type: 'outcome', call: 'c', result: 'kept', upstreamUs: 5, error: 'lost', unpriced: true }]);
    for (const line of lines()) expectValid('record', line);
    const own = Object.keys(partOf('tool_call'));
    const seen = Object.keys(JSON.parse(lines()[0] ?? ''));
    const absent = mode === 'hash' ? ['args', 'masked', 'cut', 'meta', 'inputs'] : ['args_bytes', 'inputs_hash'];
    if (mode === 'full') absent.push('masked', 'meta_hash');
    expect(own.filter((name) => !seen.includes(name)).toSorted()).toEqual(absent.toSorted());
  }, mode),
);

interface Part {
  readonly properties: Readonly<Record<string, { readonly const?: string; readonly enum?: readonly string[] }>>;
}

/** The fields of a type of record, as the schema has them. */
function partOf(type: string): Part['properties'] {
  const { oneOf = [] } = SCHEMA.$defs['record'] ?? {};
  const part = oneOf.find(({ properties }) => [properties['type']?.const, ...(properties['type']?.enum ?? [])].includes(type));
  const { type: _, ...fields } = part?.properties ?? {};
  return fields;
}

test('records have the fields of docs/audit.md, type by type', () => {
  for (const [type, table] of Object.entries(TYPES)) {
    const fields = Object.keys(partOf(type)).toSorted();
    const documented = table === '' ? fields : keysAfter('docs/audit.md', `record ${table}`);
    const also = type === 'startup' ? ['listens', 'page'] : [];
    expect([type, fields]).toEqual([type, [...documented, ...also].toSorted()]);
  }
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
      ?.filter((key) => !/additionalProperties|unevaluatedProperties|oneOf|anyOf/.test(key)),
  ).toEqual([]);
  const parts = ['pause_entry', 'instance', 'counter', 'approval_without_args', 'diagnostic', 'trace', 'library_policy'];
  expect([...keysAfter('docs/json.md', 'json outputs'), ...parts].toSorted()).toEqual(Object.keys(SCHEMA.$defs).toSorted());
});
