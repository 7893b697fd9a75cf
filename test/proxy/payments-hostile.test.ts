/** policy.md §6, §8: an agent and a server that try to make a payment count for less than it is, or for nothing. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Store } from '../../src/core/store.ts';
import { DECISION, META, type Message, OK, openRig, type Responder, type Rig } from './fixture.ts';

// A machine that has much else to do may take its time.
setDefaultTimeout(60_000);

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const POLICY = `version: "1"
name: paid
tools:
  buy:
    rules:
      - name: budget
        spend: { daily: 10, assets: { "${USDC}": { decimals: 6, currency: usd, opaque: true } } }
`;
const IDEMPOTENT = POLICY.replace('    rules:', '    idempotency_window: 5m\n    rules:');
const accept = (amount: string) => ({ scheme: 'exact', network: 'eip155:1', amount, asset: USDC, payTo: '0x1', extra: {} });
const required = (amount: string) => ({ x402Version: 2, resource: { url: 'x' }, accepts: [accept(amount)] });
const asking = (amount: string) => ({ result: { isError: true, content: [], structuredContent: required(amount) } });
const pays = (amount: string, nonce = '1') => ({ 'x402/payment': { x402Version: 2, accepted: accept(amount), payload: { nonce } } });
const mpp = (amount: string) => ({
  challenges: [{ id: 'c', realm: 'r', method: 'stripe', intent: 'charge', request: { amount, currency: 'usd' } }],
});

const listed = { result: { tools: [{ name: 'buy', inputSchema: { type: 'object' } }] } };
const server =
  (answer: (params: NonNullable<Message['params']>) => object | undefined): Responder =>
  ({ method, params }) =>
    method === 'tools/call' ? answer(params) : method === 'tools/list' ? listed : { result: {} };
const codeOf = (answer: Message | undefined) => answer?.result?._meta?.[DECISION]?.code as string | undefined;
const DOLLAR = 1_000_000;

async function spent(store: Store): Promise<number> {
  return (await store.counters()).reduce((sum, { micros }) => sum + micros, 0);
}

/** What an unpaid challenge holds is given back. */
async function untilUnpaid(rig: Rig): Promise<void> {
  rig.advance(600_000);
  await rig.session.sweep();
}

describe("policy.md §6: a success that repeats the agent's own words is a success", () => {
  const memo = JSON.stringify(required('0'));
  test.each([
    ['in a text', (text: string) => ({ content: [{ type: 'text', text }] })],
    ['in a text within a text', (text: string) => ({ content: [{ type: 'text', text: JSON.stringify({ memo: text }) }] })],
    ['in structuredContent', (text: string) => ({ ...OK, structuredContent: { memo: text } })],
  ])('%s', async (_, repeat) => {
    const rig = await openRig({ policy: POLICY, respond: server(({ arguments: args }) => ({ result: repeat(args.memo) })) });
    for (let n = 0; n < 4; n++) {
      await rig.call('buy', { amount: 5, memo });
      await untilUnpaid(rig);
    }
    expect(await spent(rig.store)).toBe(10 * DOLLAR);
    expect(rig.executed().length).toBe(2);
    expect(rig.outcomes().map(({ result }) => result)).toEqual(['committed', 'committed']);
  });

  test('I6: and its result is not given to an identical call', async () => {
    const rig = await openRig({
      policy: IDEMPOTENT,
      respond: server(({ arguments: args }) => ({ result: { content: [{ type: 'text', text: args.memo }] } })),
    });
    await rig.call('buy', { amount: 5, memo });
    expect(codeOf(await rig.call('buy', { amount: 5, memo }))).toBe('already_done');
    expect(rig.executed().length).toBe(1);
  });

  test('I4: a task whose handle repeats them goes on', async () => {
    const rig = await openRig({
      policy: POLICY,
      respond: ({ method, params }) => {
        if (method === 'tools/list') return listed;
        if (method === 'tools/call') return { result: { task: { taskId: 't1', status: 'working', statusMessage: params.arguments.memo } } };
        return { result: { taskId: 't1', status: 'completed' } };
      },
    });
    await rig.call('buy', { amount: 5, memo });
    await untilUnpaid(rig);
    expect(await spent(rig.store)).toBe(5 * DOLLAR);
    await rig.request('tasks/get', { taskId: 't1' });
    expect(rig.outcomes().map(({ result }) => result)).toEqual(['committed']);
  });
});

