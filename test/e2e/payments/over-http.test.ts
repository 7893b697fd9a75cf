/** policy.md §8 over HTTP 402, against the SDKs of both protocols: what is too dear is taken out, what is left is paid. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { x402Client } from '@x402/core/client';
import { decodePaymentRequiredHeader, encodePaymentRequiredHeader, x402HTTPClient } from '@x402/core/http';
import { parsePaymentPayload } from '@x402/core/schemas';
import { x402ResourceServer } from '@x402/core/server';
import type { PaymentRequirements, SchemeNetworkClient } from '@x402/core/types';
import { Challenge, Credential, Method, Receipt } from 'mppx';
import { Mppx as Wallet } from 'mppx/client';
import { Mppx } from 'mppx/server';
import { Methods } from 'mppx/stripe';
import { exchange, type HttpRequest } from '../../harness/http.ts';
import { modern } from '../../harness/modern.ts';
import { startListener } from '../../harness/program.ts';
import { startProxy } from '../../harness/proxy.ts';
import { type Answer, answerJson, startUpstream } from '../../harness/upstream.ts';

// Each test starts a process, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const POLICY = `version: "1"
name: over-http
tools:
  draw:
    rules:
      - name: images
        spend: { per_call: 5.00, daily: 8.00, assets: { "${USDC}": { decimals: 6, currency: usd } } }
`;
const DECISION = 'policylayer.com/decision';
const DRAWN = { content: [{ type: 'text', text: 'drawn' }] };
const ERAS = ['legacy', 'modern'] as const;

function callOf(era: (typeof ERAS)[number], args: object = {}): HttpRequest & { readonly body: string } {
  const params = { name: 'draw', arguments: args };
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: era === 'modern' ? modern(params) : params };
  const headers = { 'mcp-protocol-version': era === 'modern' ? '2026-07-28' : '2025-06-18' };
  return {
    body: JSON.stringify(message),
    headers: era === 'modern' ? { ...headers, 'mcp-method': 'tools/call', 'mcp-name': 'draw' } : headers,
  };
}

/** Offers each of these prices, in dollars, over MPP; `more` stands before them in a field of its own. */
function mppServer(prices: readonly string[], more?: string) {
  const taken = new Set<string>();
  const paid: string[] = [];
  let last = '';
  const card = Method.toServer(Methods.charge, {
    async verify({ credential }) {
      const { spt } = credential.payload as { spt: string };
      if (taken.has(spt)) throw new Error('the card was declined');
      taken.add(spt);
      return Receipt.from({ method: 'stripe', status: 'success', reference: spt, timestamp: new Date().toISOString() });
    },
  });
  const server = Mppx.create({
    methods: [card],
    secretKey: 'a secret of the tests, long enough to be taken for one',
    realm: 'paid.example',
  });
  const offer = (amount: string) => ({ amount, currency: 'usd', decimals: 2, networkId: 'internal', paymentMethodTypes: ['card'] });
  const ask = server.compose(...prices.map((amount) => ['stripe/charge', offer(amount)] as const));
  const answer: Answer = async ({ headers, body }, response) => {
    const { id, method } = JSON.parse(body);
    if (method !== 'tools/call')
      return answerJson(response, { jsonrpc: '2.0', id, result: { tools: [{ name: 'draw', inputSchema: { type: 'object' } }] } });
    const given = headers.authorization;
    const result = await ask(
      new Request('http://paid.example/mcp', { method: 'POST', headers: given ? { authorization: given } : {}, body }),
    );
    if (result.status === 402) {
      const { status, headers: asked } = result.challenge;
      last = asked.get('www-authenticate') ?? '';
      const fields = [...(more ? [more] : []), last];
      response.writeHead(status, { 'www-authenticate': fields, 'content-type': 'text/plain' }).end(await result.challenge.text());
      return;
    }
    paid.push(String(Credential.deserialize(given ?? '').challenge.request.amount));
    answerJson(response, { jsonrpc: '2.0', id, result: DRAWN });
  };
  return { answer, paid, asked: () => last };
}

const challengesIn = (header: unknown) => Challenge.deserializeList(String(header)).map(({ request }) => request.amount);

