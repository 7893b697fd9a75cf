/** policy.md §8 in one session: what is held, given back and spent, to the millionth. */
import { describe, expect, test } from 'bun:test';
import type { Store } from '../../src/core/store.ts';
import { fromPlain } from '../../src/mcp/json/values.ts';
import { readX402Credential } from '../../src/mcp/payments/credential.ts';
import { readX402Offer } from '../../src/mcp/payments/offer.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { DECISION, type Message, OK, openRig, type Responder, START } from './fixture.ts';

const TOKEN = '0xABCDEF0000000000000000000000000000000018';
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const POLICY = `version: "1"
name: paid
tools:
  buy:
    rules:
      - name: budget
        spend:
          per_call: 5
          daily: 10
          assets:
            "${USDC}": { decimals: 6, currency: usd }
            "${TOKEN}": { decimals: 18, currency: usd }
            "0xeuro": { decimals: 6, currency: eur }
`;

interface Offer {
  readonly amount: string;
  readonly asset?: string;
  readonly network?: string;
}

const accept = ({ amount, asset = USDC, network = 'eip155:1' }: Offer) => ({
  scheme: 'exact',
  network,
  amount,
  asset,
  payTo: '0x1',
  maxTimeoutSeconds: 60,
  extra: {},
});
const asking = (...offers: Offer[]) => ({
  result: { isError: true, content: [], structuredContent: { x402Version: 2, resource: { url: 'x' }, accepts: offers.map(accept) } },
});
const pays = (offer: Offer, value = offer.amount) => ({
  _meta: { 'x402/payment': { x402Version: 2, accepted: accept(offer), payload: { authorization: { value } } } },
});

/** Asks for these offers where a call pays nothing, and takes what is paid, or answers as told. */
const shop =
  (offers: readonly Offer[], paid: object = { result: OK }): Responder =>
  ({ method, params }) => {
    if (method === 'tools/list') return { result: { tools: [{ name: 'buy', inputSchema: { type: 'object' } }] } };
    if (method !== 'tools/call') return { result: {} };
    return params?._meta?.['x402/payment'] ? paid : asking(...offers);
  };

const codeOf = (answer: Message | undefined) => answer?.result?._meta?.[DECISION]?.code as string | undefined;
const offersIn = (answer: Message | undefined) =>
  answer?.result?.structuredContent?.accepts?.map(({ amount }: Offer) => amount) as string[] | undefined;
const DOLLAR = 1_000_000;

async function spent(store: Store): Promise<number> {
  return (await store.counters()).reduce((sum, { micros }) => sum + micros, 0);
}

describe('policy.md §8: what a challenge holds', () => {
  test('its dearest offer, until it is paid: then what was paid', async () => {
    const rig = await openRig({ policy: POLICY, respond: shop([{ amount: '3000000' }, { amount: '4000000' }]) });
    expect(offersIn(await rig.call('buy'))).toEqual(['3000000', '4000000']);
    expect(await spent(rig.store)).toBe(4 * DOLLAR);
    expect((await rig.call('buy', {}, pays({ amount: '3000000' })))?.result).toEqual(OK);
    expect(await spent(rig.store)).toBe(3 * DOLLAR);
    expect(rig.outcomes().map(({ result }) => result)).toEqual(['released', 'committed']);
  });

  test('nothing once ten minutes are over; then it can not be paid any more', async () => {
    const rig = await openRig({ policy: POLICY, respond: shop([{ amount: '3000000' }]) });
    await rig.call('buy');
    rig.advance(599_999);
    await rig.session.sweep();
    expect(await spent(rig.store)).toBe(3 * DOLLAR);
    rig.advance(1);
    await rig.session.sweep();
    expect(await spent(rig.store)).toBe(0);
    expect(codeOf(await rig.call('buy', {}, pays({ amount: '3000000' })))).toBe('spend');
  });

  test('gives back into the window it was taken from', async () => {
    const rig = await openRig({ policy: POLICY, respond: shop([{ amount: '4000000' }]) });
    rig.advance(Date.parse('2026-03-01T23:58:00Z') - START);
    await rig.call('buy');
    rig.advance(180_000);
    expect((await rig.call('buy', {}, pays({ amount: '4000000' })))?.result).toEqual(OK);
    // Of the new day; nothing of it is left in the old one, nor taken twice.
    expect(await spent(rig.store)).toBe(4 * DOLLAR);
  });

  test('a second one finds only what the first left', async () => {
    const rig = await openRig({ policy: POLICY, respond: shop([{ amount: '4000000' }, { amount: '2000000' }]) });
    expect(offersIn(await rig.call('buy', { n: 1 }))).toEqual(['4000000', '2000000']);
    expect(offersIn(await rig.call('buy', { n: 2 }))).toEqual(['4000000', '2000000']);
    expect(offersIn(await rig.call('buy', { n: 3 }))).toEqual(['2000000']);
    expect(codeOf(await rig.call('buy', { n: 4 }))).toBe('spend');
    expect(await spent(rig.store)).toBe(10 * DOLLAR);
  });
});

