import { describe, expect, test } from 'bun:test';
import { Challenge as MppChallenge, Credential as MppCredential } from 'mppx';
import { finish } from '../../src/core/slices.ts';
import { fromPlain, readJson } from '../../src/mcp/json/values.ts';
import type { ResponseFrame } from '../../src/mcp/messages/frame.ts';
import { readServerFrame } from '../../src/mcp/messages/server.ts';
import { readMppCredential, readX402Credential } from '../../src/mcp/payments/credential.ts';
import { readMppOffer, readX402Offer } from '../../src/mcp/payments/offer.ts';
import { findChallenge as searchChallenge } from '../../src/mcp/payments/payment.ts';

const findChallenge = (message: Parameters<typeof searchChallenge>[0]) => finish(searchChallenge(message));

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';

function mpp(amount: string, more: object = {}) {
  const challenge = MppChallenge.from({
    realm: 'tools.example',
    method: 'tempo',
    intent: 'charge',
    request: { amount, currency: USDC, recipient: '0x742d35Cc6634C0532925a3b844Bc9e7595f8fE00' },
    secretKey: 'secret',
  });
  return { ...challenge, ...more };
}

function x402(amount: string, more: object = {}) {
  const requirements = { scheme: 'exact', network: 'eip155:84532', amount, asset: USDC, payTo: '0x1', maxTimeoutSeconds: 60, extra: {} };
  return { ...requirements, ...more };
}

function frame(message: object): ResponseFrame {
  const read = readServerFrame(new TextEncoder().encode(JSON.stringify({ jsonrpc: '2.0', id: 1, ...message })));
  if (read.kind !== 'response') throw new Error(`it is read as ${read.kind}`);
  return read;
}

function amounts(message: object): (string | undefined)[] {
  const found = findChallenge(frame(message));
  return found?.kind === 'offers' ? found.offers.map(({ amount }) => amount) : [];
}

const required = (...accepts: object[]) => ({ x402Version: 2, error: 'pay', resource: { url: 'mcp://tool/x' }, accepts });

describe('policy.md §8: where a challenge may stand', () => {
  test('MPP: in the data of an error', () => {
    const data = { httpStatus: 402, challenges: [mpp('100'), mpp('200')] };
    expect(amounts({ error: { code: -32042, message: 'Payment Required', data } })).toEqual(['100', '200']);
    expect(amounts({ error: { code: -32043, message: 'no', data } })).toEqual(['100', '200']);
  });
  test('MPP: in the _meta of a result', () => {
    expect(amounts({ result: { content: [], _meta: { 'org.paymentauth/payment-required': { challenges: [mpp('7')] } } } })).toEqual(['7']);
  });
  test('x402: in structuredContent, in a text, in both', () => {
    const structuredContent = required(x402('5'), x402('6'));
    const content = [{ type: 'text', text: JSON.stringify(structuredContent) }];
    expect(amounts({ result: { isError: true, content: [], structuredContent } })).toEqual(['5', '6']);
    expect(amounts({ result: { isError: true, content } })).toEqual(['5', '6']);
    expect(amounts({ result: { isError: true, structuredContent, content } })).toEqual(['5', '6', '5', '6']);
  });
  test('both protocols beside each other in one error', () => {
    const data = { challenges: [mpp('1')], x402: required(x402('2')) };
    expect(amounts({ error: { code: -32042, message: 'pay', data } }).toSorted()).toEqual(['1', '2']);
  });
  test('behind an escape in the key', () => {
    const text =
      '{"jsonrpc":"2.0","id":1,"result":{"isError":true,"structuredContent":{"x402\\u0056ersion":2,"acc\\u0065pts":[{"amount":"9"}]}}}';
    const read = readServerFrame(new TextEncoder().encode(text)) as ResponseFrame;
    expect(findChallenge(read)).toMatchObject({ kind: 'offers', offers: [{ amount: '9', intent: undefined }] });
  });
  test('elicitations, and other things called challenges, are no payment', () => {
    expect(findChallenge(frame({ error: { code: -32042, message: 'x', data: { elicitations: [{ mode: 'url' }] } } }))).toBeUndefined();
    expect(findChallenge(frame({ result: { structuredContent: { challenges: ['climb', 'swim'], accepts: [1] } } }))).toBeUndefined();
  });
  test('what two readers read differently is unreadable', () => {
    const text = '{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"x402Version":2,"accepts":[{"amount":"1","amount":"900"}]}}}';
    expect(findChallenge(readServerFrame(new TextEncoder().encode(text)) as ResponseFrame)).toEqual({ kind: 'unreadable' });
  });
});