describe('policy.md §8: a payment between the legs of a call (wire.md §2.12)', () => {
  const asks = {
    result: { resultType: 'input_required', inputRequests: { k: { method: 'elicitation/create', params: {} } }, requestState: 's' },
  };

  test('I4: a leg that pays draws what it pays', async () => {
    const answers = [asks, asking('6000000'), { result: { isError: true, content: [] } }, { result: OK }];
    const rig = await openRig({ policy: POLICY, respond: server(() => answers.shift()) });
    await rig.call('buy', {}, { _meta: META });
    await rig.call('buy', {}, { _meta: META });
    await rig.call('buy', {}, { _meta: { ...META, ...pays('6000000') } });
    expect(await spent(rig.store)).toBe(0);
    await rig.call('buy', {}, { _meta: { ...META, ...pays('6000000', '2') }, requestState: 's', inputResponses: {} });
    expect(await spent(rig.store)).toBe(6 * DOLLAR);
    expect(rig.executed().length).toBe(4);
  });

  test.each([
    ['the same payment pays it', '1', undefined],
    ['another one pays again', '2', 'spend'],
  ])('a paid call that goes on: %s', async (_, nonce, code) => {
    const answers = [asking('6000000'), asks, { result: OK }];
    const rig = await openRig({ policy: POLICY, respond: server(() => answers.shift()) });
    await rig.call('buy', {}, { _meta: META });
    await rig.call('buy', {}, { _meta: { ...META, ...pays('6000000') } });
    const last = await rig.call('buy', {}, { _meta: { ...META, ...pays('6000000', nonce) }, requestState: 's', inputResponses: {} });
    expect(codeOf(last)).toBe(code);
    expect(await spent(rig.store)).toBe(6 * DOLLAR);
  });
});

describe('policy.md §8: a payment of the first version of x402 pays no offer that was taken out', () => {
  const offer = (maxAmountRequired: string, asset = USDC) => ({ scheme: 'exact', network: 'base', maxAmountRequired, asset, payTo: '0x1' });
  const first = (payload: object) => ({ 'x402/payment': { x402Version: 1, scheme: 'exact', network: 'base', payload } });
  const signed = (value: string) => first({ authorization: { value } });

  test.each([
    ['its amount tells it from one in the same asset', [offer('20000000'), offer('3000000')], signed('3000000'), undefined],
    ['its amount is that of the other', [offer('20000000'), offer('3000000')], signed('20000000'), 'spend'],
    ['its amount cannot be read', [offer('20000000'), offer('3000000')], first({ transaction: 'AQ==' }), 'spend'],
    ['its amount may be in the asset of the other', [offer('1', '0xother'), offer('3000000')], signed('3000000'), 'spend'],
    ['nothing was taken out', [offer('3000000')], first({ transaction: 'AQ==' }), undefined],
    ['what was taken out is on another network', [{ ...offer('20000000'), network: 'solana' }, offer('3000000')], first({}), undefined],
  ])('%s', async (_, accepts, payment, code) => {
    const asked = { result: { isError: true, content: [], structuredContent: { x402Version: 1, accepts } } };
    const rig = await openRig({ policy: POLICY, respond: server(({ _meta }) => (_meta?.['x402/payment'] ? { result: OK } : asked)) });
    expect((await rig.call('buy'))?.result?.structuredContent?.accepts).toEqual([offer('3000000')]);
    expect(codeOf(await rig.call('buy', {}, { _meta: payment }))).toBe(code);
    expect(rig.executed().length).toBe(code === undefined ? 2 : 1);
  });
});