describe('policy.md §8: what a payment takes', () => {
  test('the argument where that is more', async () => {
    const rig = await openRig({ policy: POLICY, respond: shop([{ amount: '1000000' }]) });
    await rig.call('buy', { amount: 2 });
    await rig.call('buy', { amount: 2 }, pays({ amount: '1000000' }));
    expect(await spent(rig.store)).toBe(2 * DOLLAR);
  });

  test.each([
    ['18 decimals, rounded up to a millionth', { amount: '1000000000000000001', asset: TOKEN }, 1_000_001],
    ['an address in other letters', { amount: '1500000', asset: USDC.toUpperCase().replace('0X', '0x') }, 1_500_000],
    ['nothing', { amount: '0' }, 0],
  ])('%s', async (_, offer, micros) => {
    const rig = await openRig({ policy: POLICY, respond: shop([offer]) });
    await rig.call('buy');
    await rig.call('buy', {}, pays(offer));
    expect(await spent(rig.store)).toBe(micros);
    expect(rig.executed()).toEqual(['buy', 'buy']);
  });

  test.each(['session', 'subscription', 'Charge', undefined])(
    'MPP with the intent %s has no price, and leaves nothing to pay',
    async (intent) => {
      const challenge = { id: 'c1', realm: 'r', method: 'tempo', intent, request: { amount: '1', currency: USDC, unitType: 'token' } };
      const data = { httpStatus: 402, challenges: [challenge, { ...challenge, intent: 'session' }] };
      const respond: Responder = (request) =>
        request.method === 'tools/call' ? { error: { code: -32042, message: 'Payment Required', data } } : shop([])(request);
      const rig = await openRig({ policy: POLICY, respond });
      const answer = await rig.call('buy');
      expect(codeOf(answer)).toBe('unpriceable');
      expect(JSON.stringify(answer)).not.toContain('challenges');
      expect(await spent(rig.store)).toBe(0);
    },
  );

  test('in other currencies nothing is offered', async () => {
    const rig = await openRig({ policy: POLICY, respond: shop([{ amount: '1', asset: '0xeuro' }]) });
    expect(codeOf(await rig.call('buy'))).toBe('unpriceable');
    expect(await spent(rig.store)).toBe(0);
  });

  test('a refused payment gives back, and the challenge may be paid again', async () => {
    let refuse = true;
    const respond: Responder = (request) =>
      shop([{ amount: '3000000' }], refuse ? { result: { isError: true, content: [] } } : { result: OK })(request);
    const rig = await openRig({ policy: POLICY, respond });
    await rig.call('buy');
    await rig.call('buy', {}, pays({ amount: '3000000' }));
    expect(await spent(rig.store)).toBe(0);
    refuse = false;
    expect((await rig.call('buy', {}, pays({ amount: '3000000' })))?.result).toEqual(OK);
    expect(codeOf(await rig.call('buy', {}, pays({ amount: '3000000' })))).toBe('spend');
    expect(await spent(rig.store)).toBe(3 * DOLLAR);
  });

  test.each([
    ['more is signed for than was offered', pays({ amount: '1000000' }, '1000001')],
    ['another amount', pays({ amount: '1000001' })],
    ['another network', pays({ amount: '1000000', network: 'eip155:2' })],
    ['two payments', { _meta: { ...pays({ amount: '1000000' })._meta, 'org.paymentauth/credential': { challenge: { id: 'x' } } } }],
    ['a key that only looks like it', { _meta: { 'X402/Payment': {} } }],
    ['no object', { _meta: { 'x402/payment': 'money' } }],
  ])('denied: %s', async (_, params) => {
    const rig = await openRig({ policy: POLICY, respond: shop([{ amount: '1000000' }]) });
    await rig.call('buy');
    expect(codeOf(await rig.call('buy', {}, params))).toBe('spend');
    expect(rig.executed()).toEqual(['buy']);
    // What was asked may still be paid.
    expect((await rig.call('buy', {}, pays({ amount: '1000000' })))?.result).toEqual(OK);
  });

  test('paid twice at once, it passes once', async () => {
    const rig = await openRig({ policy: POLICY, respond: shop([{ amount: '3000000' }]) });
    await rig.call('buy');
    const payment = pays({ amount: '3000000' });
    const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'buy', arguments: {}, ...payment } });
    await rig.send(call(71), call(72));
    expect([codeOf(rig.answersTo(71)[0]), codeOf(rig.answersTo(72)[0])]).toEqual([undefined, 'spend']);
    expect(await spent(rig.store)).toBe(3 * DOLLAR);
  });
});