describe('policy.md §8: more than is judged is unreadable', () => {
  const offers = (count: number) => Array.from({ length: count }, (_, index) => x402(`${index}`));
  const unreadable = { kind: 'unreadable' } as const;
  const structured = (structuredContent: unknown) => frame({ result: { structuredContent } });
  test('64 offers of an answer, wherever they stand', () => {
    expect(amounts({ result: { structuredContent: required(...offers(64)) } }).length).toBe(64);
    expect(findChallenge(structured(required(...offers(65))))).toEqual(unreadable);
    expect(findChallenge(structured([required(...offers(40)), JSON.stringify(required(...offers(25)))]))).toEqual(unreadable);
    expect(findChallenge(structured(Array.from({ length: 65 }, () => required())))).toEqual(unreadable);
    expect(findChallenge(structured({ challenges: Array.from({ length: 65 }, () => mpp('1')) }))).toEqual(unreadable);
    expect(findChallenge(structured({ challenges: Array.from({ length: 65 }, () => 'climb') }))).toBeUndefined();
  });
  test('offers within an offer', () => {
    expect(findChallenge(structured(required(x402('1', { extra: required(x402('900')) }))))).toEqual(unreadable);
    expect(findChallenge(structured({ challenges: [mpp('1', { opaque: { challenges: [mpp('900')] } })] }))).toEqual(unreadable);
  });
  test('a megabyte of what asks', () => {
    expect(findChallenge(structured({ ...required(x402('1')), note: 'x'.repeat(1_048_576) }))).toEqual(unreadable);
    expect(amounts({ result: { structuredContent: required(x402('1')), content: [{ text: 'x'.repeat(1_048_576) }] } })).toEqual(['1']);
  });
  test('a text that is deeper than messages are', () => {
    const deep = `${'['.repeat(300)}${JSON.stringify(required(x402('1')))}${']'.repeat(300)}`;
    expect(findChallenge(structured({ text: deep }))).toEqual(unreadable);
  });
});

describe('policy.md §8: an element of a batch is searched alone', () => {
  test('what stands before and behind it is not its own', () => {
    const items = [{ structuredContent: required(x402('1')) }, { content: [] }, { structuredContent: required(x402('3')) }];
    const text = JSON.stringify(items.map((result, id) => ({ jsonrpc: '2.0', id, result })));
    const read = readServerFrame(new TextEncoder().encode(` ${text.replaceAll('},{', '} , {')} `));
    if (read.kind !== 'batch') throw new Error(read.kind);
    const found = read.items.map((item) => (item.kind === 'response' ? findChallenge(item) : undefined));
    expect(found.map((each) => (each?.kind === 'offers' ? each.offers.map(({ amount }) => amount) : each?.kind))).toEqual([
      ['1'],
      undefined,
      ['3'],
    ]);
  });
});

