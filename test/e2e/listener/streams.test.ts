/** Streams through the listener (wire.md §1, §2.7, §2.9, §5): GET, resumed ones, those of 2026-07-28, and many of them. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { untilRecords } from '../../harness/audit.ts';
import { exchange, send } from '../../harness/http.ts';
import { interceptCommand } from '../../harness/paths.ts';
import { startListener } from '../../harness/program.ts';
import { openSocket } from '../../harness/raw-http.ts';
import { type Answer, startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const HIDE = 'version: "1"\nhide: [secret]\n';
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
});
const INITIALIZED =
  '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}';
const LIST = (id: number) =>
  `{"jsonrpc":"2.0","id":${id},"result":{"tools":[{"name":"secret","inputSchema":{}},{"name":"echo","inputSchema":{}}]}}`;
const CALL = '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{}}}';
const DONE = '{"jsonrpc":"2.0","id":5,"result":{"content":[]}}';
const SESSION = { 'mcp-session-id': 's1' };
const EVENTS = { 'content-type': 'text/event-stream' };

const json =
  (text: string, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text);

/** A server with one session, whose streams the test writes. */
async function startSession(more: Answer) {
  const streams: ServerResponse[] = [];
  const upstream = await startUpstream((request, response) => {
    if (request.body.includes('"initialize"')) return json(INITIALIZED, SESSION)(request, response);
    if (request.body.includes('notifications/initialized')) return void response.writeHead(202).end();
    if (request.method !== 'GET') return more(request, response);
    streams.push(response.writeHead(200, EVENTS));
    response.flushHeaders();
  });
  // The client's stream may be open before the server's is: what is slow is not waited for.
  const opened = () => until('a stream of the server', () => streams[0]);
  return { upstream, streams, opened, [Symbol.asyncDispose]: upstream.close };
}