describe('policy.md §8: anything but a call', () => {
  const denied = (answer: Message | undefined) => [answer?.error?.code, answer?.error?.data?.code];
  test('may not ask to be paid', async () => {
    const rig = await openRig({ policy: POLICY, respond: () => asking({ amount: '1' }) });
    expect(denied(await rig.request('resources/read', { uri: 'x' }))).toEqual([-32010, 'unpriceable']);
  });
  test('may not pay', async () => {
    const rig = await openRig({ policy: POLICY });
    expect(denied(await rig.request('resources/read', { uri: 'x', ...pays({ amount: '1' }) }))).toEqual([-32010, 'unpriceable']);
    expect(rig.server).toEqual([]);
  });
  test('without limits on money nobody looks', async () => {
    const rig = await openRig({ respond: () => asking({ amount: '1' }) });
    expect(offersIn(await rig.request('resources/read', { uri: 'x', ...pays({ amount: '1' }) }))).toEqual(['1']);
  });
});

describe('policy.md §8: a tool that no spend limit is about', () => {
  const other = (rule: string) => `${POLICY}  lend:\n    rules: [${rule}]\n`;
  const cheap = { amount: '1' };
  const server =
    (offer: object): Responder =>
    ({ method }) => ({
      result: method === 'tools/call' ? { isError: true, content: [], structuredContent: { x402Version: 2, accepts: [offer] } } : {},
    });

  test.each([
    ['with other rules', other('{rate_limit: 5/hour}')],
    ['that no key lists', POLICY],
  ])('%s may not be paid for', async (_, policy) => {
    const rig = await openRig({ policy, respond: shop([cheap]) });
    const asked = await rig.call('lend');
    expect([codeOf(asked), offersIn(asked)]).toEqual(['unpriceable', undefined]);
    expect(asked?.result?.content?.[0]?.text).toBe(
      '[INTERCEPT POLICY DENIED] No spend limit is about this tool, so it may not be paid for',
    );
    expect((await rig.call('lend', {}, pays(cheap)))?.result?._meta?.[DECISION]?.rule).toBe('(payment)');
    expect(rig.executed()).toEqual(['lend']);
  });
  test.each([
    ['binds other calls', '{when: [{path: args.big, op: eq, value: true}], spend: {daily: 5}}'],
    ['binds other agents', '{agents: ["!test"], spend: {daily: 5}}'],
    ['is in shadow mode', '{mode: shadow, spend: {daily: 0.0000001}}'],
  ])('one whose own limit %s may be', async (_, rule) => {
    const rig = await openRig({ policy: other(rule), respond: shop([cheap]), agent: 'test' });
    const asked = await rig.call('lend', { big: false });
    expect(offersIn(asked)).toEqual(['1']);
    expect((await rig.call('lend', { big: false }, pays(cheap)))?.result).toEqual(OK);
  });
  test('what has no price is taken out, also where the limit binds other calls', async () => {
    const respond = server({ ...accept(cheap), scheme: 'upto' });
    const unbound = other('{when: [{path: args.big, op: eq, value: true}], spend: {daily: 5}}');
    expect(codeOf(await (await openRig({ policy: unbound, respond })).call('lend', { big: false }))).toBe('unpriceable');
    const shadow = other('{mode: shadow, spend: {daily: 5}}');
    expect(offersIn(await (await openRig({ policy: shadow, respond })).call('lend'))).toEqual(['1']);
  });
  test('a limit of all tools is about each', async () => {
    const all = '  "*":\n    rules: [{spend: {daily: 5, assets: {"USDC": {decimals: 6, currency: usd}}}}]\n'.replace('USDC', USDC);
    const rig = await openRig({ policy: `${POLICY}${all}`, respond: shop([cheap]) });
    expect(offersIn(await rig.call('lend'))).toEqual(['1']);
  });
});

