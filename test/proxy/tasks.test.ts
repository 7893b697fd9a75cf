/** Calls that become tasks, in both forms (wire.md §2.11): their final result alone settles them. */
import { describe, expect, test } from 'bun:test';
import { META, OK, openRig, type Responder, type Rig } from './fixture.ts';

const POLICY = 'version: "1"\ntools:\n  t:\n    rules:\n      - {name: cap, rate_limit: 5/hour}\n';
const HANDLES = {
  'nested, of 2025-11-25': { more: { task: {} }, handle: { task: { taskId: 'a', status: 'working' } } },
  'flat, of 2026-07-28': { more: { _meta: META }, handle: { resultType: 'task', taskId: 'a', status: 'working' } },
  unasked: { more: {}, handle: { resultType: 'task', taskId: 'a', status: 'working' } },
};

describe.each(Object.entries(HANDLES))('a handle %s', (_, { more, handle }) => {
  const open = async (answers: Readonly<Record<string, object>> = {}) => {
    const respond: Responder = ({ method }) => (method === 'tools/call' ? { result: handle } : answers[method ?? '']);
    const rig = await openRig({ policy: POLICY, respond });
    await rig.call('t', {}, more);
    expect(rig.outcomes()).toEqual([]);
    expect(await rig.counted()).toEqual([1]);
    return rig;
  };
  const settled = async (rig: Rig) => ({
    outcomes: rig.outcomes().map(({ result }): string => result),
    counted: (await rig.counted())[0] ?? 0,
  });

  test.each([
    ['tasks/result with the result', 'tasks/result', { result: OK }, 'committed', 1],
    ['tasks/get: completed', 'tasks/get', { result: { taskId: 'a', status: 'completed' } }, 'committed', 1],
    [
      'tasks/get: completed with isError',
      'tasks/get',
      { result: { taskId: 'a', status: 'completed', result: { isError: true } } },
      'released',
      0,
    ],
    ['tasks/get: failed', 'tasks/get', { result: { taskId: 'a', status: 'failed' } }, 'released', 0],
    ['tasks/get: cancelled', 'tasks/get', { result: { taskId: 'a', status: 'cancelled' } }, 'kept', 1],
    ['tasks/cancel that says so', 'tasks/cancel', { result: { taskId: 'a', status: 'cancelled' } }, 'kept', 1],
  ])('%s', async (_name, method, answer, result, counted) => {
    const rig = await open({ [method]: answer });
    await rig.request(method, { taskId: 'a' });
    expect(await settled(rig)).toEqual({ outcomes: [result], counted });
    expect(rig.outcomes()[0]?.call).toBe(rig.calls()[0]?.call as string);
    // Whatever comes after that settles nothing more.
    await rig.request(method, { taskId: 'a' });
    await rig.session.end('over');
    expect(await settled(rig)).toEqual({ outcomes: [result], counted });
  });

  test.each([
    ['tasks/get while it works', 'tasks/get', { result: { taskId: 'a', status: 'working' } }],
    ['tasks/get that asks for input', 'tasks/get', { result: { taskId: 'a', status: 'input_required' } }],
    ['tasks/get of a task that expired', 'tasks/get', { error: { code: -32602, message: 'no such task' } }],
    ['tasks/result of a task that expired', 'tasks/result', { error: { code: -32602, message: 'no such task' } }],
    ['tasks/result that the server failed at', 'tasks/result', { error: { code: -32603, message: 'expected object' } }],
    ['tasks/result with an error that may be the tool’s', 'tasks/result', { error: { code: -32000, message: 'no' } }],
    ['tasks/result with isError, which may be about a task that still works', 'tasks/result', { result: { isError: true } }],
    ['tasks/result that asks for a payment', 'tasks/result', { result: { ...OK, _meta: { 'org.paymentauth/payment-required': {} } } }],
    ['tasks/cancel that only confirms', 'tasks/cancel', { result: {} }],
    ['tasks/cancel that comes too late', 'tasks/cancel', { error: { code: -32602, message: 'already completed' } }],
  ])('%s settles nothing; never fetched, it is kept', async (_name, method, answer) => {
    const rig = await open({ [method]: answer });
    await rig.request(method, { taskId: 'a' });
    expect(await settled(rig)).toEqual({ outcomes: [], counted: 1 });
    await rig.session.end('over');
    expect(await settled(rig)).toEqual({ outcomes: ['kept'], counted: 1 });
  });

  test.each([
    ['failed', 'released', 0],
    ['completed', 'committed', 1],
    ['cancelled', 'kept', 1],
  ])('tasks/result with isError: the status says how the task ended (%s)', async (status, result, counted) => {
    const rig = await open({ 'tasks/result': { result: { isError: true } }, 'tasks/get': { result: { taskId: 'a', status } } });
    await rig.request('tasks/result', { taskId: 'a' });
    expect(await settled(rig)).toEqual({ outcomes: [], counted: 1 });
    await rig.request('tasks/get', { taskId: 'a' });
    expect(await settled(rig)).toEqual({ outcomes: [result], counted });
  });

  test('a cancelled tasks/result, answered with an error, settles nothing; the status does', async () => {
    const rig = await open({ 'tasks/get': { result: { taskId: 'a', status: 'completed' } } });
    await rig.request('tasks/result', { taskId: 'a' }, 'asked');
    await rig.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'asked' } });
    await rig.say({ jsonrpc: '2.0', id: 'asked', error: { code: 0, message: 'Request cancelled' } });
    expect(await settled(rig)).toEqual({ outcomes: [], counted: 1 });
    await rig.request('tasks/get', { taskId: 'a' });
    expect(await settled(rig)).toEqual({ outcomes: ['committed'], counted: 1 });
  });

  test.each(['notifications/tasks/status', 'notifications/tasks'])('%s settles it', async (method) => {
    for (const [status, result, counted] of [
      ['completed', 'committed', 1],
      ['failed', 'released', 0],
      ['cancelled', 'kept', 1],
    ] as const) {
      const rig = await open();
      await rig.say({ jsonrpc: '2.0', method, params: { taskId: 'a', status: 'working' } });
      expect(await settled(rig)).toEqual({ outcomes: [], counted: 1 });
      await rig.say({ jsonrpc: '2.0', method, params: { taskId: 'a', status } });
      expect(await settled(rig)).toEqual({ outcomes: [result], counted });
      await rig.session.end('over');
    }
  });

  test('the status of another task settles nothing', async () => {
    const rig = await open({ 'tasks/get': { result: { taskId: 'b', status: 'failed' } } });
    await rig.request('tasks/get', { taskId: 'b' });
    await rig.say({ jsonrpc: '2.0', method: 'notifications/tasks', params: { taskId: 'b', status: 'failed' } });
    expect(await settled(rig)).toEqual({ outcomes: [], counted: 1 });
  });
});

test('tasks/update is recorded with its inputs', async () => {
  const rig = await openRig({ policy: POLICY, respond: () => ({ result: {} }) });
  await rig.request('tasks/update', { taskId: 'a', inputResponses: { k: { action: 'accept' } }, _meta: META });
  expect(rig.events).toMatchObject([
    { type: 'request', fields: { method: 'tasks/update', task: 'a', inputs: '{"k":{"action":"accept"}}' } },
  ]);
});

test('policy.md §2: what a task asks for is subject to methods', async () => {
  const policy = `${POLICY}methods:\n  sampling/createMessage: deny\n`;
  const ask = { taskId: 'a', status: 'input_required', inputRequests: { k: { method: 'sampling/createMessage', params: {} } } };
  const rig = await openRig({ policy, respond: () => ({ result: { resultType: 'complete', ...ask } }) });
  expect((await rig.request('tasks/get', { taskId: 'a', _meta: META }))?.error?.code).toBe(-32010);
  await rig.say({ jsonrpc: '2.0', method: 'notifications/tasks', params: ask });
  expect(rig.agent.flat().filter(({ method }) => method === 'notifications/tasks')).toEqual([]);
});
