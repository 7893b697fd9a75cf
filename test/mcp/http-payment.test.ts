import { describe, expect, test } from 'bun:test';
import { decodePaymentRequiredHeader, encodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import fc from 'fast-check';
import { Challenge, Credential } from 'mppx';
import { finish } from '../../src/core/slices.ts';
import {
  credentialsOf,
  type HttpAnswer,
  type HttpDemand,
  readDemand as searchDemand,
  withoutDemand,
} from '../../src/mcp/payments/http-payment.ts';

const challenge = (amount: string, intent = 'charge') =>
  Challenge.from({
    realm: 'a "quoted" realm, with a comma',
    method: 'stripe',
    intent,
    request: { amount, currency: 'usd', recipient: 'r' },
    secretKey: 'a secret of the tests',
  });
const requirements = {
  scheme: 'exact',
  network: 'eip155:1' as const,
  amount: '7',
  asset: '0x1',
  payTo: '0x2',
  maxTimeoutSeconds: 60,
  extra: {},
};
const required = { x402Version: 2, resource: { url: 'http://x/' }, accepts: [requirements] };
const headers = (values: Record<string, string | string[]>) => (name: string) => [values[name] ?? []].flat();
const joined = (values: Record<string, string | string[]>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value].flat().join(', ')]));
const offers = (count: number) => ({ ...required, accepts: Array.from({ length: count }, () => requirements) });
const readDemand = (asking: HttpAnswer): HttpDemand => finish(searchDemand(asking));
const demand = (values: Record<string, string | string[]>, body = '') => readDemand({ headers: joined(values), body });
const amounts = (found: ReturnType<typeof readDemand>) =>
  found.kind === 'unreadable' ? found.kind : found.offers.map(({ amount, intent }) => `${intent} ${amount}`);
const without = (found: ReturnType<typeof readDemand>, ...cut: number[]) =>
  found.kind === 'unreadable' ? found.kind : found.without(new Set(cut));

describe('policy.md §8: the offers of a 402', () => {
  test('MPP, as the SDK writes them, one and several, beside other schemes', () => {
    const [a, b] = [Challenge.serialize(challenge('300')), Challenge.serialize(challenge('5', 'session'))];
    expect(amounts(demand({ 'www-authenticate': a }, ''))).toEqual(['charge 300']);
    expect(amounts(demand({ 'www-authenticate': `Bearer realm="x", ${a}, ${b}` }, ''))).toEqual(['charge 300', 'session 5']);
    expect(amounts(demand({ 'www-authenticate': [a, b] }, ''))).toEqual(['charge 300', 'session 5']);
  });
  test('x402, in the header and in the body of its first version', () => {
    const header = encodePaymentRequiredHeader(required);
    expect(amounts(demand({ 'payment-required': header }, ''))).toEqual(['exact 7']);
    const first = { x402Version: 1, accepts: [{ ...requirements, amount: undefined, maxAmountRequired: '9' }] };
    expect(amounts(demand({}, JSON.stringify(first)))).toEqual(['exact 9']);
  });
  test.each(['', ' ', '\n\t', '\ufeff'])('x402 in a body that begins with %j', (before) => {
    expect(amounts(demand({}, `${before}${JSON.stringify(required)}`))).toEqual(['exact 7']);
  });
  test.each([
    '{"x402Version":1,"accepts":[{"a',
    '{"x402Version',
    '["challenges',
    '{"x402Version":1,}',
    '"x402Version',
    '\u0000"challenges',
  ])('a body that is no JSON asks for nothing: %j', (body) => {
    expect(amounts(demand({}, body))).toEqual([]);
  });
  test.each([
    ['an escape that some readers know', { 'www-authenticate': 'Payment id="1", intent="charge", request="\\u0065yJhIjoxfQ"' }],
    ['without an id', { 'www-authenticate': 'Payment intent="charge", request="e30"' }],
    ['a parameter twice', { 'www-authenticate': 'Payment id="1", id="2", intent="charge", request="e30"' }],
    ['nothing but the scheme', { 'www-authenticate': 'Payment' }],
    ['no base64', { 'payment-required': '%%%' }],
    ['no offers', { 'payment-required': btoa('{}') }],
    ['two readings', { 'payment-required': btoa('{"accepts":[],"accepts":[{"amount":"1"}]}') }],
  ])('unreadable: %s', (_, values) => {
    expect(amounts(demand(values))).toBe('unreadable');
  });
  test('nothing is asked for', () => {
    expect(amounts(demand({ 'www-authenticate': 'Bearer realm="Payment"' }, 'sold out'))).toEqual([]);
  });
});