describe('policy.md §8: readers that take one key for another', () => {
  const inText = (text: string) => ({ result: { isError: true, content: [{ type: 'text', text }] } });
  test.each([
    ['Accepts', { x402Version: 2, Accepts: [x402('5')] }],
    ['ACCEPTS beside accepts', { x402Version: 2, accepts: [x402('5')], ACCEPTS: [x402('900')] }],
    ['X402Version', { X402Version: 2, accepts: [x402('5')] }],
    ['Challenges', { Challenges: [mpp('5')] }],
    ['a folded letter', { 'challenge\u017f': [mpp('5')] }],
    ['wide letters', { '\uff43hallenges': [mpp('5')] }],
    ['bold letters', { '\u{1d41c}hallenges': [mpp('5')] }],
    ['a character that does not show', { 'chal\u200blenges': [mpp('5')] }],
    ['a character that does not show, and many of them', { [`chal${'\u200b'.repeat(5_000)}lenges`]: [mpp('5')] }],
    ['a line end in it', { 'chal\nlenges': [mpp('5')] }],
    ['spaces around it', { ' challenges ': [mpp('5')] }],
    ['x402Version in two spellings', { x402Version: 2, X402VERSION: 1, accepts: [x402('5')] }],
    ['x402Version twice over', { x402Version: 2, x402version: 2, accepts: [x402('5')] }],
    ['a list beside something else', { x402Version: 2, accepts: [x402('5')], Accepts: 'x' }],
    ['the third of a name', { x402Version: 2, Accepts: 1, aCcepts: 2, accepts: [x402('5')] }],
    ['the second list of a name', { challenges: ['climb'], Challenges: [mpp('5')] }],
    ['Intent', { Challenges: [mpp('5', { intent: undefined, Intent: 'charge' })] }],
  ])('a list under %s is unreadable', (_, structuredContent) => {
    expect(findChallenge(frame({ result: { structuredContent } }))).toEqual({ kind: 'unreadable' });
    expect(findChallenge(frame(inText(JSON.stringify(structuredContent))))).toEqual({ kind: 'unreadable' });
  });
  test('an offer with such a key has no amount', () => {
    const odd = [{ Amount: '900' }, { AMOUNT: '900' }, { Asset: '0x2' }, { MaxAmountRequired: '900' }, { Scheme: 'upto' }];
    for (const more of odd) expect(readX402Offer(fromPlain(x402('5', more))).amount).toBeUndefined();
    const request = { ...mpp('5').request, Amount: '900' };
    for (const more of [{ request }, { Request: request }, { Intent: 'session' }])
      expect(readMppOffer(fromPlain(mpp('5', more))).amount).toBeUndefined();
  });
  test('an offer whose credential comes in another header has no amount', () => {
    expect(readMppOffer(fromPlain(mpp('5', { header: 'Mcp-Wallet' }))).amount).toBeUndefined();
    expect(readMppOffer(fromPlain(mpp('5', { header: 'Payment-Authorization' }))).amount).toBe('5');
  });
  test('a credential with such a key is none', () => {
    const paid = { x402Version: 2, accepted: x402('5'), payload: { authorization: { value: '5' } } };
    expect(readX402Credential(fromPlain(paid))).toBeDefined();
    const odd = [{ Accepted: x402('900') }, { Payload: {} }, { payload: { authorization: { value: '5', Value: '900' } } }];
    for (const more of odd) expect(readX402Credential(fromPlain({ ...paid, ...more }))).toBeUndefined();
    expect(readMppCredential(fromPlain({ challenge: mpp('5'), Challenge: mpp('900'), payload: {} }))).toBeUndefined();
    expect(readMppCredential(fromPlain({ challenge: mpp('5', { Request: {} }), payload: {} }))).toBeUndefined();
  });
});

describe('policy.md §8: offers are taken out, the rest stays', () => {
  const structuredContent = required(x402('5'), x402('6'));
  const text = JSON.stringify(structuredContent);
  const message = { result: { isError: true, content: [{ type: 'text', text }], structuredContent } };
  test('in an object and in a text', () => {
    const read = frame(message);
    const found = findChallenge(read);
    if (found?.kind !== 'offers') throw new Error('not found');
    expect(found.without(new Set())).toBe(read.text);
    const left = JSON.parse(found.without(new Set([0, 3])));
    const leftOver = left.result.structuredContent.accepts.map(({ amount }: { amount: string }) => amount);
    const inText = JSON.parse(left.result.content[0].text).accepts.map(({ amount }: { amount: string }) => amount);
    expect([...leftOver, ...inText].toSorted()).toEqual(
      found.offers.flatMap(({ amount }, i) => (i === 0 || i === 3 ? [] : [amount ?? ''])).toSorted(),
    );
    expect(left.result.structuredContent.resource).toEqual({ url: 'mcp://tool/x' });
  });
});