describe('policy.md §8: on any method', () => {
  test.each(['tools/list', 'tasks/list', 'initialize', 'server/discover', 'resources/read'])('%s may not ask', async (method) => {
    const rig = await openRig({ policy: POLICY, respond: () => ({ error: { code: -32042, message: 'pay', data: mpp('100') } }) });
    expect((await rig.request(method, {}))?.error?.data?.code).toBe('unpriceable');
    const meta = { 'org.paymentauth/payment-required': mpp('100') };
    const other = await openRig({ policy: POLICY, respond: () => ({ result: { tools: [], tasks: [], _meta: meta } }) });
    expect((await other.request(method, {}))?.error?.data?.code).toBe('unpriceable');
  });
  describe.each([
    ['MPP', mpp('100')],
    ['x402', required('1')],
    ['a text', { message: JSON.stringify(required('1')) }],
    ['unreadable', { ...required('1'), Accepts: [] }],
  ])('from the server: %s', (_, challenge) => {
    const shadow = POLICY.replace('name: paid', 'name: paid\nmode: shadow');
    test.each(['elicitation/create', 'sampling/createMessage', 'x/pay'])('%s may not ask', async (method) => {
      const rig = await openRig({ policy: POLICY, respond: server(() => undefined) });
      const question = { jsonrpc: '2.0', id: 's1', method, params: challenge };
      await rig.say(question);
      expect(rig.agent).toEqual([]);
      expect(rig.server.find(({ id }) => id === 's1')?.error?.data?.code).toBe('unpriceable');
      expect(rig.events.at(-1)).toMatchObject({
        type: 'request',
        fields: { method, from: 'server', result: 'denied', code: 'unpriceable' },
      });
      const free = await openRig({ policy: shadow, respond: server(() => undefined) });
      await free.say(question);
      expect(free.agent).toEqual([question]);
    });
    test('an error that names no request may not ask', async () => {
      const rig = await openRig({ policy: POLICY, respond: server(() => undefined) });
      for (const id of [{}, { id: null }])
        await rig.say({ jsonrpc: '2.0', ...id, error: { code: -32042, message: 'pay', data: challenge } });
      expect(rig.agent).toEqual([]);
    });
    test('a notification may not ask', async () => {
      const rig = await openRig({ policy: POLICY, respond: server(() => undefined) });
      await rig.say({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: challenge } });
      expect(rig.agent).toEqual([]);
      await rig.say({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } });
      expect(rig.agent.length).toBe(1);
    });
  });
  test('a tool may say what it costs', async () => {
    const respond = () => ({ result: { tools: [{ name: 'buy', inputSchema: { type: 'object' }, _meta: required('7') }] } });
    const rig = await openRig({ policy: POLICY, respond });
    expect((await rig.request('tools/list', {}))?.result?.tools?.length).toBe(1);
  });
  test("a task's status may not ask", async () => {
    const rig = await openRig({ policy: POLICY });
    const params = { taskId: 't', status: 'completed', result: asking('1').result };
    await rig.say({ jsonrpc: '2.0', method: 'notifications/tasks', params });
    expect(rig.agent).toEqual([]);
    await rig.say({ jsonrpc: '2.0', method: 'notifications/tasks', params: { taskId: 't', status: 'completed', result: OK } });
    expect(rig.agent.length).toBe(1);
  });
});

test('I4: a call that was cancelled while the challenge of its 402 was judged is not settled twice', async () => {
  const rig = await openRig({ policy: POLICY, respond: server(() => undefined) });
  await rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'buy', arguments: { amount: 3 } } });
  const offer = { protocol: 'x402', intent: 'exact', asset: USDC, amount: '0', key: 'k', expiresAt: undefined } as const;
  const judging = rig.session.judgeHttp([{ key: 'n:1', text: '1' }], [offer], true);
  rig.session.fromAgent([
    { kind: 'line', bytes: new TextEncoder().encode('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}') },
  ]);
  await judging;
  await rig.idle();
  await rig.say({ jsonrpc: '2.0', id: 1, ...asking('0') });
  await untilUnpaid(rig);
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept']);
  expect(await spent(rig.store)).toBe(3 * DOLLAR);
});

describe('policy.md §8: a payment with what is no request is dropped', () => {
  const credentials = [undefined];
  const line = (message: object) => [{ kind: 'line' as const, bytes: new TextEncoder().encode(JSON.stringify(message)) }];
  test.each([
    ['a notification', { jsonrpc: '2.0', method: 'notifications/x' }],
    ['an answer', { jsonrpc: '2.0', id: 's1', result: {} }],
  ])('%s', async (_, message) => {
    const rig = await openRig({ policy: POLICY });
    rig.session.fromAgent(line(message), { id: 'post', credentials: () => credentials });
    await rig.idle();
    expect(rig.server).toEqual([]);
    rig.session.fromAgent(line(message), { id: 'post', credentials: () => [] });
    await rig.idle();
    expect(rig.server.length).toBe(1);
  });
  test('in its own _meta', async () => {
    const rig = await openRig({ policy: POLICY });
    await rig.send({ jsonrpc: '2.0', method: 'notifications/x', params: { _meta: pays('1') } });
    expect(rig.server).toEqual([]);
  });
});