describe('policy.md §8: offers are taken out one by one', () => {
  const [a, b, c] = ['300', '5', '7'].map((amount) => Challenge.serialize(challenge(amount))) as [string, string, string];
  const others = ['Bearer realm="x",  scope="a b" , error="say \\"no\\""', 'Negotiate', 'Basic dXNlcg==', 'DPoP algs="ES256"'] as const;
  const left = (value: string, ...cut: number[]) => {
    const rest = without(demand({ 'www-authenticate': value }), ...cut);
    return rest === 'unreadable' ? rest : rest.headers['www-authenticate'];
  };

  test('the rest of the header stays byte for byte, other schemes included', () => {
    const [bearer, negotiate, basic, dpop] = others;
    const value = `${bearer},\t${a} ,, ${negotiate}, ${b}, ${basic},${c} , ${dpop}`;
    expect(left(value)).toBe(value);
    expect(left(value, 0)).toBe(`${bearer},\t${negotiate}, ${b}, ${basic},${c} , ${dpop}`);
    expect(left(value, 1)).toBe(`${bearer},\t${a} ,, ${negotiate}, ${basic},${c} , ${dpop}`);
    expect(left(value, 0, 1, 2)).toBe(`${bearer},\t${negotiate}, ${basic},${dpop}`);
    expect(left(`${bearer}, ${a}`, 0)).toBe(bearer);
    expect(left(`${a}, ${b}`, 0, 1)).toBeUndefined();
  });
  test('several fields are one list', () => {
    const rest = without(demand({ 'www-authenticate': [a, `${others[0]}, ${b}`, c] }), 0, 2);
    expect(rest).toEqual({ headers: { 'www-authenticate': `${others[0]}, ${b}` }, body: '' });
  });
  test('x402, in the header and in the body, each by itself', () => {
    const offer = (amount: string) => ({ ...requirements, amount });
    const text = JSON.stringify({ ...required, error: 'zahl\u00e4 \ud83d\ude00', accepts: [offer('1'), offer('2'), offer('3')] });
    const found = demand({ 'payment-required': btoa(unescape(encodeURIComponent(text))), date: 'd', 'www-authenticate': a }, text);
    expect(amounts(found)).toEqual(['charge 300', 'exact 1', 'exact 2', 'exact 3', 'exact 1', 'exact 2', 'exact 3']);
    const rest = without(found, 0, 2, 4, 6);
    if (rest === 'unreadable') throw new Error(rest);
    expect(Object.keys(rest.headers).sort()).toEqual(['date', 'payment-required']);
    expect(decodePaymentRequiredHeader(rest.headers['payment-required'] ?? '')).toEqual({
      ...JSON.parse(text),
      accepts: [offer('1'), offer('3')],
    });
    expect(rest.body).toBe(text.replace(`${JSON.stringify(offer('1'))},`, '').replace(`,${JSON.stringify(offer('3'))}`, ''));
    const none = without(found, 1, 2, 3);
    expect(none !== 'unreadable' && [Object.keys(none.headers).sort(), none.body]).toEqual([['date', 'www-authenticate'], text]);
  });
  test('the body is what the first version of x402 asks in, unless it is a message', () => {
    const plain = (body: object) => {
      const found = demand({}, JSON.stringify(body));
      return found.kind === 'offers' && found.isPlain;
    };
    expect(plain({ ...required, x402Version: 1 })).toBe(true);
    expect(plain({ jsonrpc: '2.0', ...required })).toBe(false);
    expect(plain({ JSONRPC: '2.0', ...required })).toBe(false);
    expect(plain([{ jsonrpc: '2.0', id: 1, result: required }])).toBe(false);
    expect(plain({ x402Version: 1 })).toBe(false);
  });
  test('what is no 402 asks nothing in its headers', () => {
    const header = encodePaymentRequiredHeader(required);
    expect(withoutDemand({ 'payment-required': header, 'www-authenticate': `${a}, ${others[0]}` })).toEqual({
      'www-authenticate': others[0],
    });
    expect(withoutDemand({ 'www-authenticate': `${a} x`, etag: 'e' })).toEqual({ etag: 'e' });
    expect(withoutDemand({ 'www-authenticate': 'Bearer' })).toEqual({ 'www-authenticate': 'Bearer' });
  });
});

