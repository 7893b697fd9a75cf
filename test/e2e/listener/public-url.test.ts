/** wire.md §5: what clients know the listener by, the slashes that they add, and what probes are told. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exchange, send } from '../../harness/http.ts';
import { NGINX, startNginx } from '../../harness/nginx.ts';
import { NODE } from '../../harness/paths.ts';
import { startListener } from '../../harness/program.ts';
import { type Answer, answerJson, startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const TOKEN = 'a-token-that-nobody-guesses';
const PUBLIC = 'https://mcp.example.com/team';
const FORWARDED = {
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'gopher',
  'x-forwarded-prefix': '/evil',
  forwarded: 'host=evil.example',
};
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{}}}';

/** Asks for a token, and says where its document is. */
const protectedServer: Answer = ({ headers, path }, response) => {
  const own = `http://${headers.host}`;
  if (path.startsWith('/.well-known/oauth-protected-resource'))
    return answerJson(response, { resource: `${own}/mcp`, authorization_servers: ['https://as.example'] });
  answerJson(response, '{}', 401, { 'www-authenticate': `Bearer resource_metadata="${own}/.well-known/oauth-protected-resource/mcp"` });
};

describe('--public-url', () => {
  test('names the resource, the place of its document, the endpoint of HTTP+SSE and what start says; forwarded headers do not', async () => {
    await using upstream = await startUpstream(protectedServer);
    await using listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`, '--public-url', `${PUBLIC}/mcp`] });
    const { origin } = new URL(listener.url);
    expect(listener.output()).toContain(`clients use ${PUBLIC}/mcp and ${PUBLIC}/sse`);
    // As a server before it passes them on: with the prefix, or without, by the public name or not.
    for (const headers of [FORWARDED, { ...FORWARDED, host: 'mcp.example.com' }])
      for (const prefix of ['', '/team']) {
        const refused = await exchange(`${origin}${prefix}/mcp`, { body: CALL, headers });
        expect(refused.headers['www-authenticate']).toBe(`Bearer resource_metadata="${PUBLIC}/.well-known/oauth-protected-resource/mcp"`);
        for (const path of [`${prefix}/.well-known/oauth-protected-resource/mcp`, '/.well-known/oauth-protected-resource/team/mcp'])
          expect(JSON.parse((await exchange(`${origin}${path}`, { method: 'GET', headers })).text)).toEqual({
            resource: `${PUBLIC}/mcp`,
            authorization_servers: ['https://as.example'],
          });
        const stream = await send(`${origin}${prefix}/sse`, { method: 'GET', headers });
        const text = await stream.untilBody('its endpoint', (body) => body.includes('\n\n'));
        const endpoint = new URL(/^data: (\S+)$/m.exec(text)?.[1] ?? '', `${PUBLIC}/sse`);
        expect(endpoint.href).toStartWith(`${PUBLIC}/message?sessionId=`);
        expect((await exchange(`${origin}${endpoint.pathname}${endpoint.search}`, { body: CALL })).status).toBe(202);
        stream.close();
      }
  });
  test('without it X-Forwarded-* is believed no more than with it', async () => {
    await using upstream = await startUpstream(protectedServer);
    await using listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`] });
    const { headers } = await exchange(listener.url, { body: CALL, headers: FORWARDED });
    expect(headers['www-authenticate']).toBe(
      `Bearer resource_metadata="${new URL(listener.url).origin}/.well-known/oauth-protected-resource/mcp"`,
    );
  });
  if (NGINX)
    test('a client reaches it through a server that takes the prefix away', async () => {
      await using upstream = await startUpstream(protectedServer);
      await using listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`, '--public-url', PUBLIC] });
      await using nginx = await startNginx(Number(new URL(listener.url).port), 'rewrite ^/team/(.*)$ /$1 break;');
      const answer = await nginx.ask({ path: '/team/mcp', body: CALL });
      expect(answer.headers['www-authenticate']).toContain(`${PUBLIC}/.well-known/`);
      answer.destroy();
    });
});

test('a slash at the end of a path changes nothing', async () => {
  const server = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, params } = JSON.parse(line);
    if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: params.protocolVersion, capabilities: {} } }));
  });`;
  await using listener = await startListener({ server: [NODE, '-e', server] });
  const body = '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}';
  const opened = await exchange(`${listener.url}/`, { body });
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) };
  expect((await exchange(`${listener.url}/?a=b`, { body: '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers })).status).toBe(
    202,
  );
  expect((await exchange(`${listener.url}/`, { method: 'DELETE', headers })).status).toBe(200);
  const stream = await send(listener.url.replace(/mcp$/, 'sse/'), { method: 'GET' });
  const text = await stream.untilBody('its endpoint', (came) => came.includes('\n\n'));
  const endpoint = new URL((/^data: (\S+)$/m.exec(text)?.[1] ?? '').replace('/message?', '/message/?'), listener.url);
  expect((await exchange(endpoint.href, { body })).status).toBe(202);
  await stream.untilBody('the answer', (came) => came.includes('"protocolVersion"'));
  stream.close();
  for (const path of ['//mcp', '/mcp//', '/MCP', '/mcp/x', '/mcp%2f', '/'])
    expect((await exchange(`${new URL(listener.url).origin}${path}`, { body })).status).toBe(404);
});

test('a prefix that is named like the endpoint takes nothing away from it', async () => {
  await using upstream = await startUpstream((_, response) => answerJson(response, { jsonrpc: '2.0', id: 1, result: {} }));
  await using listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`, '--public-url', 'http://mcp:8443/mcp/mcp'] });
  const { origin } = new URL(listener.url);
  for (const path of ['/mcp', '/mcp/', '/mcp/mcp', '/mcp/mcp/'])
    for (const host of ['mcp', 'mcp:8443'])
      expect([path, (await exchange(`${origin}${path}`, { body: CALL, headers: { host } })).status]).toEqual([path, 200]);
});

describe('probes', () => {
  test('need no token, and tell nothing but whether it lives, and whether a policy is in force', async () => {
    await using upstream = await startUpstream((_, response) => answerJson(response, '{}'));
    await using listener = await startListener({ flags: ['--upstream', upstream.url, '--token-env', 'T'], env: { T: TOKEN } });
    const { origin } = new URL(listener.url);
    const ask = async (path: string, method: 'GET' | 'POST' = 'GET') => {
      const { status, text } = await exchange(`${origin}${path}`, { method });
      return [status, text];
    };
    for (const path of ['/healthz', '/readyz', '/healthz/', '/readyz?x=y']) expect(await ask(path)).toEqual([200, 'ok\n']);
    expect((await ask('/healthz', 'POST'))[0]).toBe(405);
    for (const path of ['/', '/healthz/x', '/livez', '/readyz/../mcp']) expect((await ask(path))[0]).toBe(401);
    expect((await exchange(`${origin}/healthz`, { method: 'GET', headers: { host: 'evil.example' } })).status).toBe(403);
    await rm(join(listener.home, '..', 'policy.yaml'));
    await until('no policy to be in force', async () => (await ask('/readyz'))[0] === 503 || undefined);
    expect([await ask('/healthz'), await ask('/readyz')]).toEqual([
      [200, 'ok\n'],
      [503, 'not ready\n'],
    ]);
    expect(upstream.received).toHaveLength(0);
  });
});
