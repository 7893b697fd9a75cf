/** What once went wrong, and must not again. */
import { expect, test } from 'bun:test';
import { AuditError } from '../../src/core/audit.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { agreeable, handshake, META, OK, openRig, rulebook, START, verdict } from './fixture.ts';

const LIMIT = 'version: "1"\ntools:\n  "*":\n    rules:\n      - name: cap\n        rate_limit: 2/hour\n';
const call = (id: number | string, name = 't', more: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {}, ...more },
});
const cancel = (requestId: unknown) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });

test('wire.md §2.7: of two calls with one id that arrive together, the second is refused', async () => {
  const rig = await openRig({ policy: LIMIT });
  await rig.send(call(1), call(1));
  expect(rig.executed().length).toBe(1);
  expect(rig.answersTo(1).map(verdict)).toEqual(['error -32600']);
});
test('wire.md §2.7: a request with the id of a call that arrived with it is refused', async () => {
  const rig = await openRig({ policy: LIMIT });
  await rig.send(call(1), { jsonrpc: '2.0', id: 1, method: 'ping' });
  expect(rig.server.length).toBe(1);
});
test('wire.md §2.13: 256 requests in flight, also where they arrive together', async () => {
  const rig = await openRig();
  await rig.send(...Array.from({ length: 300 }, (_, i) => call(i)));
  expect(rig.executed().length).toBe(256);
});
test('policy.md §6: a cancelled call is kept, and a late error releases nothing', async () => {
  const rig = await openRig({ policy: LIMIT });
  await rig.send(call(1));
  await rig.send(cancel(1));
  await rig.say({ jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'x' } });
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept']);
  expect(await rig.counted()).toEqual([1]);
});
test('a call that is cancelled before it was judged is neither sent nor counted', async () => {
  const rig = await openRig({ policy: LIMIT });
  await rig.send(call(1), cancel(1));
  await rig.session.end('over');
  expect(rig.outcomes().length).toBe(rig.executed().length);
  expect(rig.answersTo(1).length).toBe(0);
});
test('I9: a cancelled element does not keep the rest of its batch from being answered', async () => {
  const rig = await openRig({ policy: LIMIT });
  await handshake(rig, '2025-03-26');
  await rig.send(JSON.stringify([call(1), call(2)]));
  await rig.send(cancel(1));
  await rig.say({ jsonrpc: '2.0', id: 2, result: OK });
  expect(rig.answersTo(2).length).toBe(1);
});
test('I9: calls that wait to be judged when the server dies are answered', async () => {
  const rig = await openRig({ policy: LIMIT });
  const first = rig.send(call(1));
  const second = rig.send(call(2));
  await rig.session.end('the server ended');
  await first;
  await second;
  expect(rig.answersTo(1).length).toBe(1);
  expect(rig.answersTo(2).length).toBe(1);
});
test('policy.md §6: a continuation that could not be recorded frees nothing: its first leg was sent', async () => {
  let broken = false;
  const rig = await openRig({
    policy: LIMIT,
    wrapAudit: (s) => ({
      ...s,
      write: (e) => {
        if (broken) throw new AuditError('full');
        s.write(e);
      },
    }),
    respond: () => ({ result: { resultType: 'input_required', requestState: 's' } }),
  });
  await rig.call('t', {}, { _meta: META });
  broken = true;
  await rig.call('t', {}, { _meta: META, requestState: 's' });
  expect(await rig.counted()).toEqual([1]);
});
test('wire.md §2.11: a refused tasks/result says nothing of the call', async () => {
  const rig = await openRig({
    policy: LIMIT,
    respond: ({ method }) =>
      method === 'tools/call' ? { result: { task: { taskId: 'a', status: 'working' } } } : { error: { code: -32602, message: 'expired' } },
  });
  await rig.call('t', {}, { task: {} });
  await rig.request('tasks/result', { taskId: 'a' });
  expect(await rig.counted()).toEqual([1]);
});
test('wire.md §2.11: a task id given away twice settles the call that had it first', async () => {
  const rig = await openRig({ policy: LIMIT, respond: () => ({ result: { task: { taskId: 'a', status: 'working' } } }) });
  await rig.call('t', {}, { task: {} });
  await rig.call('t', {}, { task: {} });
  await rig.session.end('over');
  expect(rig.outcomes().length).toBe(2);
});
test('policy.md §2: `methods` holds for lists also while the pause cannot be read', async () => {
  const rig = await openRig({ policy: 'version: "1"\nmethods:\n  "resources/list": deny\n', respond: agreeable });
  rig.pause = 'unknown';
  expect(verdict(await rig.request('resources/list'))).toBe('denied rule');
});
test('wire.md §3: the list that two calls waited for is known to the third', async () => {
  const rig = await openRig({
    policy: 'version: "1"\ntools:\n  t:\n    rules:\n      - validate: {schema: true}\n',
    respond: ({ method, params }) =>
      method === 'tools/list'
        ? {
            result: params?.cursor
              ? { tools: [{ name: 'u', inputSchema: { type: 'object' } }] }
              : { tools: [{ name: 't', inputSchema: { type: 'object' } }], nextCursor: 'c' },
          }
        : { result: OK },
  });
  await rig.send(call(1), call(2));
  expect(rig.executed()).toEqual(['t', 't']);
  const before = rig.server.length;
  await rig.send(call(3));
  expect(rig.server.length - before).toBe(1);
});
test('wire.md §2.12: an approval rule that came between two legs holds the second', async () => {
  const rig = await openRig({ policy: LIMIT, respond: () => ({ result: { resultType: 'input_required', requestState: 's' } }) });
  await rig.call('t', {}, { _meta: META });
  await rig.reload('version: "1"\ntools:\n  t:\n    rules:\n      - action: require_approval\n');
  expect(verdict(await rig.call('t', {}, { _meta: META, requestState: 's' }))).toBe('held approval_required');
});
test('I3, I9: whatever the sink throws, nothing is sent and each request has one answer', async () => {
  const rig = await openRig({
    policy: LIMIT,
    respond: agreeable,
    wrapAudit: (s) => ({
      ...s,
      write: () => {
        throw new TypeError('boom');
      },
    }),
  });
  await rig.send(
    call(1),
    { jsonrpc: '2.0', id: 2, method: 'resources/read', params: { uri: 'x' } },
    { jsonrpc: '2.0', id: 3, method: 'ping' },
  );
  expect([1, 2, 3].map((id) => rig.answersTo(id).length)).toEqual([1, 1, 1]);
  expect(rig.executed()).toEqual([]);
  await rig.session.end('x');
  expect([1, 2, 3].map((id) => rig.answersTo(id).length)).toEqual([1, 1, 1]);
});
test('I9: a fault over a call that waited for the tool list is answered and logged', async () => {
  let broken = false;
  const rig = await openRig({
    policy: 'version: "1"\ntools:\n  t:\n    rules:\n      - validate: {schema: true}\n',
    beforeId: () => {
      if (broken) throw new TypeError('boom');
    },
    respond: ({ method }) => {
      broken = true;
      return method === 'tools/list' ? { result: { tools: [{ name: 't', inputSchema: { type: 'object' } }] } } : { result: OK };
    },
  });
  await rig.send(call(1));
  expect(rig.answersTo(1).map(verdict)).toEqual(['error -32603']);
  expect(rig.logged).toContain('internal fault: boom');
  broken = false;
  await rig.send(call(1));
  expect(rig.answersTo(1).map(verdict)).toEqual(['error -32603', 'server']);
});
test('policy.md §6: a call that was being judged when the server died has its outcome recorded before the end', async () => {
  const reserving = Promise.withResolvers<void>();
  const releasing = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const store = openMemoryStore({ clock: () => START, namespace: 'test' });
  const rig = await openRig({
    policy: LIMIT,
    store: {
      ...store,
      reserve: async (calls) => {
        entered.resolve();
        await reserving.promise;
        return store.reserve(calls);
      },
      settle: async (settlements) => {
        await releasing.promise;
        await store.settle(settlements);
      },
    },
  });
  const sent = rig.send(call(1));
  await entered.promise;
  const over = rig.session.end('the server ended');
  reserving.resolve();
  await sent;
  expect(rig.outcomes()).toEqual([]);
  releasing.resolve();
  await over;
  expect(rig.outcomes()).toMatchObject([{ result: 'released', error: 'cancelled before it was sent' }]);
  expect(await rig.counted()).toEqual([]);
  expect(rig.answersTo(1).map(verdict)).toEqual(['error -32000']);
});
test('I8: a call that waited for the store while a reload came is recorded under the policy that judged it', async () => {
  const open = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const store = openMemoryStore({ clock: () => START, namespace: 'test' });
  const rig = await openRig({
    policy: LIMIT,
    store: {
      ...store,
      reserve: async (calls) => {
        entered.resolve();
        await open.promise;
        return store.reserve(calls);
      },
    },
  });
  const sent = rig.send(call(1), { jsonrpc: '2.0', id: 2, method: 'resources/read', params: { uri: 'x' } });
  await entered.promise;
  await rig.reload('version: "1"\n');
  open.resolve();
  await sent;
  const { policy } = await rulebook(LIMIT);
  const named = rig.events.map((event) => (event.type === 'outcome' ? undefined : event.policy?.revision));
  expect(named).toEqual([policy.revision, policy.revision]);
});