test('I4, policy.md §10: what began in shadow mode is counted by the leg that is enforced', async () => {
  const limited = 'version: "1"\nname: n\ntools:\n  t:\n    rules:\n      - {name: cap, rate_limit: 1/day}\n';
  const asks = { result: { resultType: 'input_required', inputRequests: {}, requestState: 's' } };
  const rig = await openRig({
    policy: `${limited}mode: shadow\n`,
    respond: server((params) => (params.requestState ? { result: OK } : asks)),
  });
  for (const n of [1, 2]) await rig.call('t', { n }, { _meta: META });
  await rig.reload(limited);
  for (const n of [1, 2]) await rig.call('t', { n }, { _meta: META, requestState: 's', inputResponses: {} });
  expect(rig.executed().length).toBe(3);
  expect(await spent(rig.store)).toBe(DOLLAR);
});

test('I4: an offer is made where every limit has room for it, however another limit prices it', async () => {
  const limit = (window: string, most: number, t1: number, t2: number) =>
    `{spend: {${window}: ${most}, assets: {T1: {decimals: ${t1}, currency: usd}, T2: {decimals: ${t2}, currency: usd}}}}`;
  const policy = `version: "1"\nname: p\ntools:\n  buy:\n    rules:\n      - ${limit('daily', 100, 0, 1)}\n      - ${limit('hourly', 5, 1, 0)}\n`;
  const accepts = [
    { ...accept('20'), asset: 'T1' },
    { ...accept('8'), asset: 'T2' },
  ];
  const rig = await openRig({
    policy,
    respond: server(() => ({ result: { isError: true, content: [], structuredContent: { x402Version: 2, accepts } } })),
  });
  expect((await rig.call('buy'))?.result.structuredContent.accepts).toEqual([accepts[0]]);
  expect(await rig.counted()).toEqual([20, 2]);
});

describe('I2, policy.md §8: a payment whose amount cannot be read is not enough', () => {
  const strict = POLICY.replace(', opaque: true', '');
  const ask = (amount: string) => server(({ _meta }) => (_meta?.['x402/payment'] ? { result: OK } : asking(amount)));
  const paying = (payload: object) => ({ _meta: { 'x402/payment': { x402Version: 2, accepted: accept('1000000'), payload } } });
  const permit = (amount: string) => ({ permit2Authorization: { permitted: { token: USDC, amount } } });
  test.each([
    ['Permit2 for as much', permit('1000000'), undefined, undefined],
    ['Permit2 for more', permit('400000000'), 'spend', 'spend'],
    ['Permit2 for one more', permit('1000001'), 'spend', 'spend'],
    ['EIP-3009 and Permit2', { authorization: { value: '1000000' }, ...permit('400000000') }, 'spend', 'spend'],
    ['a larger amount beside it', { authorization: { value: '1000000' }, maxAmount: '400000000' }, 'spend', 'spend'],
    ['a transaction', { transaction: 'AQ==' }, 'unpriceable', undefined],
    ['nothing', {}, 'unpriceable', undefined],
    ['a transaction beside a larger amount', { transaction: 'AQ==', amount: '400000000' }, 'spend', 'spend'],
  ])('%s', async (_, payload, code, opaque) => {
    for (const [policy, expected] of [
      [strict, code],
      [POLICY, opaque],
    ] as const) {
      const rig = await openRig({ policy, respond: ask('1000000') });
      await rig.call('buy');
      expect(codeOf(await rig.call('buy', {}, paying(payload)))).toBe(expected);
      expect(rig.executed().length).toBe(expected === undefined ? 2 : 1);
      // What was asked may still be paid.
      if (expected !== undefined)
        expect(codeOf(await rig.call('buy', {}, paying({ authorization: { value: '1000000' } })))).toBeUndefined();
      expect(await spent(rig.store)).toBe(DOLLAR);
    }
  });
  test('MPP in a token is taken out, MPP in a currency is not', async () => {
    const challenge = (id: string, currency: string) => ({
      id,
      realm: 'r',
      method: 'tempo',
      intent: 'charge',
      request: { amount: '100', currency },
    });
    const data = { challenges: [challenge('a', USDC), challenge('b', 'usd')] };
    const respond = server(() => ({ error: { code: -32042, message: 'pay', data } }));
    const left = async (policy: string) => (await (await openRig({ policy, respond })).call('buy'))?.error?.data?.challenges;
    expect(await left(strict)).toEqual([challenge('b', 'usd')]);
    expect(await left(POLICY)).toEqual(data.challenges);
  });
});
