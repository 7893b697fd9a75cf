/** policy.md §8 over HTTP: a 402 with a challenge that may not be paid does not reach the client. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { type AddressInfo, createServer } from 'node:net';
import { untilRecords } from '../../harness/audit.ts';
import { exchange } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { startUpstream } from '../../harness/upstream.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const USDC = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';
const POLICY = `version: "1"
tools:
  search:
    rules:
      - { name: cheap, spend: { per_call: 5.00, assets: { "${USDC}": { decimals: 6, currency: usd } } } }
`;
const required = (amount: string) =>
  Buffer.from(
    JSON.stringify({
      x402Version: 2,
      error: 'payment required',
      resource: { url: 'https://x.example' },
      accepts: [
        {
          scheme: 'exact',
          network: 'eip155:8453',
          asset: USDC,
          amount,
          payTo: '0x0000000000000000000000000000000000000001',
          maxTimeoutSeconds: 60,
          extra: {},
        },
      ],
    }),
  ).toString('base64');
const BODY = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{}}}';

test.each([
  ['1000000', 402],
  ['9000000', 200],
])('a challenge of %s millionths of a dollar', async (amount, status) => {
  await using upstream = await startUpstream(
    (_, response) => void response.writeHead(402, { 'payment-required': required(amount), 'content-type': 'application/json' }).end('{}'),
  );
  await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
  const answer = await exchange(listener.url, { body: BODY });
  expect(answer.status).toBe(status);
  expect(answer.headers['payment-required']).toBe(status === 402 ? required(amount) : undefined);
  if (status === 200) expect(JSON.parse(answer.text).result.isError).toBe(true);
  const records = await untilRecords(listener.home, 'the outcome', (all) => all.some(({ type }) => type === 'outcome'));
  expect(records.find(({ type }) => type === 'outcome')?.result).toBe('released');
});

test.each(['POST', 'stream', 'GET'])('SECURITY: an answer that is no refusal asks for nothing in its headers (%s)', async (kind) => {
  const asking = {
    'payment-required': required('1'),
    'www-authenticate': 'Payment id="1", intent="charge", request="e30", Bearer realm="x"',
  };
  await using upstream = await startUpstream((request, response) => {
    const isStream = kind === 'stream' || request.method === 'GET';
    response.writeHead(200, { ...asking, 'content-type': isStream ? 'text/event-stream' : 'application/json' });
    response.end(isStream ? 'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n' : '{"jsonrpc":"2.0","id":1,"result":{}}');
  });
  await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
  const get = { method: 'GET' as const, headers: { accept: 'text/event-stream' } };
  const answer = await exchange(listener.url, kind === 'GET' ? get : { body: BODY });
  expect(answer.status).toBe(200);
  expect(answer.headers['payment-required']).toBeUndefined();
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="x"');
});

test('a refusal that asks for more than a payment keeps the rest, where nothing may be paid for', async () => {
  const asking = { 'www-authenticate': 'Bearer realm="x", Payment id="1", intent="charge", request="e30"' };
  await using upstream = await startUpstream((_, response) => void response.writeHead(401, asking).end());
  await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
  const ping = await exchange(listener.url, { body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' });
  expect([ping.status, ping.headers['www-authenticate']]).toEqual([401, 'Bearer realm="x"']);
  // Of a call, what has no price leaves nothing to pay.
  const call = await exchange(listener.url, { body: BODY });
  expect([call.status, call.headers['www-authenticate']]).toEqual([200, undefined]);
});

test('a refusal with another status asks as a 402 does', async () => {
  await using upstream = await startUpstream(
    (_, response) => void response.writeHead(412, { 'payment-required': required('9000000') }).end(),
  );
  await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
  const answer = await exchange(listener.url, { body: BODY });
  expect([answer.status, answer.headers['payment-required']]).toEqual([200, undefined]);
});

test('without limits on money everything passes as it came', async () => {
  const header = 'Payment id="1", Payment id=1;';
  await using upstream = await startUpstream((_, response) => void response.writeHead(402, { 'www-authenticate': header }).end());
  await using listener = await startListener({ flags: ['--upstream', upstream.url] });
  const answer = await exchange(listener.url, { body: BODY });
  expect([answer.status, answer.headers['www-authenticate']]).toEqual([402, header]);
});

test('who pays in Authorization stays the same agent, and the payment goes with its own message alone', async () => {
  await using upstream = await startUpstream(
    (_, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' })
        .end(
          '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}',
        ),
  );
  await using listener = await startListener({ flags: ['--upstream', upstream.url] });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  await exchange(listener.url, { body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }) });
  const headers = { 'mcp-session-id': 's', authorization: 'Payment eyJhIjoxfQ' };
  expect((await exchange(listener.url, { body: '{"jsonrpc":"2.0","id":1,"method":"ping"}', headers })).status).toBe(200);
  expect(upstream.received.find(({ body }) => body.includes('ping'))?.headers.authorization).toBe('Payment eyJhIjoxfQ');
});

test('SECURITY: a payment goes with no stream, and not with the end of a session', async () => {
  await using upstream = await startUpstream((_, response) => void response.writeHead(405).end());
  await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
  const paying = { 'x-payment': 'a', 'payment-signature': 'b', 'payment-authorization': 'Payment c' };
  for (const method of ['GET', 'DELETE'] as const)
    for (const authorization of ['Payment d', 'Bearer e, Payment f'])
      await exchange(listener.url, { method, headers: { ...paying, authorization, accept: 'text/event-stream' } });
  expect(upstream.received.map(({ method }) => method)).toEqual(['GET', 'GET', 'DELETE', 'DELETE']);
  for (const { headers } of upstream.received) expect(JSON.stringify(headers)).not.toMatch(/payment/i);
  expect(upstream.received.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer e', undefined, 'Bearer e']);
});

/** Answers every POST with these bytes. */
async function startRaw(answer: string) {
  const server = createServer((socket) => void socket.once('data', () => socket.end(Buffer.from(answer, 'latin1'))).on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

describe('SECURITY: headers as no library writes them leave nothing to pay that is too dear', () => {
  const challenge = (amount: string) =>
    `Payment id="${amount}", realm="r", method="m", intent="charge", request="${btoa(JSON.stringify({ amount, currency: 'usd' }))}"`;
  const dear = required('9000000');
  test.each([
    ['two spellings of one name', [`WWW-Authenticate: ${challenge('900')}`, `www-authenticate: ${challenge('100')}`]],
    ['folded', ['WWW-Authenticate: Bearer realm="x",', ` ${challenge('900')}`, `Www-authenticate: ${challenge('100')}`]],
    ['a tab, and no space', [`WWW-Authenticate:\t${challenge('900')}\t,\t${challenge('100')}`]],
    ['beyond ASCII', [`WWW-Authenticate: ${challenge('900').replace('"r"', '"\u00e4"')}, ${challenge('100')}`]],
    ['twice', [`PAYMENT-REQUIRED: ${required('1000000')}`, `Payment-Required: ${dear}`]],
    ['folded base64', [`PAYMENT-REQUIRED: ${dear.slice(0, 40)}`, ` ${dear.slice(40)}`]],
    ['huge', [`PAYMENT-REQUIRED: ${dear}${' '.repeat(20_000)}`, `WWW-Authenticate: ${challenge('900')}`]],
    ['many', Array.from({ length: 90 }, (_, n) => `WWW-Authenticate: ${challenge(n === 77 ? '100' : '900')}`)],
  ])('%s', async (_, headers) => {
    const head = ['HTTP/1.1 402 Payment Required', ...headers, 'Content-Length: 2', 'Connection: close', '', '{}'];
    await using upstream = await startRaw(head.join('\r\n'));
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const answer = await exchange(listener.url, { body: BODY });
    const left = [answer.headers['www-authenticate'] ?? '', answer.headers['payment-required'] ?? ''].join();
    expect(left).not.toContain('id="900"');
    expect(left).not.toContain(dear.slice(40));
    expect(JSON.parse(answer.text).id).toBe(1);
    if (answer.status === 402 && left !== ',') expect(left).toContain('id="100"');
  });
});
