/** wire.md §1, §2.10: header values beyond ASCII arrive as the bytes that they were, or are refused. */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { envelope } from '../../harness/modern.ts';
import { startListener } from '../../harness/program.ts';
import { exchange } from '../../harness/raw-http.ts';
import { answerJson, startUpstream } from '../../harness/upstream.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

/** UTF-8 as HTTP libraries show it, one character for each byte, and a byte that is no UTF-8. */
const BYTES = Buffer.from('é🎉').toString('latin1');
const ODD = `${BYTES}\xe9z`;
const SENTINEL = `=?base64?${Buffer.from('é').toString('base64')}?=`;
const TOOLS = [{ name: 't', inputSchema: { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } } }];
const call = (id: number, args: object) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 't', arguments: args, _meta: envelope() } });

function post(port: number, body: string, headers: Readonly<Record<string, string>>) {
  const lines = Object.entries({ host: 'localhost', 'content-type': 'application/json', connection: 'close', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const bytes = Buffer.from(body);
  const head = Buffer.from(`POST /mcp HTTP/1.1\r\n${lines}content-length: ${bytes.length}\r\n\r\n`, 'latin1');
  return exchange(port, Buffer.concat([head, bytes]));
}

test('both ways, and in --header', async () => {
  await using upstream = await startUpstream(({ body }, response) => {
    const { id, method } = JSON.parse(body);
    const result = method === 'tools/list' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: TOOLS } : { content: [] };
    answerJson(response, { jsonrpc: '2.0', id, result }, 200, { 'x-request-id': ODD });
  });
  await using listener = await startListener({
    flags: ['--upstream', upstream.url, '--header', 'X-Fixed: é🎉', '--header-env', 'X-Hidden=HIDDEN', '--pass-header', 'X-Tenant'],
    env: { HIDDEN: 'ü' },
  });
  const port = Number(new URL(listener.url).port);
  const legacy = await post(port, '{"jsonrpc":"2.0","id":1,"method":"ping"}', {
    'user-agent': ODD,
    'x-tenant': ODD,
    'mcp-param-unknown': ODD,
  });
  expect([legacy.status, legacy.headers['x-request-id']]).toEqual([200, ODD]);
  const utf8 = (text: string) => Buffer.from(text).toString('latin1');
  expect(upstream.received.at(-1)?.headers).toMatchObject({
    ...{ 'user-agent': ODD, 'x-tenant': ODD, 'mcp-param-unknown': ODD },
    ...{ 'x-fixed': utf8('é🎉'), 'x-hidden': utf8('ü') },
  });

  const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 't' };
  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: { _meta: envelope() } });
  expect((await post(port, list, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' })).status).toBe(200);
  const framed = await post(port, call(3, { city: 'é' }), { ...modern, 'mcp-param-city': SENTINEL });
  expect([framed.status, upstream.received.at(-1)?.headers['mcp-param-city']]).toEqual([200, SENTINEL]);
  const before = upstream.received.length;
  // The specification frames what is not ASCII: bare, each reader would take it for something else.
  for (const bare of [utf8('é'), '\xe9']) {
    const refused = await post(port, call(4, { city: 'é' }), { ...modern, 'mcp-param-city': bare });
    expect([refused.status, JSON.parse(refused.body).error.code]).toEqual([400, -32020]);
  }
  expect(upstream.received.length).toBe(before);
});