describe.each(ERAS)('policy.md §8: MPP over HTTP 402, %s', (era) => {
  const other = 'Bearer realm="images, of cats",  error="invalid_token"';

  test('offers over the limit are taken out one by one, other schemes stay, and what is left can be paid', async () => {
    const { answer, paid } = mppServer(['9.00', '3.00', '5.01', '4.00'], other);
    await using upstream = await startUpstream(answer);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const asked = await exchange(listener.url, callOf(era));
    expect(asked.status).toBe(402);
    expect(challengesIn(asked.headers['www-authenticate'])).toEqual(['300', '400']);
    expect(asked.headers['www-authenticate']?.startsWith(`${other}, Payment `)).toBe(true);
    const wallet = Wallet.create({
      polyfill: false,
      methods: [
        Method.toClient(Methods.charge, {
          createCredential: async ({ challenge }) => Credential.serialize({ challenge, payload: { spt: `spt_${era}` } }),
        }),
      ],
    });
    const { body, headers } = callOf(era);
    const response = await wallet.fetch(listener.url, {
      method: 'POST',
      body,
      headers: {
        ...(headers as Record<string, string>),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
    });
    expect(JSON.stringify(await response.json())).toContain('drawn');
    expect(paid).toEqual(['300']);
  });

  test('an offer that was taken out cannot be paid', async () => {
    const { answer, paid, asked } = mppServer(['9.00', '3.00']);
    await using upstream = await startUpstream(answer);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    await exchange(listener.url, callOf(era));
    // The agent got hold of it in another way.
    const [dear] = Challenge.deserializeList(asked());
    if (!dear) throw new Error('no challenge');
    const authorization = Credential.serialize({ challenge: dear, payload: { spt: 'spt_dear' } });
    const call = callOf(era);
    const answered = await exchange(listener.url, { ...call, headers: { ...call.headers, authorization } });
    expect(JSON.parse(answered.text).result._meta[DECISION]).toMatchObject({ code: 'spend', rule: '(payment)' });
    expect(paid).toEqual([]);
  });

  test('with all of them too dear the agent gets the denial, and nothing of the challenge', async () => {
    await using upstream = await startUpstream(mppServer(['9.00', '5.01'], other).answer);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const answer = await exchange(listener.url, callOf(era));
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([200, undefined]);
    expect(JSON.parse(answer.text).result._meta[DECISION]).toMatchObject({ code: 'spend', rule: 'images' });
  });
});

const offerOf = (amount: string): PaymentRequirements => ({
  scheme: 'exact',
  network: 'eip155:84532',
  amount,
  asset: USDC,
  payTo: '0x742d35Cc6634C0532925a3b844Bc9e7595f8fE00',
  maxTimeoutSeconds: 300,
  extra: { name: 'USDC', version: '2' },
});

/** Offers each of these prices, in millionths, over x402: in the header, and in the body of the protocol's first version. */
function x402Server(prices: readonly string[], version: 1 | 2) {
  const paid: string[] = [];
  const accepts = prices.map(offerOf);
  const asked = { error: 'payment required', resource: { url: 'http://paid.example/mcp' } };
  const first = accepts.map(({ amount, ...rest }) => ({
    ...rest,
    network: 'base-sepolia',
    maxAmountRequired: amount,
    resource: asked.resource.url,
    description: '',
    mimeType: '',
  }));
  const answer: Answer = ({ headers, body }, response) => {
    const { id, method } = JSON.parse(body);
    if (method !== 'tools/call')
      return answerJson(response, { jsonrpc: '2.0', id, result: { tools: [{ name: 'draw', inputSchema: { type: 'object' } }] } });
    const given = headers['payment-signature'] ?? headers['x-payment'];
    if (given === undefined)
      return version === 2
        ? answerJson(response, '{}', 402, { 'payment-required': encodePaymentRequiredHeader({ x402Version: 2, ...asked, accepts }) })
        : answerJson(response, { x402Version: 1, error: asked.error, accepts: first }, 402);
    const payment = JSON.parse(Buffer.from(String(given), 'base64').toString());
    if (version === 2) expect(parsePaymentPayload(payment).success).toBe(true);
    const matched =
      version === 2 ? new x402ResourceServer().findMatchingRequirements(accepts, payment)?.amount : payment.payload.authorization.value;
    paid.push(matched);
    answerJson(response, { jsonrpc: '2.0', id, result: DRAWN });
  };
  return { answer, paid };
}

function x402Wallet() {
  const createPaymentPayload: SchemeNetworkClient['createPaymentPayload'] = async (x402Version, { amount, scheme, network, ...rest }) => {
    const value = amount ?? (rest as { maxAmountRequired?: string }).maxAmountRequired;
    const payload = { signature: '0x1', authorization: { value, nonce: '1' } };
    return { x402Version, payload, ...(x402Version === 1 && { scheme, network }) };
  };
  const client = { scheme: 'exact', createPaymentPayload };
  const schemes = [
    { network: 'eip155:84532' as const, client },
    { network: 'base-sepolia' as never, client, x402Version: 1 },
  ];
  return new x402HTTPClient(x402Client.fromConfig({ schemes, spendControls: false }));
}

describe.each(ERAS)('policy.md §8: x402 over HTTP 402, %s', (era) => {
  test.each([2, 1] as const)('version %d: too dear offers are taken out, what is left is paid once', async (version) => {
    const { answer, paid } = x402Server(
      version === 2 ? ['5000001', '3000000', '4000000', '9000000'] : ['5000001', '3000000', '9000000'],
      version,
    );
    await using upstream = await startUpstream(answer);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const asked = await exchange(listener.url, callOf(era));
    expect(asked.status).toBe(402);
    const wallet = x402Wallet();
    const required = wallet.getPaymentRequiredResponse(
      (name) => asked.headers[name.toLowerCase()] as string | undefined,
      JSON.parse(asked.text),
    );
    const price = (offer: object) => ('amount' in offer ? offer.amount : 'maxAmountRequired' in offer && offer.maxAmountRequired);
    expect(required.accepts.map(price)).toEqual(version === 2 ? ['3000000', '4000000'] : ['3000000']);
    const headers = wallet.encodePaymentSignatureHeader(await wallet.createPaymentPayload(required));
    const call = callOf(era);
    const paying = { ...call, headers: { ...call.headers, ...headers } };
    expect((await exchange(listener.url, paying)).text).toContain('drawn');
    expect(JSON.parse((await exchange(listener.url, paying)).text).result._meta[DECISION]).toMatchObject({
      code: 'spend',
      rule: '(payment)',
    });
    expect(paid).toEqual(['3000000']);
  });

  test('an offer that was taken out cannot be paid', async () => {
    const { answer, paid } = x402Server(['9000000', '3000000'], 2);
    await using upstream = await startUpstream(answer);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const asked = await exchange(listener.url, callOf(era));
    const required = decodePaymentRequiredHeader(String(asked.headers['payment-required']));
    const wallet = x402Wallet();
    const payment = await wallet.createPaymentPayload({ ...required, accepts: [offerOf('9000000')] });
    const call = callOf(era);
    const answered = await exchange(listener.url, {
      ...call,
      headers: { ...call.headers, ...wallet.encodePaymentSignatureHeader(payment) },
    });
    expect(JSON.parse(answered.text).result._meta[DECISION]).toMatchObject({ code: 'spend', rule: '(payment)' });
    expect(paid).toEqual([]);
  });
});

describe.each(ERAS)('policy.md §8: HTTP 402 in front of an agent on stdio, %s', (era) => {
  const challenge = (amount: string) => ({
    id: amount,
    realm: 'r',
    method: 'stripe',
    intent: 'charge',
    request: { amount, currency: 'usd' },
  });
  const { id: _, jsonrpc: __, ...call } = JSON.parse(callOf(era).body);
  const ask = async (error: object | undefined) => {
    const header = Challenge.serialize(Challenge.from(challenge('100')));
    await using upstream = await startUpstream(({ body }, response) => {
      const { id, method } = JSON.parse(body);
      if (method === 'tools/call') answerJson(response, error ? { jsonrpc: '2.0', id, error } : '{}', 402, { 'www-authenticate': header });
      else answerJson(response, { jsonrpc: '2.0', id, result: { tools: [] } });
    });
    await using proxy = await startProxy({ policy: POLICY, flags: ['--upstream', upstream.url] });
    return proxy.client.request(call.method, call.params);
  };

  test('a message that asks loses what is too dear', async () => {
    const asked = await ask({ code: -32042, message: 'pay', data: { challenges: [challenge('900'), challenge('300')] } });
    expect((asked.error?.data as { challenges?: unknown } | undefined)?.challenges).toEqual([challenge('300')]);
  });
  test('what stands in a header alone does not reach it: nothing can be paid there', async () => {
    const asked = await ask(undefined);
    expect(asked.error?.message).toStartWith('the server answered with HTTP status 402');
    expect(JSON.stringify(asked)).not.toContain('request');
  });
});
