/** The listener before a command (wire.md §1, §2, §5): its own sessions, each with a process, and what a raw client may do to them. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventData, exchange, send } from '../../harness/http.ts';
import { NODE, temporaryFolder } from '../../harness/paths.ts';
import { startListener } from '../../harness/program.ts';
import { openSocket } from '../../harness/raw-http.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

/** A server that writes down each line that it gets, and answers calls by what their tool's name says. */
const SERVER = `
const { appendFileSync } = require('node:fs');
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  appendFileSync(process.env.LEDGER, process.pid + ' ' + line + '\\n');
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') return say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } });
  if (method === 'tools/list') return say({ id, result: { tools: [{ name: 'echo', inputSchema: { type: 'object' } }, { name: 'secret', inputSchema: { type: 'object' } }] } });
  if (method !== 'tools/call' || id === undefined) return;
  const args = params.arguments;
  if (params.name === 'die') process.exit(3);
  if (params.name === 'never') return;
  if (params.name === 'say') for (const message of args.messages) say(message);
  if (params.name === 'big') return say({ id, result: { content: [{ type: 'text', text: 'x'.repeat(args.length) }] } });
  const told = params.name === 'say' ? 'said' : 'pid ' + process.pid + ' ' + JSON.stringify(args);
  setTimeout(() => say({ id, result: { content: [{ type: 'text', text: told }] } }), args?.after ?? 0);
});`;

async function start(options: Parameters<typeof startListener>[0] = {}) {
  const folder = await temporaryFolder();
  const file = join(folder.path, 'server.cjs');
  const ledger = join(folder.path, 'ledger');
  await writeFile(file, SERVER);
  await writeFile(ledger, '');
  const listener = await startListener({ server: [NODE, file], ...options, env: { ...options.env, LEDGER: ledger } });
  const { readFile } = await import('node:fs/promises');
  return {
    listener,
    url: listener.url,
    /** What the servers got, line by line. */
    got: async () => (await readFile(ledger, 'utf8')).split('\n').slice(0, -1),
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await folder.remove();
    },
  };
}

const request = (id: number | string, method: string, params?: object) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, ...(params && { params }) });
const call = (id: number | string, name: string, args: object = {}) => request(id, 'tools/call', { name, arguments: args });
const initialize = (version = '2025-11-25') =>
  request(0, 'initialize', { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } });

async function open(url: string, version?: string, headers: Record<string, string> = {}): Promise<Record<string, string>> {
  const answer = await exchange(url, { body: initialize(version), headers });
  return { 'mcp-session-id': String(answer.headers['mcp-session-id']), ...headers };
}

describe('wire.md §1, §5: sessions', () => {
  test('each has a process of its own, and an id that nobody guesses; DELETE ends both', async () => {
    await using running = await start();
    const [one, two] = [await open(running.url), await open(running.url)];
    expect(one['mcp-session-id']).toMatch(/^[\w-]{32}$/);
    const pids = await Promise.all(
      [one, two].map(async (headers) => /pid (\d+)/.exec((await exchange(running.url, { body: call(1, 'echo'), headers })).text)?.[1]),
    );
    expect(new Set(pids).size).toBe(2);
    expect((await exchange(running.url, { method: 'DELETE', headers: one })).status).toBe(200);
    await until('its process to end', () => {
      try {
        process.kill(Number(pids[0]), 0);
        return undefined;
      } catch {
        return true;
      }
    });
    expect((await exchange(running.url, { body: call(2, 'echo'), headers: one })).status).toBe(404);
    expect((await exchange(running.url, { body: call(2, 'echo'), headers: two })).status).toBe(200);
  });
  test('beyond --max-sessions: 503, on both transports', async () => {
    await using running = await start({ flags: ['--max-sessions', '1'] });
    const headers = await open(running.url);
    expect((await exchange(running.url, { body: initialize() })).status).toBe(503);
    const sse = running.url.replace(/mcp$/, 'sse');
    expect((await exchange(sse, { method: 'GET' })).status).toBe(503);
    await exchange(running.url, { method: 'DELETE', headers });
    expect((await exchange(running.url, { body: initialize() })).status).toBe(200);
  });
  test('what belongs to none is refused: no id, another id, another transport', async () => {
    await using running = await start();
    const headers = await open(running.url);
    expect((await exchange(running.url, { body: call(1, 'echo') })).status).toBe(400);
    for (const id of ['x', '__proto__', `${headers['mcp-session-id']}x`])
      for (const method of ['POST', 'GET', 'DELETE'] as const) {
        const { status } = await exchange(running.url, {
          method,
          headers: { 'mcp-session-id': id },
          ...(method === 'POST' && { body: call(1, 'echo') }),
        });
        expect(status).toBe(404);
      }
    const message = running.url.replace(/mcp$/, `message?sessionId=${headers['mcp-session-id']}`);
    expect((await exchange(message, { body: call(1, 'echo') })).status).toBe(404);
    expect((await running.got()).filter((line) => line.includes('echo'))).toHaveLength(0);
  });
  test('a server that ends is told to all who wait, and its session is over', async () => {
    await using running = await start();
    const headers = await open(running.url);
    const waiting = [1, 2, 3].map((id) => exchange(running.url, { body: call(id, 'never'), headers }));
    await until('the calls', async () => (await running.got()).filter((line) => line.includes('never')).length === 3 || undefined);
    const last = await exchange(running.url, { body: call(4, 'die'), headers });
    for (const answer of [...(await Promise.all(waiting)), last]) expect(JSON.parse(answer.text).error.message).toContain('status 3');
    expect((await exchange(running.url, { body: call(5, 'echo'), headers })).status).toBe(404);
  });
  test('a command that does not start is an error to the client, and to the operator', async () => {
    const folder = await temporaryFolder();
    const file = join(folder.path, 'server');
    await writeFile(file, '#!/nowhere/interpreter\n', { mode: 0o755 });
    await using listener = await startListener({ server: [file] });
    const answer = await exchange(listener.url, { body: initialize() });
    expect(answer.status).toBe(502);
    await until('the reason on stderr', () => listener.output().includes('names an interpreter') || undefined);
    expect(answer.text).not.toContain(folder.path);
    await folder.remove();
  });
});

