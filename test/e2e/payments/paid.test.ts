/** policy.md §8 against the SDKs of both payment protocols: a priced server, a paying agent, the proxy between them. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../harness/paths.ts';
import { openPayer, type Payer } from './client.ts';

const DECISION = 'policylayer.com/decision';
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const seed = readFileSync(join(ROOT, 'test/policies/seeds/mpp.yaml'), 'utf8');
const chain = (limits: string) =>
  `version: "1"\nname: chain\ntools:\n  lookup:\n    rules:\n      - name: lookups\n        spend: { ${limits}, assets: { "${USDC}": { decimals: 6, currency: usd } } }\n`;

async function image(payer: Payer, quality?: string) {
  return (await payer.client.callTool({
    name: 'generate_image',
    arguments: { prompt: 'a cat', ...(quality && { quality }) },
  })) as unknown as Result;
}

interface Result {
  readonly isError?: boolean;
  readonly content: readonly { readonly text: string }[];
  readonly structuredContent?: { readonly accepts: readonly { readonly amount: string }[] };
  readonly _meta?: Readonly<Record<string, { readonly code?: string; readonly rule?: string }>>;
}

async function lookup(payer: Payer, args: object, payment?: object) {
  const _meta = payment && { 'x402/payment': payment };
  return (await payer.client.callTool({
    name: 'lookup',
    arguments: { query: 'q', ...args },
    ...(_meta && { _meta }),
  })) as unknown as Result;
}

describe('policy.md §8: MPP, with the policy of the documents', () => {
  test('what a call costs is paid, counted and limited per call and per day', async () => {
    await using payer = await openPayer(seed);
    expect((await image(payer)).content[0]?.text).toBe('an image');
    expect((await image(payer, '5.00')).isError).toBeUndefined();
    const dear = await image(payer, '5.01');
    expect(dear.content[0]?.text).toBe('[INTERCEPT POLICY DENIED] Spend limit of USD 5.00 per call reached.');
    expect(dear._meta?.[DECISION]).toMatchObject({ code: 'spend', rule: 'image budget' });
    // 8 dollars are spent; 42 are left of the 50 of the day: eight times 5 and once 2.
    for (let i = 0; i < 8; i++) expect((await image(payer, '5.00')).isError).toBeUndefined();
    expect((await image(payer, '2.01')).content[0]?.text).toContain('Spend limit of USD 50.00 per day reached.');
    expect((await image(payer, '2.00')).isError).toBeUndefined();
    expect((await image(payer, '0.01')).content[0]?.text).toContain('per day reached');
    expect(payer.executed().length).toBe(11);
  }, 60_000);

  test('an agent that only asks gets the challenge as the server wrote it', async () => {
    await using payer = await openPayer(seed, false);
    const asked = () =>
      payer.client.callTool({ name: 'generate_image', arguments: { prompt: 'a cat' } }).then(
        () => undefined,
        (error) => error,
      );
    const first = await asked();
    expect(first).toMatchObject({
      code: -32042,
      data: { httpStatus: 402, challenges: [{ intent: 'charge', request: { amount: '300', currency: 'usd' } }] },
    });
    expect(payer.executed()).toEqual([]);
  }, 120_000);

  test('a payment that nobody was asked for is denied', async () => {
    await using payer = await openPayer(seed, false);
    const challenge = { id: 'x', realm: 'paid.example', method: 'stripe', intent: 'charge', request: { amount: '1', currency: 'usd' } };
    const answer = (await payer.client.callTool({
      name: 'generate_image',
      arguments: { prompt: 'a cat' },
      _meta: { 'org.paymentauth/credential': { challenge, payload: { spt: 'spt_x' } } },
    })) as unknown as Result;
    expect(answer.content[0]?.text).toBe('[INTERCEPT POLICY DENIED] The payment answers no challenge that this call was given');
    expect(payer.executed()).toEqual([]);
  }, 120_000);
});

describe('policy.md §8: x402', () => {
  test('offers that are too dear are taken out, in the structure and in the text', async () => {
    await using payer = await openPayer(chain('per_call: 2'));
    const asked = await lookup(payer, { prices: ['2000001', '2000000', '5'] });
    const left = asked.structuredContent?.accepts.map(({ amount }) => amount);
    expect(left).toEqual(['2000000', '5']);
    expect(JSON.parse(asked.content[0]?.text ?? '').accepts.map(({ amount }: { amount: string }) => amount)).toEqual(['2000000', '5']);
  }, 120_000);

  test('paid once, executed once, counted once; the same payment again is denied', async () => {
    await using payer = await openPayer(chain('per_call: 2, daily: 3'));
    const payment = await payer.pay(await lookup(payer, {}));
    expect((await lookup(payer, {}, payment)).content[0]?.text).toBe('found');
    expect((await lookup(payer, {}, payment))._meta?.[DECISION]).toMatchObject({ code: 'spend', rule: '(payment)' });
    expect((await lookup(payer, {})).content[0]?.text).toContain('Spend limit of USD 3 per day reached.');
    const cheap = await payer.pay(await lookup(payer, { prices: ['1000000'] }));
    expect((await lookup(payer, { prices: ['1000000'] }, cheap)).content[0]?.text).toBe('found');
    expect((await lookup(payer, { prices: ['1'] })).content[0]?.text).toContain('per day reached');
    expect(payer.executed()).toEqual(['lookup 2000000', 'lookup 1000000']);
  }, 120_000);

  test('a payment for one call does not pay another', async () => {
    await using payer = await openPayer(chain('per_call: 2'));
    const payment = await payer.pay(await lookup(payer, {}));
    expect((await lookup(payer, { query: 'another' }, payment))._meta?.[DECISION]).toMatchObject({ rule: '(payment)' });
    expect(payer.executed()).toEqual([]);
  }, 120_000);

  test.each([
    ['an asset that nobody listed', { asset: '0x0000000000000000000000000000000000000bad' }],
    ['a scheme without a price', { scheme: 'upto' }],
    ['80 digits', { prices: ['9'.repeat(80)] }],
    ['a negative amount', { prices: ['-5'] }],
    ['1e400', { prices: ['1e400'] }],
    ['a fraction', { prices: ['0.5'] }],
  ])(
    '%s is denied, and leaves nothing to pay',
    async (_, args) => {
      await using payer = await openPayer(chain('per_call: 2'));
      const answer = await lookup(payer, args);
      expect(answer._meta?.[DECISION]).toMatchObject({ code: 'unpriceable', rule: 'lookups' });
      expect(JSON.stringify(answer)).not.toContain('accepts');
    },
    30_000,
  );
});

test('what is not priced and succeeds is audited as such (policy.md §8)', async () => {
  await using payer = await openPayer('version: "1"\nname: free\ntools:\n  free:\n    rules:\n      - spend: { daily: 1 }\n');
  await payer.client.callTool({ name: 'free', arguments: {} });
  expect(payer.executed()).toEqual(['free']);
  await payer.untilUnpriced();
}, 120_000);
