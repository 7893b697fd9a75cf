/** wire.md §5 at the listener itself: whose names and tokens pass, in and out, and how it ends. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditRecords, untilRecords } from '../../harness/audit.ts';
import { exchange, send } from '../../harness/http.ts';
import { BUN, NODE, ROOT } from '../../harness/paths.ts';
import { startListener } from '../../harness/program.ts';
import { openSocket } from '../../harness/raw-http.ts';
import { type Answer, startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const EVERYTHING = [NODE, join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'];
const TOKEN = 'a-token-of-many-letters';
const RESULT = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const answer =
  (status: number, headers: Record<string, string> = {}, body = RESULT): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
const call = (id: number | string, name = 'echo', args: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });
const initialize = (version = '2025-11-25') =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } },
  });
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const modern = (id: number, method: string, params: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: META } });
const MODERN = (method: string, name?: string) => ({
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
});

describe('wire.md §5: credentials and other headers', () => {
  test("the client's Authorization passes, unless the proxy has one of its own, or it is the proxy's token", async () => {
    await using upstream = await startUpstream(answer(200));
    const seen = async (flags: readonly string[], headers: Record<string, string>, env = {}) => {
      await using listener = await startListener({ flags: ['--upstream', upstream.url, ...flags], env });
      await exchange(listener.url, { body: call(1), headers });
      return upstream.received.at(-1)?.headers;
    };
    expect((await seen([], { authorization: 'Bearer mine' }))?.authorization).toBe('Bearer mine');
    expect(
      (await seen(['--header-env', 'Authorization=AUTH'], { authorization: 'Bearer mine' }, { AUTH: 'Bearer ours' }))?.authorization,
    ).toBe('Bearer ours');
    expect((await seen(['--token-env', 'T'], { authorization: `Bearer ${TOKEN}` }, { T: TOKEN }))?.authorization).toBeUndefined();
    const passed = await seen(['--pass-header', 'X-Tenant', '--header', 'X-Fixed: ours', '--preserve-host'], {
      'x-tenant': 'acme',
      'x-fixed': 'theirs',
      traceparent: '00-1-2-01',
      host: 'localhost:1',
    });
    expect(passed).toMatchObject({ 'x-tenant': 'acme', 'x-fixed': 'ours', traceparent: '00-1-2-01', host: 'localhost:1' });
  });
  test('a token is asked for on every path and method', async () => {
    await using upstream = await startUpstream(answer(200));
    await using listener = await startListener({ flags: ['--upstream', upstream.url, '--token-env', 'T'], env: { T: TOKEN } });
    const { origin } = new URL(listener.url);
    for (const path of ['/mcp', '/sse', '/message?sessionId=x', '/.well-known/oauth-protected-resource', '/other'])
      for (const method of ['GET', 'POST', 'DELETE'] as const) {
        const { status } = await exchange(`${origin}${path}`, { method, ...(method === 'POST' && { body: call(1) }) });
        expect([path, method, status]).toEqual([path, method, 401]);
      }
    expect(upstream.received).toHaveLength(0);
    expect((await exchange(listener.url, { body: call(1), headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
  });
  test('no header leads a client past the proxy, or lets a page read what it must not', async () => {
    const evil = {
      location: 'https://evil.example',
      'content-location': 'https://evil.example',
      link: '<https://evil.example>; rel=preload',
      'alt-svc': 'h2="evil.example:443"',
      refresh: '0; url=https://evil.example',
      'access-control-allow-origin': '*',
      'set-cookie': 'a=b',
      'x-request-id': '7',
      'retry-after': '1',
    };
    await using upstream = await startUpstream(answer(200, evil));
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    for (const method of ['POST', 'GET'] as const) {
      const { headers } = await exchange(listener.url, { method, ...(method === 'POST' && { body: call(1) }) });
      expect(JSON.stringify(headers)).not.toMatch(/evil|\*|a=b/);
      if (method === 'POST') expect(headers).toMatchObject({ 'x-request-id': '7', 'retry-after': '1' });
    }
  });
  test('SECURITY: a document of another resource keeps its name, which its client refuses (RFC 9728 §3.3)', async () => {
    for (const resource of ['https://other.example/mcp', 'SELF/other', 'SELF/mc', 'no URL', 7, undefined]) {
      await using upstream = await startUpstream((request, response) => {
        const self = `http://${request.headers.host}`;
        const named = typeof resource === 'string' ? resource.replace('SELF', self) : resource;
        answer(200, {}, JSON.stringify({ resource: named, authorization_servers: ['https://as.example'] }))(request, response);
      });
      await using listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`] });
      const { origin } = new URL(listener.url);
      const { text } = await exchange(`${origin}/.well-known/oauth-protected-resource/mcp`, { method: 'GET' });
      const named = JSON.parse(text).resource;
      expect(named).toEqual(typeof resource === 'string' ? resource.replace('SELF', upstream.url) : (resource as never));
    }
  });
  test('2025-03-26: a server that asks for a token and has no such document is its own authorization server', async () => {
    await using upstream = await startUpstream((request, response) =>
      answer(request.method === 'POST' ? 401 : 404, {}, '')(request, response),
    );
    await using listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`] });
    const document = () => exchange(`${new URL(listener.url).origin}/.well-known/oauth-protected-resource/mcp`, { method: 'GET' });
    expect((await document()).status).toBe(404);
    expect((await exchange(listener.url, { body: initialize() })).status).toBe(401);
    expect(JSON.parse((await document()).text)).toEqual({ resource: listener.url, authorization_servers: [upstream.url] });
  });
  test('what says how to get a token names the proxy as the resource', async () => {
    await using upstream = await startUpstream((request, response) => {
      if (request.path === '/meta/here')
        return answer(
          200,
          {},
          `{"resource":"${upstream.url}/mcp","authorization_servers":["https://as.example"],"x":1}`,
        )(request, response);
      if (request.path.startsWith('/.well-known/')) return answer(404, {}, '{}')(request, response);
      return answer(
        401,
        { 'www-authenticate': `Bearer error="invalid_token", resource_metadata="${upstream.url}/meta/here"` },
        '',
      )(request, response);
    });
    await using listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`] });
    const own = new URL(listener.url).origin;
    const refused = await exchange(listener.url, { body: call(1) });
    const metadata = `${own}/.well-known/oauth-protected-resource/mcp`;
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      `Bearer error="invalid_token", resource_metadata="${metadata}"`,
    ]);
    expect(JSON.parse((await exchange(metadata, { method: 'GET' })).text)).toEqual({
      resource: listener.url,
      authorization_servers: ['https://as.example'],
      x: 1,
    });
    expect((await exchange(`${own}/.well-known/oauth-authorization-server`, { method: 'GET' })).status).toBe(404);
  });
  test('start says what it lets others do, and names no secret', async () => {
    await using upstream = await startUpstream(answer(200));
    await using open = await startListener({ flags: ['--upstream', upstream.url] });
    expect(open.output()).toContain('Authorization is passed on');
    expect(open.output()).not.toContain('any user of this machine');
    await using trusted = await startListener({
      flags: ['--upstream', upstream.url, '--header-env', 'Authorization=AUTH'],
      env: { AUTH: 'Bearer hush-hush-hush' },
    });
    expect(trusted.output()).toContain('any user of this machine');
    await using asked = await startListener({ flags: ['--token-env', 'T'], env: { T: TOKEN }, server: EVERYTHING });
    expect(asked.output()).not.toContain('any user of this machine');
    await exchange(trusted.url, { body: call(1) });
    const told = `${trusted.output()}${JSON.stringify(await auditRecords(trusted.home))}${asked.output()}`;
    expect(told).not.toMatch(/hush|a-token/);
  });
  test("the listener's token is not in the server's environment (I10)", async () => {
    await using listener = await startListener({ flags: ['--token-env', 'MY_TOKEN'], env: { MY_TOKEN: TOKEN }, server: EVERYTHING });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const opened = await exchange(listener.url, { body: initialize(), headers });
    const session = String(opened.headers['mcp-session-id']);
    const { text } = await exchange(listener.url, { body: call(1, 'get-env'), headers: { ...headers, 'mcp-session-id': session } });
    expect(text).toContain('PATH');
    expect(text).not.toContain('MY_TOKEN');
  });
});

describe('wire.md §2.10: the headers of 2026-07-28', () => {
  test.each([
    ['missing', {}],
    ['of another method', { ...MODERN('tools/list'), 'mcp-name': 'echo' }],
    ['of another name', MODERN('tools/call', 'other')],
    ['of another version', { ...MODERN('tools/call', 'echo'), 'mcp-protocol-version': '2025-11-25' }],
  ])('%s: 400 and -32020, and nothing is sent', async (_, headers) => {
    await using upstream = await startUpstream(answer(200));
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const refused = await exchange(listener.url, { body: modern(1, 'tools/call', { name: 'echo', arguments: {} }), headers });
    expect([refused.status, JSON.parse(refused.text).error.code, JSON.parse(refused.text).id]).toEqual([400, -32020, 1]);
    expect(upstream.received).toHaveLength(0);
  });
});

describe('wire.md §5: a client that disconnects', () => {
  test('cancels upstream in the modern era, and does not in the legacy one', async () => {
    await using upstream = await startUpstream(() => {});
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const drop = async (body: string, headers: Record<string, string>, count: number) => {
      const { port } = new URL(listener.url);
      const socket = await openSocket(Number(port));
      const lines = Object.entries({
        host: 'localhost',
        'content-type': 'application/json',
        'content-length': String(body.length),
        ...headers,
      });
      socket.send(`POST /mcp HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
      const got = await upstream.untilReceived('the call', ({ body: text }) => text.includes('"echo"'), count);
      socket.close();
      return got;
    };
    const legacy = await drop(call(1), {}, 1);
    const now = await drop(modern(2, 'tools/call', { name: 'echo', arguments: {} }), MODERN('tools/call', 'echo'), 2);
    await until('the modern call to be cancelled', () => now.dropped() || undefined);
    const records = await untilRecords(listener.home, 'its outcome', (all) => all.some(({ type }) => type === 'outcome'));
    expect(records.filter(({ type }) => type === 'outcome').map(({ result }) => result)).toEqual(['kept']);
    expect(legacy.dropped()).toBe(false);
  });
  test('before a command likewise', async () => {
    const script = `
      const lines = require('node:readline').createInterface({ input: process.stdin });
      lines.on('line', (line) => require('node:fs').appendFileSync(process.env.LEDGER, line + '\\n'));`;
    const { temporaryFolder } = await import('../../harness/paths.ts');
    const folder = await temporaryFolder();
    const ledger = join(folder.path, 'ledger');
    await using listener = await startListener({ server: [NODE, '-e', script], env: { LEDGER: ledger } });
    const waiting = send(listener.url, {
      body: modern(1, 'tools/call', { name: 'echo', arguments: {} }),
      headers: MODERN('tools/call', 'echo'),
    });
    waiting.catch(() => {});
    const said = () => readFile(ledger, 'utf8').catch(() => '');
    await until('the call', async () => (await said()).includes('"echo"') || undefined);
    expect(await said()).not.toContain('cancelled');
    const socket = await openSocket(Number(new URL(listener.url).port));
    const body = modern(2, 'tools/call', { name: 'echo', arguments: { second: true } });
    socket.send(
      `POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await until('the second call', async () => (await said()).includes('second') || undefined);
    socket.close();
    await until('the server to be told', async () => (await said()).includes('notifications/cancelled') || undefined);
    await folder.remove();
  });
});

describe('issue 3: a graceful stop', () => {
  test('lets calls finish that run, takes no new ones, and ends with 0', async () => {
    const finish = Promise.withResolvers<void>();
    await using upstream = await startUpstream(async (request, response) => {
      await finish.promise;
      await answer(200)(request, response);
    });
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const running = send(listener.url, { body: call(1) });
    await upstream.untilReceived('the call', () => true);
    listener.kill('SIGTERM');
    await until('the listener to stop listening', () => listener.output().includes('stopping') || undefined);
    await expect(exchange(listener.url, { body: call(2) })).rejects.toThrow();
    finish.resolve();
    const done = await running;
    await done.ended;
    expect(done.body().toString()).toBe(RESULT);
    expect(await listener.exited).toBe(0);
    expect(upstream.received).toHaveLength(1);
  });
  test('answers what does not finish in time: at once when asked twice', async () => {
    await using upstream = await startUpstream(() => {});
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const running = send(listener.url, { body: call(1) });
    await upstream.untilReceived('the call', () => true);
    listener.kill('SIGTERM');
    await until('the listener to stop', () => listener.output().includes('stopping') || undefined);
    listener.kill('SIGINT');
    const done = await running;
    await done.ended;
    expect(JSON.parse(done.body().toString())).toMatchObject({ id: 1, error: { code: -32000 } });
    expect(await listener.exited).toBe(0);
    const outcomes = (await auditRecords(listener.home)).filter(({ type }) => type === 'outcome');
    expect(outcomes.map(({ result }) => result)).toEqual(['kept']);
  });
  test('ends the servers that it started', async () => {
    await using listener = await startListener({
      server: [
        BUN,
        '-e',
        'console.error("child", process.pid); process.stdin.on("data", (d) => { const m = JSON.parse(d); if (m.id !== undefined) console.log(JSON.stringify({jsonrpc:"2.0",id:m.id,result:{protocolVersion:"2025-11-25",capabilities:{},serverInfo:{name:"c",version:"1"}}})) })',
      ],
    });
    const opened = await exchange(listener.url, { body: initialize() });
    expect(opened.headers['mcp-session-id']).toBeDefined();
    const pid = Number(/child (\d+)/.exec(listener.output())?.[1]);
    listener.kill('SIGTERM');
    expect(await listener.exited).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow();
  });
});