describe('wire.md §2.6, §2.7: what the server gets', () => {
  test('one line for each message, however it was written; nothing hides behind a line break', async () => {
    await using running = await start();
    const headers = await open(running.url);
    const body =
      '{\r\n\t"jsonrpc": "2.0",\n "id": 1, "method": "tools/call",\n"params": {"name": "echo",\r"arguments": {"a": 12345678901234567890}}\n}\n';
    const answer = await exchange(running.url, { body, headers });
    expect(answer.status).toBe(200);
    const lines = (await running.got()).filter((line) => line.includes('echo'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('{"a": 12345678901234567890}');
    const two = await exchange(running.url, { body: `${call(2, 'echo')}\n${call(3, 'echo')}`, headers });
    expect([two.status, JSON.parse(two.text).error.code]).toEqual([400, -32700]);
    expect((await running.got()).filter((line) => line.includes('echo'))).toHaveLength(1);
  });
  test('equal ids of several POSTs are told apart, and each gets its own back', async () => {
    await using running = await start();
    const headers = await open(running.url);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => exchange(running.url, { body: call(7, 'echo', { n, after: 50 - n }), headers })),
    );
    for (const [n, answer] of answers.entries()) {
      expect(JSON.parse(answer.text).id).toBe(7);
      expect(answer.text).toContain(`{\\"n\\":${n},`);
    }
  });
  test('a slow call keeps no other waiting', async () => {
    await using running = await start();
    const headers = await open(running.url);
    const slow = send(running.url, { body: call(1, 'never'), headers });
    slow.catch(() => {});
    expect((await exchange(running.url, { body: call(2, 'echo'), headers })).status).toBe(200);
    // What is cancelled has no answer, and its POST ends all the same.
    await exchange(running.url, { body: '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}', headers });
    expect((await slow).status).toBe(202);
  });
  test('batches of 2025-03-26 are judged element by element; a denied notification is dropped: 202', async () => {
    const policy = 'version: "1"\ntools: { die: { rules: [{ action: deny, on_deny: no }] } }\n';
    await using running = await start({ policy });
    const headers = await open(running.url, '2025-03-26');
    const batch = await exchange(running.url, { body: `[${call(1, 'echo')},${call(2, 'die')},${call(3, 'echo')}]`, headers });
    expect((JSON.parse(batch.text) as { id: number }[]).map(({ id }) => id).toSorted()).toEqual([1, 2, 3]);
    const dropped = await exchange(running.url, { body: '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"die"}}', headers });
    expect([dropped.status, dropped.text]).toEqual([202, '']);
    expect((await running.got()).filter((line) => line.includes('die'))).toHaveLength(0);
  });
});

