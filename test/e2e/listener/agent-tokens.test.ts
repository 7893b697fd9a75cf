/** `--agent-token NAME=VARIABLE` (cli.md §1, wire.md §5): one listener tells agents apart by tokens of its own. */
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchange, send } from '../../harness/http.ts';
import { modern } from '../../harness/modern.ts';
import { BUN, ROOT } from '../../harness/paths.ts';
import { startListener, startProgram } from '../../harness/program.ts';
import { setUpProxy } from '../../harness/proxy.ts';
import { startUpstream } from '../../harness/upstream.ts';

const POLICY = `version: "1"
name: shared
default: deny
methods: deny
tools:
  echo: [{rate_limit: {max: 2, window: month, per: agent}}]
  get-env: [{agents: ["!bob"], action: deny}]
`;
const TOKENS = { ANN_TOKEN: 'ann-0123456789abcdef', BOB_TOKEN: 'bob-0123456789abcdef', ALL_TOKEN: 'all-0123456789abcdef' };
const FLAGS = ['--agent-token', 'ann=ANN_TOKEN', '--agent-token', 'bob=BOB_TOKEN'];
const SERVER = [BUN, join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'];

async function call(url: string, token: string | undefined, name = 'echo'): Promise<{ readonly status: number; readonly text: string }> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: modern({ name, arguments: { message: 'hi' } }) });
  const headers = {
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return exchange(url, { body, headers });
}

async function outcomes(url: string, token: string | undefined): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { status, text } = await call(url, token);
    texts.push(status === 200 ? (text.includes('POLICY DENIED') ? 'deny' : 'ok') : String(status));
  }
  return texts;
}

function auditOf(home: string): string {
  const folder = join(home, 'events');
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
}

async function upstreamSeeing(seen: string[]) {
  return startUpstream(async ({ body, headers }, response) => {
    seen.push(JSON.stringify(headers), body);
    const { id, method } = JSON.parse(body);
    const result = method === 'tools/list' ? { tools: [] } : { content: [{ type: 'text', text: 'done' }] };
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: { ...result, resultType: 'complete' } }));
  });
}

