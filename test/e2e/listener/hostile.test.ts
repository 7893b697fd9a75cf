/** Whoever speaks to the listener, or answers it, wants more than is theirs (wire.md §2.6 to §2.9, §5). */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { exchange } from '../../harness/http.ts';
import { modern } from '../../harness/modern.ts';
import { startListener } from '../../harness/program.ts';
import { openSocket } from '../../harness/raw-http.ts';
import { type Answer, startUpstream } from '../../harness/upstream.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const POLICY = 'version: "1"\ndefault: allow\nhide: [secret]\n';
const LIST = '{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"secret","inputSchema":{}},{"name":"open","inputSchema":{}}]}}';
const ASK = '{"jsonrpc":"2.0","id":7,"method":"tools/list"}';
const json =
  (text: string, headers: Record<string, string> = {}, status = 200): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
const stream =
  (bytes: string | Uint8Array, type = 'text/event-stream'): Answer =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': type }).end(bytes);
const INITIALIZE = (id: number, version = '2025-06-18') =>
  `{"jsonrpc":"2.0","id":${id},"method":"initialize","params":{"protocolVersion":"${version}","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`;
const INITIALIZED =
  '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}';

describe('wire.md §5: documents about tokens', () => {
  test.each([
    '/.well-known/oauth-x/../../admin',
    '/.well-known/oauth-x/%2e%2e/%2E%2e/admin',
    '/.well-known/oauth-x/..\\..\\admin',
    '/.well-known/oauth-x/.%09./../admin',
    '/.well-known/oauth-protected-resource/../../admin',
  ])('no path of the client leads elsewhere: %s', async (path) => {
    await using upstream = await startUpstream(json('{"key":"of the operator"}'));
    await using listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`, '--header', 'X-Key: 12345'] });
    const { port } = new URL(listener.url);
    const socket = await openSocket(Number(port));
    socket.send(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    await socket.answer().finally(socket.close);
    expect(upstream.received.filter(({ path: got }) => !got.startsWith('/.well-known/oauth-'))).toEqual([]);
  });
});

describe('wire.md §2.7: sessions of others', () => {
  test('are named by no message of 2026-07-28, which belongs to none', async () => {
    await using upstream = await startUpstream((request, response) => {
      if (request.body.includes('"initialize"')) return json(INITIALIZED, { 'mcp-session-id': 'up-1' })(request, response);
      return json(`{"jsonrpc":"2.0","id":${JSON.parse(request.body || '{}').id ?? 0},"result":{"content":[]}}`)(request, response);
    });
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const first = await exchange(listener.url, { body: INITIALIZE(0), headers: { authorization: 'Bearer one' } });
    expect(first.headers['mcp-session-id']).toBe('up-1');
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: modern({ name: 'echo', arguments: {} }) });
    const told = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
    const headers = { ...told, 'mcp-session-id': 'up-1', authorization: 'Bearer two' };
    await exchange(listener.url, { body, headers: { ...headers, 'last-event-id': '1' } });
    const cancel = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: modern({ requestId: 1 }) });
    await exchange(listener.url, { body: cancel, headers: { ...headers, 'mcp-method': 'notifications/cancelled' } });
    const named = upstream.received.slice(1).map(({ headers: got }) => [got['mcp-session-id'], got['last-event-id']]);
    expect(named).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });
});

const DATA = `data: ${LIST}\n\n`;
const utf16 = Buffer.from(DATA, 'utf16le');
const BOM = '\uFEFF';

describe('wire.md §2.6: what was judged is what is written', () => {
  test.each([
    ['UTF-16', stream(utf16, 'text/event-stream; charset=utf-16le')],
    ['UTF-7', stream(Buffer.from(DATA), 'text/event-stream; charset="utf-7"')],
  ])('a stream that says it is %s is read as such by nobody', async (_, answer) => {
    await using upstream = await startUpstream(answer);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const got = await exchange(listener.url, { body: ASK });
    expect(got.headers['content-type']).not.toContain('utf-16');
    expect(got.headers['content-type']).not.toContain('utf-7');
  });
  test.each([
    ['two byte order marks', `${BOM}${BOM}${DATA}`],
    ['a mark behind a comment', `: x\n\n${BOM}${DATA}`],
    ['a mark behind an event that is too long', `data: ${'x'.repeat(2_000_000)}\n\n${BOM}${DATA}`],
    ['a mark in an event', `id: 1\n${BOM}${DATA}`],
    ['a mark behind a CR', `: x\r\r${BOM}${DATA}`],
  ])('a hidden tool stands in no stream with %s', async (_, text) => {
    await using upstream = await startUpstream(stream(text));
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url, '--max-message', '1MiB'] });
    const got = await exchange(listener.url, { body: ASK });
    expect(got.text).not.toContain('secret');
  });
});

describe('wire.md §1: a server that speaks Streamable HTTP', () => {
  const statuses = [400, 401, 403, 404, 405, 406, 410, 422, 429].map((status) => [status] as const);
  const streams = {
    'no stream': undefined,
    'a stream of messages': ': hi\n\ndata: {"jsonrpc":"2.0","method":"a"}\n\n',
    'another page': 'html',
  };
  test.each(statuses)('is not taken for an older one because it answers its first message with %i', async (refusing) => {
    for (const begin of Object.values(streams)) {
      await using upstream = await startUpstream((request, response) => {
        if (request.method === 'GET' && begin === undefined) return void response.writeHead(405).end();
        if (request.method === 'GET')
          return void response.writeHead(200, { 'content-type': begin === 'html' ? 'text/html' : 'text/event-stream' }).write(begin ?? '');
        if (upstream.received.filter(({ method }) => method === 'POST').length === 1)
          return void response.writeHead(refusing, { 'content-type': 'text/plain', 'retry-after': '7' }).end('no');
        return json(INITIALIZED, { 'mcp-session-id': 'up-1' })(request, response);
      });
      await using listener = await startListener({ flags: ['--upstream', upstream.url] });
      const refused = await exchange(listener.url, { body: INITIALIZE(0) });
      expect([refused.status, refused.headers['retry-after']]).toEqual([refusing, '7']);
      expect(JSON.parse(refused.text)).toMatchObject({ id: 0, error: { message: expect.stringContaining(String(refusing)) } });
      const opened = await exchange(listener.url, { body: INITIALIZE(0) });
      expect([opened.status, opened.headers['mcp-session-id']]).toEqual([200, 'up-1']);
    }
  });
  test('is not taken for an older one because it refused one client', async () => {
    await using upstream = await startUpstream((request, response) => {
      if (request.headers['mcp-long'] !== undefined) return void response.writeHead(431).end();
      if (request.method === 'GET') return void response.writeHead(405).end();
      if (request.body.includes('"initialize"')) return json(INITIALIZED, { 'mcp-session-id': 'up-1' })(request, response);
      return json(`{"jsonrpc":"2.0","id":${JSON.parse(request.body || '{}').id ?? 0},"result":{"content":[]}}`)(request, response);
    });
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    await exchange(listener.url, { body: INITIALIZE(0) });
    await exchange(listener.url, { body: INITIALIZE(1), headers: { 'mcp-long': 'x'.repeat(100) } });
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}';
    const got = await exchange(listener.url, { body, headers: { 'mcp-session-id': 'up-1' } });
    expect([got.status, got.text]).toEqual([200, '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}']);
  });
});