async function open(url: string): Promise<void> {
  await exchange(url, { body: INITIALIZE });
  await exchange(url, { body: '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers: SESSION });
}

describe('GET streams', () => {
  test('pass with Last-Event-ID; what is hidden is hidden on them as well', async () => {
    await using server = await startSession((_, response) => void response.writeHead(200, EVENTS).end('id: a1\ndata:\n\n'));
    await using listener = await startListener({ policy: HIDE, flags: ['--upstream', server.upstream.url] });
    await open(listener.url);
    // The stream of the POST ends before its answer, which comes on a stream that takes up where it ended.
    await exchange(listener.url, { body: '{"jsonrpc":"2.0","id":3,"method":"tools/list"}', headers: SESSION });
    const resumed = await send(listener.url, { method: 'GET', headers: { ...SESSION, 'last-event-id': 'a1' } });
    expect((await server.upstream.untilReceived('the GET', ({ method }) => method === 'GET')).headers).toMatchObject({
      ...SESSION,
      'last-event-id': 'a1',
    });
    (await server.opened()).write(`: c\nretry: 9\nid: a2\ndata: ${LIST(3)}\n\n`);
    const text = await resumed.untilBody('the list', (body) => body.includes('echo'));
    expect(text).toMatch(/^: c\nretry: 9\nid: a2\ndata: /);
    expect(text).not.toContain('secret');
    resumed.close();
  });
  test('carry the answer to a call whose own stream broke: settled once', async () => {
    const policy = 'version: "1"\ntools: { echo: { rules: [{ name: some, rate_limit: 5/hour }] } }\n';
    let breakStream = () => {};
    await using server = await startSession((_, response) => {
      response.writeHead(200, EVENTS).write('id: a1\ndata:\n\n');
      breakStream = () => void response.destroy();
    });
    await using listener = await startListener({ policy, flags: ['--upstream', server.upstream.url] });
    await open(listener.url);
    const broken = await send(listener.url, { body: CALL, headers: SESSION });
    // The client has the event before the stream breaks: a reset takes with it what was not read yet.
    await broken.untilBody('the first event', (body) => body.includes('id: a1'));
    breakStream();
    await expect(broken.ended).rejects.toThrow();
    const resumed = await send(listener.url, { method: 'GET', headers: { ...SESSION, 'last-event-id': 'a1' } });
    (await server.opened()).write(`id: a2\ndata: ${DONE}\n\n`);
    await resumed.untilBody('the answer', (body) => body.includes(DONE));
    const records = await untilRecords(listener.home, 'the outcome', (all) => all.some(({ type }) => type === 'outcome'));
    expect(records.filter(({ type }) => type === 'outcome').map(({ result }) => result)).toEqual(['committed']);
    resumed.close();
  });
  test('tell of a reload, and end at once when the proxy does', async () => {
    await using server = await startSession(json(LIST(3)));
    await using listener = await startListener({ flags: ['--upstream', server.upstream.url] });
    await open(listener.url);
    await exchange(listener.url, { body: '{"jsonrpc":"2.0","id":3,"method":"tools/list"}', headers: SESSION });
    const stream = await send(listener.url, { method: 'GET', headers: SESSION });
    const file = join(listener.home, '..', 'policy.yaml');
    await writeFile(`${file}.new`, HIDE);
    await rename(`${file}.new`, file);
    await stream.untilBody('the notice', (body) => body.includes('notifications/tools/list_changed'));
    listener.kill('SIGTERM');
    await stream.ended;
    expect(await listener.exited).toBe(0);
  });
  test('and many of them keep no call waiting', async () => {
    await using server = await startSession(json(DONE));
    await using listener = await startListener({ flags: ['--upstream', server.upstream.url] });
    await open(listener.url);
    const sockets = await Promise.all(Array.from({ length: 300 }, () => openSocket(Number(new URL(listener.url).port))));
    for (const socket of sockets) socket.send('GET /mcp HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: s1\r\n\r\n');
    await Promise.all(sockets.map((socket) => socket.head(30_000)));
    expect((await exchange(listener.url, { body: CALL, headers: SESSION })).text).toBe(DONE);
    expect(server.streams).toHaveLength(300);
    for (const socket of sockets) socket.close();
  });
});

test('2026-07-28: a reload is told on subscriptions/listen, and the stream ends with its client', async () => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const modern = (id: number, method: string, params: object = {}) => ({
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }),
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
  });
  await using upstream = await startUpstream((request, response) => {
    if (request.body.includes('tools/list')) return json(LIST(3))(request, response);
    response.writeHead(200, EVENTS).write(': here\n\n');
  });
  await using listener = await startListener({ flags: ['--upstream', upstream.url] });
  await exchange(listener.url, modern(3, 'tools/list'));
  const stream = await send(listener.url, modern(4, 'subscriptions/listen', { notifications: { toolsListChanged: true } }));
  await stream.untilBody('its beginning', (body) => body.includes(': here'));
  await writeFile(join(listener.home, '..', 'policy.yaml'), HIDE);
  const text = await stream.untilBody('the notice', (body) => body.includes('list_changed'));
  expect(text).toContain('"io.modelcontextprotocol/subscriptionId":4');
  stream.close();
  const listen = upstream.received.find(({ body }) => body.includes('subscriptions/listen'));
  await upstream.untilReceived('its end', (request) => request === listen && request.dropped());
});

test('a pause holds over HTTP', async () => {
  await using server = await startSession(json(DONE));
  await using listener = await startListener({ flags: ['--upstream', server.upstream.url] });
  await open(listener.url);
  const [program = '', ...args] = interceptCommand();
  const ran = spawnSync(program, [...args, 'pause', '--reason', 'looking'], {
    env: { ...process.env, INTERCEPT_HOME: listener.home },
    encoding: 'utf8',
  });
  // What else runs on this machine may be named on stderr.
  expect([ran.status, ran.stdout]).toEqual([0, expect.stringContaining('paused: all policies')]);
  const answer = await exchange(listener.url, { body: CALL, headers: SESSION });
  expect(answer.text).toContain('paused: looking');
  expect(server.upstream.received.filter(({ body }) => body.includes('tools/call'))).toHaveLength(0);
});
