/** How calls end (policy.md §6): committed, released or kept; and what that leaves in the counter. */
import { describe, expect, test } from 'bun:test';
import { OK, openRig, type Rig, verdict } from './fixture.ts';

const policy = (limit: string) => `version: "1"\ntools:\n  t:\n    rules:\n      - {name: cap, rate_limit: ${limit}}\n`;
const HOURLY = policy('1/hour');
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', arguments: {} } };
const answered = (members: object) => (rig: Rig) => rig.say({ jsonrpc: '2.0', id: 1, ...members });

const ENDINGS: readonly (readonly [string, 'committed' | 'released' | 'kept', (rig: Rig) => Promise<void>])[] = [
  ['a result', 'committed', answered({ result: OK })],
  ['an empty result', 'committed', answered({ result: {} })],
  ['isError: false', 'committed', answered({ result: { ...OK, isError: false } })],
  ['isError: true', 'released', answered({ result: { ...OK, isError: true } })],
  ['a JSON-RPC error', 'released', answered({ error: { code: -32000, message: 'no' } })],
  ['a payment challenge as an error', 'released', answered({ error: { code: -32042, message: 'pay', data: { challenges: [{}] } } })],
  [
    'a payment challenge in _meta',
    'released',
    answered({ result: { ...OK, _meta: { 'org.paymentauth/payment-required': { challenges: [] } } } }),
  ],
  ['isError that is neither true nor false', 'kept', answered({ result: { isError: 'no' } })],
  ['isError twice', 'kept', (rig) => rig.say('{"jsonrpc":"2.0","id":1,"result":{"isError":true,"isError":false}}')],
  ['neither result nor error', 'kept', answered({})],
  ['a result and an error', 'kept', answered({ result: OK, error: { code: 1, message: '' } })],
  ['a line cut off after the id', 'kept', (rig) => rig.say('{"jsonrpc":"2.0","id":1,"result":{"content":[')],
  ['the client’s cancellation', 'kept', (rig) => rig.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })],
  ['the death of the server', 'kept', (rig) => rig.session.end('the server ended')],
  [
    'time running out',
    'kept',
    async (rig) => {
      rig.advance(1_001);
      await rig.session.sweep();
    },
  ],
];

describe('each ending settles its reservation once', () => {
  test.each(ENDINGS)('%s: %s', async (name, result, end) => {
    const rig = await openRig({ policy: HOURLY, timeouts: { upstream: 1_000 } });
    await rig.send(CALL);
    await end(rig);
    expect(rig.outcomes().map((outcome) => outcome.result)).toEqual([result]);
    expect(rig.outcomes()[0]?.call).toBe(rig.calls()[0]?.call as string);
    expect(await rig.counted()).toEqual(result === 'released' ? [] : [1]);
    const waits = name === 'the client’s cancellation';
    expect(rig.answersTo(1).length).toBe(waits ? 0 : 1);
  });
});

test('an answer that comes after its time ran out is dropped, and settles nothing', async () => {
  const rig = await openRig({ policy: HOURLY, timeouts: { upstream: 1_000 } });
  await rig.send(CALL);
  rig.advance(1_000);
  await rig.session.sweep();
  expect(rig.answersTo(1)).toEqual([]);
  rig.advance(1);
  await rig.session.sweep();
  await rig.say({ jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'late' } });
  expect(rig.answersTo(1).map(verdict)).toEqual(['error -32001']);
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept']);
});

test('policy.md §6: without a time-out nothing ever times out', async () => {
  const rig = await openRig({ policy: HOURLY });
  await rig.send(CALL);
  rig.advance(86_400_000);
  await rig.session.sweep();
  expect(rig.outcomes()).toEqual([]);
});

describe('policy.md §6: attempts and successes', () => {
  test.each([
    ['1/second', 1],
    ['1/minute', 1],
    ['1/hour', 0],
    ['1/day', 0],
    ['{max: 1, window: minute, count: successes}', 0],
    ['{max: 1, window: hour, count: attempts}', 1],
  ])('%s: a failed call leaves %d', async (limit, left) => {
    const rig = await openRig({ policy: policy(limit), respond: () => ({ result: { ...OK, isError: true } }) });
    await rig.call('t');
    expect(await rig.counted()).toEqual(left ? [1] : []);
    expect(verdict(await rig.call('t'))).toBe(left ? 'denied rate_limit' : 'server');
    // What was never sent counts neither way.
    expect(rig.executed().length).toBe(left ? 1 : 2);
  });
});

test('policy.md §6: what fails is released into the window that it was taken from, never into a later one', async () => {
  const rig = await openRig({ policy: policy('2/hour') });
  await rig.send(CALL);
  rig.advance(3_600_000);
  await rig.send({ ...CALL, id: 2 }, { ...CALL, id: 3 });
  await rig.say({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'failed in the hour before' } });
  expect(await rig.counted()).toEqual([2]);
  expect(verdict(await rig.call('t'))).toBe('denied rate_limit');
});

test('a release that fails leaves the call spent, and the record says kept', async () => {
  const rig = await openRig({ policy: HOURLY });
  await rig.send(CALL);
  await rig.store.close();
  await rig.say({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'no' } });
  expect(rig.outcomes()).toMatchObject([{ result: 'kept', error: 'the store is closed' }]);
  expect(rig.answersTo(1).map(verdict)).toEqual(['error 1']);
});

test('wire.md §2.5: a call without an id is judged, counted and recorded, and never answered', async () => {
  const rig = await openRig({ policy: policy('1/hour') });
  const { id: _, ...call } = CALL;
  await rig.send(call, call);
  expect(rig.executed()).toEqual(['t']);
  expect(rig.agent).toEqual([]);
  expect(rig.calls().map(({ result }) => result)).toEqual(['allowed', 'denied']);
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept']);
  const held = await openRig({ policy: 'version: "1"\ntools:\n  t: {rules: [{action: require_approval}]}\n' });
  await held.send(call);
  expect([held.server, held.agent, await held.store.approvals.list({ state: 'pending' })]).toEqual([[], [], []]);
  expect(held.calls().map(({ result }) => result)).toEqual(['approval_required']);
});