describe('policy.md §8: hostile headers are unreadable', () => {
  const a = Challenge.serialize(challenge('300'));
  test.each([
    ['no comma between two', `Bearer realm="x" ${a}`],
    ['a quote that nobody closes', `Basic realm="x, ${a}`],
    ['a challenge in a quoted text', `Bearer realm="x, ${a.replaceAll('"', "'")}"`],
    ['a challenge in a quoted text of its own', `${a}, description="x, Payment id=1"`],
    ['other white space', `Payment\u00a0${a.slice(8)}`],
    ['other white space after a comma', `Basic, \u000b${a}`],
    ['a semicolon', `${a}; request="eyJhIjoxfQ"`],
    ['a word without a comma', `${a} request="eyJhIjoxfQ"`],
    ['a parameter in two spellings', `${a}, Request="eyJhIjoxfQ"`],
    ['the scheme as a parameter', `Bearer a=b, Payment ="x", ${a}`],
    ['a parameter of a scheme that has none', `${a}, Negotiate, request="eyJhIjoxfQ"`],
    ['folded', `Bearer realm="x"\r\n ,${a}`],
    ['a token', 'Payment dG9rZW4='],
    ['a character beyond ASCII', `${a}, Bäsic`],
  ])('%s', (_, value) => {
    expect(amounts(demand({ 'www-authenticate': value }))).toBe('unreadable');
  });
  test.each([
    ['twice', [encodePaymentRequiredHeader(required), encodePaymentRequiredHeader(required)]],
    ['with a key that only some take for the one', btoa(JSON.stringify({ ...required, Accepts: required.accepts }))],
    ['in another alphabet of keys', btoa(JSON.stringify(required).replace('"accepts"', '"Accepts"'))],
    ['with more behind it', `${encodePaymentRequiredHeader(required)}, x`],
  ])('x402 %s', (_, value) => {
    expect(amounts(demand({ 'payment-required': value }))).toBe('unreadable');
  });
  test('a huge one takes no long time, readable or not', () => {
    const many = (count: number) => Array.from({ length: count }, () => a).join(', ');
    expect(amounts(demand({ 'www-authenticate': many(64) })).length).toBe(64);
    expect(amounts(demand({ 'www-authenticate': many(65) }))).toBe('unreadable');
    expect(amounts(demand({ 'www-authenticate': `${many(32)}, Bearer` }, JSON.stringify(offers(33))))).toBe('unreadable');
    expect(amounts(demand({ 'www-authenticate': many(20_000) }))).toBe('unreadable');
    expect(amounts(demand({ 'www-authenticate': `${many(20_000)}"` }))).toBe('unreadable');
    expect(amounts(demand({ 'www-authenticate': `Payment ${'a="\\'.repeat(100_000)}` }))).toBe('unreadable');
    expect(amounts(demand({ 'www-authenticate': `Payment ${' ,'.repeat(100_000)}a b` }))).toBe('unreadable');
  }, 60_000);
  test('the SDK still says what it says beyond ASCII', () => {
    const value = Challenge.serialize({ ...challenge('300'), description: 'eine K\u0101tze, \u201eweich\u201c' });
    expect(value).toContain('\\u0101');
    expect(amounts(demand({ 'www-authenticate': value }))).toEqual(['charge 300']);
  });

  test('property: where it is read at all, the SDK reads the same challenges, and none of those that were taken out', () => {
    const piece = fc.constantFrom(
      ...[
        a,
        Challenge.serialize(challenge('5')),
        'Payment',
        'payment ',
        'Bearer realm="x"',
        'Basic dXNlcg==',
        'Negotiate',
        ', ',
        ',',
        ' ',
        '\t',
      ],
      ...[
        '"',
        '\\',
        '="',
        'id="1"',
        'request=e30',
        ', Payment id="2", realm="r", method="m", intent="charge", request="e30"',
        '\u00a0',
        ';',
      ],
    );
    const list = fc.array(piece, { maxLength: 8 });
    fc.assert(
      fc.property(list, fc.boolean(), fc.array(fc.nat(4), { maxLength: 3 }), (pieces, commas, cut) => {
        const value = pieces.join(commas ? ', ' : '');
        const found = demand({ 'www-authenticate': value });
        if (found.kind === 'unreadable') return;
        expect(found.offers.map(({ amount }) => amount)).toEqual(sdkReads(value));
        const rest = found.without(new Set(cut)).headers['www-authenticate'];
        expect(rest === undefined ? [] : sdkReads(rest)).toEqual(
          found.offers.flatMap(({ amount }, at) => (cut.includes(at) ? [] : [amount])),
        );
      }),
      { seed: 402, numRuns: 5_000 },
    );
  }, 60_000);
});