describe('wire.md §2.9: what the client gets', () => {
  const HIDE = 'version: "1"\nhide: [secret]\n';
  test('what comes before an answer comes on its stream; a lone answer is JSON', async () => {
    await using running = await start();
    const headers = await open(running.url);
    expect((await exchange(running.url, { body: call(1, 'echo'), headers })).headers['content-type']).toBe('application/json');
    const messages = [{ method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } }];
    const params = { name: 'say', arguments: { messages }, _meta: { progressToken: 'p' } };
    const streamed = await exchange(running.url, { body: request(2, 'tools/call', params), headers });
    expect(streamed.headers['content-type']).toBe('text/event-stream');
    expect(eventData(streamed.text).map((data) => JSON.parse(data).method ?? JSON.parse(data).id)).toEqual(['notifications/progress', 2]);
    const plain = await exchange(running.url, {
      body: request(3, 'tools/call', params),
      headers: { ...headers, accept: 'application/json' },
    });
    expect(JSON.parse(plain.text).id).toBe(3);
    // What a client cannot read with its answer it may still hear elsewhere.
    const stream = await send(running.url, { method: 'GET', headers });
    await stream.untilBody('the message', (text) => text.includes('notifications/progress'));
    stream.close();
  });
  test('what belongs to no request comes on the GET stream, once, also when it was said before', async () => {
    await using running = await start();
    const headers = await open(running.url);
    const messages = [{ method: 'notifications/resources/updated', params: { uri: 'a:b' } }];
    // The call is over when the message about nothing in particular comes.
    await exchange(running.url, { body: call(1, 'say', { messages }), headers });
    await exchange(running.url, { body: call(2, 'echo'), headers });
    const stream = await send(running.url, { method: 'GET', headers });
    expect(stream.headers['content-type']).toBe('text/event-stream');
    await exchange(running.url, { body: call(3, 'say', { messages: [{ method: 'notifications/tools/list_changed' }] }), headers });
    const text = await stream.untilBody('the message', (body) => body.includes('list_changed'));
    expect(eventData(text).filter((data) => data.includes('list_changed'))).toHaveLength(1);
    stream.close();
  });
  test('a reload that hides a tool is told on it (wire.md §3)', async () => {
    await using running = await start();
    const { writeFile: write } = await import('node:fs/promises');
    const headers = await open(running.url);
    await exchange(running.url, { body: '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers });
    expect((await exchange(running.url, { body: request(1, 'tools/list'), headers })).text).toContain('secret');
    const stream = await send(running.url, { method: 'GET', headers });
    await write(join(running.listener.home, '..', 'policy.yaml'), HIDE);
    await stream.untilBody('the notice', (body) => body.includes('notifications/tools/list_changed'));
    expect((await exchange(running.url, { body: request(2, 'tools/list'), headers })).text).not.toContain('secret');
    stream.close();
  });
  test('hidden tools leave lists on HTTP+SSE, too', async () => {
    await using running = await start({ policy: HIDE });
    const sse = await send(running.url.replace(/mcp$/, 'sse'), { method: 'GET' });
    const first = await sse.untilBody('the endpoint', (body) => body.includes('\n\n'));
    expect(first).toMatch(/^event: endpoint\ndata: \/message\?sessionId=[\w-]{32}\n\n$/);
    const message = new URL(/data: (.*)/.exec(first)?.[1] ?? '', running.url).href;
    expect((await exchange(message, { body: initialize('2024-11-05') })).status).toBe(202);
    expect((await exchange(message, { body: request(1, 'tools/list') })).status).toBe(202);
    const text = await sse.untilBody('the list', (body) => body.includes('"tools":['));
    expect(text).not.toContain('secret');
    expect((await exchange(message, { body: '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}' })).status).toBe(400);
    sse.close();
    await until('the session to end', async () => (await exchange(message, { body: request(2, 'ping') })).status === 404 || undefined);
  });
  test('10 MiB pass whole, and a client that does not read is given up without harm to others', async () => {
    await using running = await start({ flags: ['--max-message', '16MiB'] });
    const headers = await open(running.url);
    const big = await exchange(running.url, { body: call(1, 'big', { length: 10 * 1024 * 1024 }), headers });
    expect(JSON.parse(big.text).result.content[0].text).toHaveLength(10 * 1024 * 1024);
    const socket = await openSocket(Number(new URL(running.url).port));
    socket.pause();
    socket.send(
      `GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nmcp-session-id: ${headers['mcp-session-id']}\r\n\r\n`,
    );
    const messages = Array.from({ length: 8 }, () => ({
      method: 'notifications/resources/updated',
      params: { uri: `a:${'x'.repeat(1024 * 1024)}` },
    }));
    for (let round = 0; round < 5; round++)
      expect((await exchange(running.url, { body: call(round + 2, 'say', { messages }), headers })).status).toBe(200);
    socket.resume();
    await socket.closed;
    expect((await exchange(running.url, { body: call(99, 'echo'), headers })).status).toBe(200);
  });
});