describe('--agent-token', () => {
  test('each has counts of its own, and nobody else comes in; no token reaches server, log or audit', async () => {
    const seen: string[] = [];
    await using upstream = await upstreamSeeing(seen);
    await using listener = await startListener({ policy: POLICY, flags: [...FLAGS, '--upstream', upstream.url], env: TOKENS });
    expect(await outcomes(listener.url, TOKENS.ANN_TOKEN)).toEqual(['ok', 'ok', 'deny']);
    expect(await outcomes(listener.url, TOKENS.BOB_TOKEN)).toEqual(['ok', 'ok', 'deny']);
    for (const other of [undefined, TOKENS.ALL_TOKEN, TOKENS.ANN_TOKEN.slice(0, -1), `${TOKENS.ANN_TOKEN}x`, 'ann'])
      expect((await call(listener.url, other)).status).toBe(401);
    expect((await call(listener.url, TOKENS.ANN_TOKEN, 'get-env')).text).toContain('POLICY DENIED');
    expect((await call(listener.url, TOKENS.BOB_TOKEN, 'get-env')).text).toContain('done');
    const audit = auditOf(listener.home);
    expect(audit).toContain('"agent":"ann"');
    expect(audit).toContain('"agent":"bob"');
    for (const token of Object.values(TOKENS))
      for (const place of [audit, listener.output(), seen.join('\n')]) expect(place).not.toContain(token);
    expect(listener.output()).not.toContain('nothing names an agent');
    expect(listener.output()).not.toContain('any user of this machine');
  }, 60_000);

  test('a session of HTTP+SSE belongs to its agent', async () => {
    const seen: string[] = [];
    await using upstream = await upstreamSeeing(seen);
    await using listener = await startListener({ policy: POLICY, flags: [...FLAGS, '--upstream', upstream.url], env: TOKENS });
    expect((await exchange(new URL('/sse', listener.url).href, { method: 'GET', headers: { accept: 'text/event-stream' } })).status).toBe(
      401,
    );
    const sse = new URL('/sse', listener.url).href;
    const stream = await send(sse, {
      method: 'GET',
      headers: { accept: 'text/event-stream', authorization: `Bearer ${TOKENS.ANN_TOKEN}` },
    });
    const first = await stream.untilBody('the endpoint', (text) => /data: ?\S+\n\n/.test(text));
    const endpoint = new URL(/data: ?(\S+)/.exec(first)?.[1] ?? '', listener.url).href;
    const body = '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{}}}';
    const posted = (token: string) => exchange(endpoint, { body, headers: { authorization: `Bearer ${token}` } });
    expect((await posted(TOKENS.BOB_TOKEN)).status).toBe(404);
    expect((await posted(TOKENS.ANN_TOKEN)).status).toBe(202);
    await stream.untilBody('the answer', (text) => text.includes('done'));
    stream.close();
  }, 60_000);

  test('a session of HTTP+SSE before a command belongs to its agent, and counts for it', async () => {
    await using listener = await startListener({ policy: POLICY, flags: FLAGS, env: TOKENS, server: SERVER });
    const sse = new URL('/sse', listener.url).href;
    const open = async (token: string) => {
      const authorization = { authorization: `Bearer ${token}` };
      const stream = await send(sse, { method: 'GET', headers: { accept: 'text/event-stream', ...authorization } });
      const first = await stream.untilBody('the endpoint', (text) => /data: ?\S+\n\n/.test(text));
      const endpoint = new URL(/data: ?(\S+)/.exec(first)?.[1] ?? '', listener.url).href;
      const post = (message: object, as: object = authorization) =>
        exchange(endpoint, { body: JSON.stringify({ jsonrpc: '2.0', ...message }), headers: { ...as } });
      const ask = async (id: number, method: string, params: object) => {
        expect((await post({ id, method, params })).status).toBe(202);
        const text = await stream.untilBody(`the answer ${id}`, (so_far) => so_far.includes(`"id":${id}`));
        return text.split('\n').find((line) => line.includes(`"id":${id}`)) ?? '';
      };
      await ask(1, 'initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'old', version: '1' } });
      await post({ method: 'notifications/initialized' });
      return { post, ask, close: () => stream.close() };
    };
    expect((await exchange(sse, { method: 'GET', headers: { accept: 'text/event-stream' } })).status).toBe(401);
    const [ann, bob] = [await open(TOKENS.ANN_TOKEN), await open(TOKENS.BOB_TOKEN)];
    for (const session of [ann, bob]) {
      const ends: string[] = [];
      for (const id of [2, 3, 4]) ends.push(await session.ask(id, 'tools/call', { name: 'echo', arguments: { message: 'hi' } }));
      expect(ends.map((line) => line.includes('POLICY DENIED'))).toEqual([false, false, true]);
    }
    expect((await ann.ask(5, 'tools/call', { name: 'get-env', arguments: {} })).includes('POLICY DENIED')).toBe(true);
    const environment = await bob.ask(5, 'tools/call', { name: 'get-env', arguments: {} });
    expect(environment).toContain('PATH');
    for (const token of [TOKENS.ANN_TOKEN, TOKENS.BOB_TOKEN]) expect(environment).not.toContain(token);
    // Another agent's session does not exist.
    expect((await ann.post({ id: 9, method: 'ping' }, { authorization: `Bearer ${TOKENS.BOB_TOKEN}` })).status).toBe(404);
    for (const session of [ann, bob]) session.close();
  }, 90_000);

  test('before a command, and beside --token-env, which lets others in without a name', async () => {
    const flags = [...FLAGS, '--token-env', 'ALL_TOKEN'];
    await using listener = await startListener({ policy: POLICY, flags, env: TOKENS, server: SERVER });
    expect(await outcomes(listener.url, TOKENS.ANN_TOKEN)).toEqual(['ok', 'ok', 'deny']);
    expect(await outcomes(listener.url, TOKENS.BOB_TOKEN)).toEqual(['ok', 'ok', 'deny']);
    expect(await outcomes(listener.url, TOKENS.ALL_TOKEN)).toEqual(['ok', 'ok', 'deny']);
    expect(await outcomes(listener.url, undefined)).toEqual(['401', '401', '401']);
    const headers = { authorization: `Bearer ${TOKENS.BOB_TOKEN}` };
    expect((await exchange(listener.url, { body: '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', headers })).status).toBe(400);
    expect(auditOf(listener.home)).toMatch(/"type":"refused".*"reason":"duplicate_key".*"agent":"bob"/);
    // Every rule binds an agent without a name; the server's environment has none of the tokens.
    expect((await call(listener.url, TOKENS.ALL_TOKEN, 'get-env')).text).toContain('POLICY DENIED');
    const { text } = await call(listener.url, TOKENS.BOB_TOKEN, 'get-env');
    expect(text).toContain('PATH');
    for (const token of Object.values(TOKENS)) expect(text).not.toContain(token);
  }, 90_000);
});

test.each([
  [['--transport', 'http'], 'nothing names an agent: all count as one, and every rule binds them; --agent-token NAME=VARIABLE'],
  [[], 'nothing names an agent: all count as one, and every rule binds them; --agent NAME'],
])(
  'a policy that needs agents and gets none is warned of: %j',
  async (flags, expected) => {
    await using setup = Object.assign(await setUpProxy({ policy: POLICY, flags, server: SERVER }), {
      [Symbol.asyncDispose]: async () => setup.remove(),
    });
    await using program = await startProgram(setup.command, setup.env, /nothing names an agent[^\n]*/);
    expect(program.url).toContain(expected);
  },
  60_000,
);