describe('policy.md §8: a credential pays the offer that it was made for', () => {
  const offer = readMppOffer(fromPlain(mpp('100')));
  test('MPP, as the SDK writes it', () => {
    const header = MppCredential.serialize({ challenge: mpp('100'), payload: { hash: '0x1' } });
    const credential = readMppCredential(fromPlain(MppCredential.deserialize(header)));
    expect(credential?.pays(offer.key)).toBe(true);
    expect(credential?.pays(readMppOffer(fromPlain(mpp('101'))).key)).toBe(false);
  });
  test('MPP with the request in base64url', () => {
    const request = Buffer.from(JSON.stringify(mpp('100').request)).toString('base64url');
    expect(readMppOffer(fromPlain({ ...mpp('100'), request }))).toEqual(offer);
  });
  test('MPP with another amount under the same id', () => {
    const challenge = { ...mpp('100'), request: { ...mpp('100').request, amount: '99' } };
    expect(readMppCredential(fromPlain({ challenge, payload: {} }))?.pays(offer.key)).toBe(false);
  });
  test('x402, first and second version', () => {
    const { key } = readX402Offer(fromPlain(x402('5')));
    expect(readX402Credential(fromPlain({ x402Version: 2, accepted: x402('5'), payload: {} }))?.pays(key)).toBe(true);
    expect(readX402Credential(fromPlain({ x402Version: 2, accepted: x402('6'), payload: {} }))?.pays(key)).toBe(false);
    const first = { x402Version: 1, scheme: 'exact', network: 'eip155:84532', payload: { authorization: { value: '5' } } };
    expect(readX402Credential(fromPlain(first))).toMatchObject({ amount: 5n, most: 5n });
    expect(readX402Credential(fromPlain(first))?.pays(key)).toBe(true);
    expect(readX402Credential(fromPlain({ ...first, network: 'eip155:1' }))?.pays(key)).toBe(false);
  });
  test('an offer with two amounts has none', () => {
    expect(readX402Offer(readJson('{"scheme":"exact","amount":"1","maxAmountRequired":"2"}')).amount).toBeUndefined();
    expect(readX402Offer(readJson('{"scheme":"exact","maxAmountRequired":"2"}')).amount).toBe('2');
  });
});

describe('policy.md §8: what a payment signs for', () => {
  const read = (payload: object, more: object = {}) =>
    readX402Credential(fromPlain({ x402Version: 2, accepted: x402('5'), payload, ...more }));
  const permit = (amount: unknown) => ({ permit2Authorization: { permitted: { token: USDC, amount }, spender: '0x1', nonce: '1' } });
  test.each([
    ['EIP-3009', { signature: '0x1', authorization: { value: '5', nonce: '0x2' } }, 5n],
    ['EIP-3009, in hexadecimal digits', { authorization: { value: '0x1F' } }, 31n],
    ['Permit2', permit('400000000'), 400000000n],
    ['Permit2, as a number', permit(7), 7n],
    ['a transaction', { transaction: 'AQ==' }, undefined],
    ['a batch of permits', { permit2Authorization: { permitted: [{ amount: '3' }, { amount: '4' }] } }, undefined],
    ['nothing', {}, undefined],
  ])('%s', (_, payload, amount) => {
    expect(read(payload)?.amount).toBe(amount);
  });
  test.each([
    ['both ways', { authorization: { value: '1' }, ...permit('4') }],
    ['both ways, one of them empty', { authorization: { value: '1' }, permit2Authorization: null }],
    ['a look-alike of a way', { authorization: { value: '1' }, Permit2Authorization: {} }],
    ['a look-alike in it', { permit2Authorization: { permitted: { amount: '1', Amount: '4' } } }],
    ['a look-alike on the way', { permit2Authorization: { permitted: { amount: '1' }, Permitted: { amount: '4' } } }],
    ['an exponent', { authorization: { value: '4e8' } }],
    ['a fraction', { authorization: { value: 1.5 } }],
    ['a sign', permit('-1')],
    ['words', permit('four')],
    ['no number at all', permit(true)],
  ])('none: %s', (_, payload) => {
    expect(read(payload)).toBeUndefined();
  });
  test.each([
    ['amount', { amount: '400' }],
    ['value, deep', { extra: [{ deep: { value: 400 } }] }],
    ['max_amount', { max_amount: '400' }],
    ['maxAmountRequired', { maxAmountRequired: '400' }],
    ['totalValue', { totalValue: '0x190' }],
    ['Amount', { Amount: 400 }],
    ['amounts', { amounts: ['1', '400'] }],
    ['uiAmount', { uiAmount: '400' }],
    ['amount0', { amount0: '400' }],
    ['lamports', { lamports: '400' }],
  ])('another amount counts, too: %s', (_, more) => {
    expect(read({ authorization: { value: '5' }, ...more })).toMatchObject({ amount: 5n, most: 400n });
    expect(read({ authorization: { value: '5' } }, more)).toMatchObject({ amount: 5n, most: 400n });
    const paid = readMppCredential(fromPlain({ challenge: mpp('100'), payload: more }));
    expect(paid).toMatchObject({ amount: undefined, most: 400n });
  });
  test('what was offered is no other amount', () => {
    const accepted = x402('5', { extra: { maxAmount: '900' } });
    expect(read({ authorization: { value: '5' } }, { accepted })).toMatchObject({ most: 5n });
    expect(readMppCredential(fromPlain({ challenge: mpp('100'), payload: { hash: '0x1' } }))).toMatchObject({ most: 0n });
  });
});
