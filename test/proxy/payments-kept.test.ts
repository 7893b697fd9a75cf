/** policy.md §8: what was delivered is kept until it ends, whatever becomes of the process, and whoever else asks. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Records, Store } from '../../src/core/store.ts';
import { StoreError } from '../../src/core/store.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { DECISION, type Message, OK, type Options, openRig, type Responder, START } from './fixture.ts';

setDefaultTimeout(60_000);

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const POLICY = `version: "1"
name: paid
tools:
  buy:
    rules:
      - name: budget
        spend: { daily: 10, assets: { "${USDC}": { decimals: 6, currency: usd } } }
`;
const DOLLAR = 1_000_000;
const accept = (amount: string) => ({ scheme: 'exact', network: 'eip155:1', amount, asset: USDC, payTo: '0x1', extra: {} });
const pays = (amount: string) => ({
  _meta: { 'x402/payment': { x402Version: 2, accepted: accept(amount), payload: { authorization: { value: amount } } } },
});
const listed = { result: { tools: [{ name: 'buy', inputSchema: { type: 'object' } }] } };
const shop =
  (amount: string, ...more: object[]): Responder =>
  ({ method, params }) => {
    if (method !== 'tools/call') return method === 'tools/list' ? listed : { result: {} };
    if (params?._meta?.['x402/payment']) return { result: OK };
    return { result: { isError: true, content: [], structuredContent: { x402Version: 2, accepts: [accept(amount), ...more] } } };
  };
const codeOf = (answer: Message | undefined) => answer?.result?._meta?.[DECISION]?.code as string | undefined;

/** Sessions on one store, as processes have it that come after each other, or beside each other. */
async function openAll(amount = '4000000') {
  const clock = { now: START };
  const store = openMemoryStore({ clock: () => clock.now, namespace: 'test' });
  const open = async (more: Options = {}) => openRig({ policy: POLICY, respond: shop(amount), store, ...more });
  const spent = async () => (await store.counters()).reduce((sum, { micros }) => sum + micros, 0);
  return { clock, store, open, spent };
}

describe('I4: a challenge outlives the session that delivered it', () => {
  test('it is paid in another, once, and takes no more than it held', async () => {
    const { open, spent } = await openAll();
    const [first, second, third] = [await open(), await open(), await open()];
    await first.call('buy');
    await first.session.end('killed');
    expect(await spent()).toBe(4 * DOLLAR);
    const answers = await Promise.all([second.call('buy', {}, pays('4000000')), third.call('buy', {}, pays('4000000'))]);
    expect(answers.map(codeOf).sort()).toEqual(['spend', undefined]);
    expect(second.executed().length + third.executed().length).toBe(1);
    expect(await spent()).toBe(4 * DOLLAR);
  });

  test('nobody paid: whoever is there gives back what it held, once', async () => {
    const { open, spent, clock } = await openAll();
    const first = await open();
    await first.call('buy', { n: 1 });
    await first.call('buy', { n: 2 });
    await first.session.end('killed');
    const others = [await open(), await open()];
    clock.now += 600_000;
    await Promise.all(others.map(({ session }) => session.sweep()));
    expect(await spent()).toBe(0);
    for (const rig of others) expect(codeOf(await rig.call('buy', { n: 1 }, pays('4000000')))).toBe('spend');
  });

  test('to the cent: what is held and what is paid never pass the limit', async () => {
    const { open, spent, clock } = await openAll('3330000');
    for (let n = 0; n < 3; n++) await (await open()).call('buy', { n });
    const dear = await open({ respond: shop('10001') });
    expect(codeOf(await dear.call('buy', { n: 9 }))).toBe('spend');
    for (let n = 0; n < 3; n++) expect(codeOf(await (await open()).call('buy', { n }, pays('3330000')))).toBeUndefined();
    expect(await spent()).toBe(9_990_000);
    clock.now += 600_000;
    await dear.session.sweep();
    expect(await spent()).toBe(9_990_000);
    expect(codeOf(await dear.call('buy', { n: 9 }))).toBe('spend');
  });

  test('another agent, or another credential, has not been asked', async () => {
    const { open } = await openAll();
    await (await open({ agent: 'ada' })).call('buy');
    expect(codeOf(await (await open({ agent: 'eve' })).call('buy', {}, pays('4000000')))).toBe('spend');
    expect(codeOf(await (await open({ agent: 'ada' })).call('buy', {}, pays('4000000')))).toBeUndefined();
  });

  test('a reload that lowers the limit holds for what was asked before it', async () => {
    const { open, spent } = await openAll();
    const rig = await open();
    await rig.call('buy');
    await rig.reload(POLICY.replace('daily: 10', 'daily: 10, per_call: 3.99'));
    expect(codeOf(await rig.call('buy', {}, pays('4000000')))).toBe('spend');
    expect(rig.executed().length).toBe(1);
    expect(await spent()).toBe(4 * DOLLAR);
  });
});

describe('policy.md §8: how many are open', () => {
  test('the 257th of an agent is denied; what was asked before may be paid', async () => {
    const { open, spent } = await openAll('0');
    const rig = await open();
    for (let n = 0; n < 256; n++) expect(codeOf(await rig.call('buy', { n }))).toBeUndefined();
    const denied = await rig.call('buy', { n: 256 });
    expect(codeOf(denied)).toBe('spend');
    expect(denied?.result?.content[0].text).toContain('Too many payments are asked for and not made');
    expect(denied?.result?.structuredContent).toBeUndefined();
    expect(codeOf(await rig.call('buy', { n: 0 }, pays('0')))).toBeUndefined();
    expect(codeOf(await rig.call('buy', { n: 256 }))).toBeUndefined();
    expect(await spent()).toBe(0);
  });
  test('one in more words than are kept is denied, and holds nothing', async () => {
    const { open, spent } = await openAll();
    const rig = await open({ respond: shop('4000000', { ...accept('1'), extra: { note: 'x'.repeat(70_000) } }) });
    expect(codeOf(await rig.call('buy'))).toBe('unpriceable');
    expect(await spent()).toBe(0);
  });
});

describe('I2: where the store fails nothing is asked and nothing paid', () => {
  const failing = (store: Store & Records, what: Partial<Store['challenges']>): Store & Records => ({
    ...store,
    challenges: { ...store.challenges, ...what },
  });
  const fault = () => Promise.reject(new StoreError('the disk is full'));
  test('a challenge that was not kept is not delivered', async () => {
    const { open, store } = await openAll();
    const rig = await open({ store: failing(store, { deliver: fault }) });
    const answer = await rig.call('buy');
    expect(codeOf(answer)).toBe('state_error');
    expect(JSON.stringify(answer)).not.toContain('accepts');
  });
  test.each(['closed', 'open'] as const)('a payment of which nobody knows whether it was asked for (%s)', async (failMode) => {
    const { open, store } = await openAll();
    await (await open()).call('buy');
    const rig = await open({ store: failing(store, { openFor: fault }), failMode });
    expect(codeOf(await rig.call('buy', {}, pays('4000000')))).toBe('state_error');
    expect(rig.executed()).toEqual([]);
  });
});
