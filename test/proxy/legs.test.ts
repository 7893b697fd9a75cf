/** Calls that the server answers with `input_required` (wire.md §2.12). */
import { describe, expect, test } from 'bun:test';
import { META, OK, openRig, type Responder, verdict } from './fixture.ts';

const POLICY = 'version: "1"\ntools:\n  t:\n    rules:\n      - {name: cap, rate_limit: 2/hour}\n';
const asks = (state?: string) => ({
  result: {
    resultType: 'input_required',
    inputRequests: { k: { method: 'elicitation/create', params: {} } },
    ...(state !== undefined && { requestState: state }),
  },
});
/** Asks `times` times under the states s1, s2, …, then ends with `last`. */
const asking = (times: number, last: object = { result: OK }): Responder => {
  let asked = 0;
  return () => (asked < times ? asks(`s${++asked}`) : last);
};
const first = { _meta: META };
const retry = (state?: string) => ({
  _meta: META,
  inputResponses: { k: { action: 'accept' } },
  ...(state !== undefined && { requestState: state }),
});

test('a call of three legs is counted once, under one call id, and settled once', async () => {
  const rig = await openRig({ policy: POLICY, respond: asking(2) });
  await rig.call('t', {}, first);
  await rig.call('t', {}, retry('s1'));
  expect(rig.outcomes()).toEqual([]);
  await rig.call('t', {}, retry('s2'));
  expect(await rig.counted()).toEqual([1]);
  expect(new Set(rig.calls().map(({ call }) => call)).size).toBe(1);
  expect(rig.calls().length).toBe(3);
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['committed']);
});

test('a failing last leg releases what the first one took', async () => {
  const rig = await openRig({ policy: POLICY, respond: asking(1, { result: { isError: true } }) });
  await rig.call('t', {}, first);
  await rig.call('t', {}, retry('s1'));
  expect(await rig.counted()).toEqual([]);
});

describe('what is no continuation is a new call', () => {
  test.each([
    ['another state', { a: 1 }, retry('s9')],
    ['no state', { a: 1 }, retry()],
    ['other arguments', { a: 2 }, retry('s1')],
  ])('%s', async (_, args, more) => {
    const rig = await openRig({ policy: POLICY, respond: asking(1) });
    await rig.call('t', { a: 1 }, first);
    await rig.call('t', args, more);
    expect(await rig.counted()).toEqual([2]);
    expect(new Set(rig.calls().map(({ call }) => call)).size).toBe(2);
  });

  test('a state where the answer had none', async () => {
    const rig = await openRig({ policy: POLICY, respond: () => asks() });
    await rig.call('t', {}, first);
    await rig.call('t', {}, retry('s1'));
    expect(await rig.counted()).toEqual([2]);
  });

  test('a second continuation of the same leg', async () => {
    const rig = await openRig({ policy: POLICY, respond: asking(1) });
    await rig.call('t', {}, first);
    expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('server');
    expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('server');
    expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('denied rate_limit');
    expect(await rig.counted()).toEqual([2]);
  });

  test('two continuations that arrive together: one continues, one is counted', async () => {
    const rig = await openRig({ policy: POLICY, respond: asking(1) });
    await rig.call('t', {}, first);
    const again = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 't', arguments: {}, ...retry('s1') } });
    await rig.send(again(1), again(2));
    expect(await rig.counted()).toEqual([2]);
  });
});

test('without inputResponses it continues as well, and numbers are compared by value', async () => {
  const rig = await openRig({ policy: POLICY, respond: asking(1) });
  await rig.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"n":1.0,"m":2}}}');
  await rig.send('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t","arguments":{"m":2e0,"n":1},"requestState":"s1"}}');
  expect(await rig.counted()).toEqual([1]);
});

test('policy.md §6: a full limit does not stop the call that filled it', async () => {
  const rig = await openRig({ policy: POLICY.replace('2/hour', '1/hour'), respond: asking(1) });
  await rig.call('t', {}, first);
  expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('server');
  expect(verdict(await rig.call('t', {}, first))).toBe('denied rate_limit');
});

test('a continuation is judged again: what is denied now is kept, and not sent', async () => {
  const rig = await openRig({ policy: POLICY, respond: asking(1) });
  await rig.call('t', {}, first);
  await rig.reload(`${POLICY}      - {name: stop, action: deny}\n`);
  expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('denied rule');
  expect(rig.executed().length).toBe(1);
  expect(rig.outcomes()).toMatchObject([{ result: 'kept', error: 'its continuation was refused' }]);
  expect(await rig.counted()).toEqual([1]);
});

test('a paused continuation is kept', async () => {
  const rig = await openRig({ policy: POLICY, respond: asking(1) });
  await rig.call('t', {}, first);
  rig.pause = { policy: undefined, reason: 'x', since: 0 };
  expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('denied paused');
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept']);
});

test('between legs 15 minutes may pass, and not a moment more', async () => {
  const inTime = await openRig({ policy: POLICY, respond: asking(1) });
  await inTime.call('t', {}, first);
  inTime.advance(15 * 60_000 - 1);
  await inTime.session.sweep();
  expect(inTime.outcomes()).toEqual([]);
  await inTime.call('t', {}, retry('s1'));
  expect(inTime.outcomes().map(({ result }) => result)).toEqual(['committed']);

  const late = await openRig({ policy: POLICY, respond: asking(1) });
  await late.call('t', {}, first);
  late.advance(15 * 60_000);
  await late.call('t', {}, retry('s1'));
  await late.session.sweep();
  expect(late.outcomes().map(({ result }) => result)).toEqual(['committed', 'kept']);
  expect(await late.counted()).toEqual([2]);
});

test('a session that ends between legs leaves the call kept', async () => {
  const rig = await openRig({ policy: POLICY, respond: asking(1) });
  await rig.call('t', {}, first);
  await rig.session.end('over');
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept']);
});

test.each([7, { k: {} }, { k: 'elicitation/create' }, { k: { method: 1 } }])(
  'what cannot be read of what the server asks is refused: %j',
  async (inputRequests) => {
    const rig = await openRig({ policy: POLICY, respond: () => ({ result: { resultType: 'input_required', inputRequests } }) });
    expect(verdict(await rig.call('t', {}, first))).toBe('error -32010');
    expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept']);
  },
);

test('policy.md §2: what the server asks inside its answer is subject to methods, and then the outcome is unknown', async () => {
  const rig = await openRig({ policy: `${POLICY}methods:\n  "elicitation/*": deny\n`, respond: asking(1) });
  expect(verdict(await rig.call('t', {}, first))).toBe('error -32010');
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept']);
  expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('server');
  expect(await rig.counted()).toEqual([2]);
});