test('wire.md §2.13: challenges take time in proportion to their length', () => {
  expect(amounts(demand({ 'www-authenticate': `Payment ${'a=b,'.repeat(200_000)}` }))).toBe('unreadable');
}, 20_000);

/** The amounts that the SDK's wallet finds. */
function sdkReads(value: string): (string | undefined)[] {
  if (!/payment\s/i.test(value)) return [];
  try {
    return Challenge.deserializeList(value).map(({ request: { amount } }) => (typeof amount === 'string' ? amount : undefined));
  } catch (error) {
    if (String(error).includes('No Payment schemes')) return [];
    throw error;
  }
}

describe('policy.md §8: what a request pays with', () => {
  test('MPP and x402, as their SDKs write them', () => {
    const mpp = Credential.serialize({ challenge: challenge('300'), payload: { spt: 'x' } });
    const [found] = credentialsOf(headers({ authorization: mpp }));
    const offers = demand({ 'www-authenticate': Challenge.serialize(challenge('300')) }, '');
    expect(offers.kind === 'offers' && offers.offers[0] && found?.pays(offers.offers[0].key)).toBe(true);
    const x402 = encodePaymentSignatureHeader({ x402Version: 2, accepted: requirements, payload: {} });
    for (const value of [`Bearer x, ${mpp}`, `Bearer x,${mpp.replace('Payment', 'payment')}`, `  ${mpp}  , Basic y`])
      expect(credentialsOf(headers({ authorization: value })).map((one) => one?.protocol)).toEqual(['mpp']);
    for (const name of ['payment-signature', 'x-payment']) expect(credentialsOf(headers({ [name]: x402 }))[0]?.protocol).toBe('x402');
  });
  test('what cannot be read counts, what is no payment does not', () => {
    expect(credentialsOf(headers({ authorization: 'Payment %%%', 'x-payment': 'x' }))).toEqual([undefined, undefined]);
    expect(credentialsOf(headers({ authorization: 'Bearer Payment' }))).toEqual([]);
    expect(credentialsOf(headers({ authorization: ['Payment', ' , Payments x', 'Payment ,'] }))).toEqual([undefined]);
  });
  test('wire.md §2.13: a header takes time in proportion to its length', () => {
    expect(credentialsOf(headers({ authorization: `Payment a${' '.repeat(250_000)}b` }))).toEqual([undefined]);
  }, 20_000);
});