test('policy.md §10: in shadow mode challenges and payments pass', async () => {
  const rig = await openRig({ policy: POLICY.replace('name: paid', 'name: paid\nmode: shadow'), respond: shop([{ amount: '900000000' }]) });
  expect(offersIn(await rig.call('buy'))).toEqual(['900000000']);
  expect((await rig.call('buy', {}, pays({ amount: '900000000' })))?.result).toEqual(OK);
});

test('I2: a store that fails offers nothing', async () => {
  const memory = openMemoryStore({ clock: () => START, namespace: 'test' });
  const store = { ...memory, reserve: () => Promise.reject(new Error('disk full')) };
  const rig = await openRig({ policy: POLICY, store, respond: shop([{ amount: '1' }]) });
  expect(codeOf(await rig.call('buy'))).toBe('state_error');
});

describe('policy.md §8: payments that HTTP carries', () => {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'buy', arguments: {} } };
  const silent: Responder = (request) => (request.method === 'tools/call' ? undefined : shop([])(request));
  const offers = (...amounts: string[]) => amounts.map((amount) => readX402Offer(fromPlain(accept({ amount }))));
  const id = { key: 'n:1', text: '1' };

  test('the challenge of a 402 passes whole, and what its body asks is held once', async () => {
    const rig = await openRig({ policy: POLICY, respond: silent });
    await rig.send(call);
    expect(await rig.session.judgeHttp([id], offers('3000000'), true)).toEqual(new Set());
    await rig.say({ jsonrpc: '2.0', id: 1, ...asking({ amount: '3000000' }) });
    expect(offersIn(rig.answersTo(1)[0])).toEqual(['3000000']);
    expect(await spent(rig.store)).toBe(3 * DOLLAR);
  });

  test('nothing of it, where each offer is too dear', async () => {
    const rig = await openRig({ policy: POLICY, respond: silent });
    await rig.send(call);
    expect(await rig.session.judgeHttp([id], offers('6000000', '5000001'), true)).toBe('answered');
    expect(codeOf(rig.answersTo(1)[0])).toBe('spend');
    expect(await spent(rig.store)).toBe(0);
    expect(rig.outcomes().map(({ result }) => result)).toEqual(['released']);
  });

  test('but for offers that are too dear, which cannot be paid then', async () => {
    const rig = await openRig({ policy: POLICY, respond: silent });
    await rig.send(call);
    expect(await rig.session.judgeHttp([id], offers('5000001', '3000000'), true)).toEqual(new Set([0]));
    expect(await spent(rig.store)).toBe(3 * DOLLAR);
    await rig.session.upstreamFailed([id], { outcome: 'released', why: 'payment required' });
    const paying = await rig.call('buy', {}, pays({ amount: '5000001' }));
    expect(paying?.result?._meta?.[DECISION]?.rule).toBe('(payment)');
    expect(await spent(rig.store)).toBe(3 * DOLLAR);
  });

  test('another refusal than a 402 loses what it asks of anything but a call', async () => {
    const rig = await openRig({ policy: POLICY, respond: (request) => (request.method === 'ping' ? undefined : shop([])(request)) });
    await rig.send({ jsonrpc: '2.0', id: 1, method: 'ping' });
    expect(await rig.session.judgeHttp([id], offers('3000000'), false)).toBe('all');
    expect(await rig.session.judgeHttp([id], offers('3000000'), true)).toBe('answered');
  });

  test('one that cannot be read is denied', async () => {
    const rig = await openRig({ policy: POLICY, respond: silent });
    await rig.send(call);
    expect(await rig.session.judgeHttp([id], 'unreadable', true)).toBe('answered');
    expect(codeOf(rig.answersTo(1)[0])).toBe('unpriceable');
  });

  test('a credential beside the message pays what was asked, and nothing else', async () => {
    const rig = await openRig({
      policy: POLICY,
      respond: (request) => (request.method === 'tools/call' ? { result: OK } : shop([])(request)),
    });
    const credential = readX402Credential(fromPlain(pays({ amount: '3000000' })._meta['x402/payment']));
    const line = { kind: 'line' as const, bytes: new TextEncoder().encode(JSON.stringify(call)) };
    rig.session.fromAgent([line], { id: 'post', credentials: () => [credential] });
    await rig.idle();
    expect(codeOf(rig.answersTo(1)[0])).toBe('spend');
    expect(rig.executed()).toEqual([]);
  });
});
