/** What an agent or a server could twist by when and how it speaks (policy.md §6, wire.md §2). */
import { expect, test } from 'bun:test';
import { AuditError, type AuditSink } from '../../src/core/audit.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { agreeable, META, OK, openRig, START, verdict } from './fixture.ts';

const PER_SESSION = 'version: "1"\ntools:\n  t:\n    rules:\n      - {name: cap, rate_limit: {max: 1, window: hour, per: session}}\n';

test.each([
  ['legacy first', {}, { _meta: META }],
  ['modern first', { _meta: META }, {}],
])('I4: an agent that speaks both eras has one count, %s', async (_, one, other) => {
  const rig = await openRig({ policy: PER_SESSION, agent: 'ann', respond: agreeable });
  expect(verdict(await rig.call('t', {}, one))).toBe('server');
  expect(verdict(await rig.call('t', {}, other))).toBe('denied rate_limit');
  await rig.send({ jsonrpc: '2.0', method: 'tools/call', params: { name: 't', ...other } });
  expect(rig.executed()).toEqual(['t']);
});

test('a server’s answer to a call that is still being judged answers nothing', async () => {
  const judged = Promise.withResolvers<void>();
  const store = openMemoryStore({ clock: () => START, namespace: 'test' });
  const slow = {
    ...store,
    async reserve(calls: Parameters<typeof store.reserve>[0]) {
      await judged.promise;
      return store.reserve(calls);
    },
  };
  const rig = await openRig({ policy: PER_SESSION.replace('max: 1', 'max: 0'), store: slow });
  const sent = rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't' } });
  rig.session.fromServer([{ kind: 'line', bytes: new TextEncoder().encode(`{"jsonrpc":"2.0","id":1,"result":${JSON.stringify(OK)}}`) }]);
  judged.resolve();
  await sent;
  expect(rig.answersTo(1).map(verdict)).toEqual(['denied rate_limit']);
});

test('wire.md §3: the proxy’s own question for the list carries what the client’s says of the protocol, and nothing else', async () => {
  const policy = 'version: "1"\ntools:\n  t:\n    rules:\n      - validate: {required_args: true}\n';
  const list = { tools: [{ name: 't', inputSchema: { type: 'object' } }] };
  const rig = await openRig({ policy, respond: ({ method }) => ({ result: method === 'tools/list' ? list : OK }) });
  await rig.call('t', {}, { _meta: { ...META, progressToken: 7, 'org.paymentauth/credential': { secret: 's' } } });
  expect(rig.server.map(({ method, params }) => [method, params._meta])).toEqual([
    ['tools/list', META],
    ['tools/call', { ...META, progressToken: 7, 'org.paymentauth/credential': { secret: 's' } }],
  ]);
});

test('policy.md §2: an exact key of methods that denies tool calls denies them', async () => {
  const rig = await openRig({ policy: 'version: "1"\nmethods:\n  tools/call: deny\n', respond: agreeable });
  expect(verdict(await rig.call('t'))).toBe('error -32010');
  await rig.send({ jsonrpc: '2.0', method: 'tools/call', params: { name: 't' } });
  expect(rig.executed()).toEqual([]);
});

test.each([
  ['', ''],
  ['though the pause cannot be read again by then', ''],
  ['in shadow, too', 'mode: shadow\n'],
])('policy.md §11: a pause that comes while a call waits for the store stops it, and takes nothing %s', async (how, mode) => {
  const judged = Promise.withResolvers<void>();
  const store = openMemoryStore({ clock: () => START, namespace: 'test' });
  const slow = {
    ...store,
    async reserve(calls: Parameters<typeof store.reserve>[0]) {
      await judged.promise;
      return store.reserve(calls);
    },
  };
  const rig = await openRig({ policy: PER_SESSION + mode, store: slow, respond: agreeable });
  const sent = rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't' } });
  const pause = { policy: undefined, reason: 'stop', since: START };
  rig.pause = pause;
  if (how.includes('cannot')) Object.assign(rig.ports.pauses, { current: () => Promise.withResolvers().promise, known: () => pause });
  judged.resolve();
  await sent;
  expect(rig.answersTo(1).map(verdict)).toEqual(['denied paused']);
  expect([rig.executed(), await rig.counted()]).toEqual([[], []]);
  expect(rig.calls().map(({ result, draws }) => [result, draws])).toEqual([['denied', undefined]]);
});

test('policy.md §10: a failing audit stops nothing in shadow, other requests included', async () => {
  const wrapAudit = (sink: AuditSink): AuditSink => ({
    ...sink,
    write() {
      throw new AuditError('full');
    },
  });
  const rig = await openRig({ policy: 'version: "1"\nmode: shadow\n', respond: agreeable, wrapAudit });
  expect(verdict(await rig.call('t'))).toBe('server');
  expect(verdict(await rig.request('resources/read', { uri: 'x' }))).toBe('server');
  await rig.say({ jsonrpc: '2.0', id: 's', method: 'sampling/createMessage', params: {} });
  expect(rig.agent.flat().filter(({ method }) => method === 'sampling/createMessage').length).toBe(1);
  expect(rig.logged.length).toBeGreaterThan(2);
});

test('policy.md §11: a method that only calls itself a list does not pass a pause', async () => {
  const rig = await openRig({ respond: agreeable });
  rig.pause = { policy: undefined, reason: '', since: START };
  expect(verdict(await rig.request('danger/list'))).toBe('error -32010');
  expect(verdict(await rig.request('resources/templates/list'))).toBe('server');
});

test.each([
  'tools/call\0',
  'tools/call\0x',
  '\u0001tools/call',
  'Tools/Call',
  'tools//call',
  '/tools/call',
  'tools\u2215call',
  'tools\\call',
])('%j is no method that passes unjudged', async (method) => {
  const rig = await openRig({ respond: agreeable });
  expect(verdict(await rig.request(method, { name: 't' }))).toBe('error -32600');
});

test('policy.md §6: in shadow too a continued call keeps what its first leg reserved, and gives it back', async () => {
  const policy = 'version: "1"\nmode: shadow\ntools:\n  t:\n    rules:\n      - {name: cap, rate_limit: 5/hour}\n';
  const answers = [{ result: { resultType: 'input_required', inputRequests: {} } }, { error: { code: -1, message: 'no' } }];
  const rig = await openRig({ policy, respond: () => answers.shift() });
  await rig.call('t');
  await rig.reload(`${policy}hide: [t]\n`);
  expect(await rig.counted()).toEqual([1]);
  await rig.call('t', {}, { inputResponses: {} });
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['released']);
  expect(await rig.counted()).toEqual([]);
});
