import { describe, expect, test } from 'bun:test';
import { encodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import { Challenge, Credential } from 'mppx';
import { credentialsOf, offersOf402 } from '../../src/mcp/http-payment.ts';

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
const amounts = (offers: ReturnType<typeof offersOf402>) =>
  offers === 'unreadable' ? offers : offers.map(({ amount, intent }) => `${intent} ${amount}`);

describe('policy.md §8: the offers of a 402', () => {
  test('MPP, as the SDK writes them, one and several, beside other schemes', () => {
    const [a, b] = [Challenge.serialize(challenge('300')), Challenge.serialize(challenge('5', 'session'))];
    expect(amounts(offersOf402(headers({ 'www-authenticate': a }), ''))).toEqual(['charge 300']);
    expect(amounts(offersOf402(headers({ 'www-authenticate': `Bearer realm="x", ${a}, ${b}` }), ''))).toEqual(['charge 300', 'session 5']);
    expect(amounts(offersOf402(headers({ 'www-authenticate': [a, b] }), ''))).toEqual(['charge 300', 'session 5']);
  });
  test('x402, in the header and in the body of its first version', () => {
    const header = encodePaymentRequiredHeader(required);
    expect(amounts(offersOf402(headers({ 'payment-required': header }), ''))).toEqual(['exact 7']);
    const first = { x402Version: 1, accepts: [{ ...requirements, amount: undefined, maxAmountRequired: '9' }] };
    expect(amounts(offersOf402(headers({}), JSON.stringify(first)))).toEqual(['exact 9']);
  });
  test.each(['', ' ', '\n\t', '\ufeff'])('x402 in a body that begins with %j', (before) => {
    expect(amounts(offersOf402(headers({}), `${before}${JSON.stringify(required)}`))).toEqual(['exact 7']);
  });
  test.each([
    '{"x402Version":1,"accepts":[{"a',
    '{"x402Version',
    '["challenges',
    '{"x402Version":1,}',
    '"x402Version',
    '\u0000"challenges',
  ])('a body that is no JSON asks for nothing: %j', (body) => {
    expect(offersOf402(headers({}), body)).toEqual([]);
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
    expect(offersOf402(headers(values), '')).toBe('unreadable');
  });
  test('nothing is asked for', () => {
    expect(offersOf402(headers({ 'www-authenticate': 'Bearer realm="Payment"' }), 'sold out')).toEqual([]);
  });
});

describe('policy.md §8: what a request pays with', () => {
  test('MPP and x402, as their SDKs write them', () => {
    const mpp = Credential.serialize({ challenge: challenge('300'), payload: { spt: 'x' } });
    const [found] = credentialsOf(headers({ authorization: mpp }));
    const offers = offersOf402(headers({ 'www-authenticate': Challenge.serialize(challenge('300')) }), '');
    expect(offers !== 'unreadable' && offers[0] && found?.pays(offers[0].key)).toBe(true);
    const x402 = encodePaymentSignatureHeader({ x402Version: 2, accepted: requirements, payload: {} });
    for (const value of [`Bearer x, ${mpp}`, `Bearer x,${mpp.replace('Payment', 'payment')}`, `  ${mpp}  , Basic y`])
      expect(credentialsOf(headers({ authorization: value })).map((one) => one?.protocol)).toEqual(['mpp']);
    for (const name of ['payment-signature', 'x-payment']) expect(credentialsOf(headers({ [name]: x402 }))[0]?.protocol).toBe('x402');
  });
  test('what cannot be read counts, what is no payment does not', () => {
    expect(credentialsOf(headers({ authorization: 'Payment %%%', 'x-payment': 'x' }))).toEqual([undefined, undefined]);
    expect(credentialsOf(headers({ authorization: 'Bearer Payment' }))).toEqual([]);
  });
});
