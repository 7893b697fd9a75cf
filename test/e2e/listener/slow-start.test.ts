/** wire.md §5: an `initialize` before a command has a session, however long its server takes to answer, and whatever it says first. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventData, exchange, type HttpAnswer, send } from '../../harness/http.ts';
import { listenHere } from '../../harness/own-listener.ts';
import { NODE, temporaryFolder } from '../../harness/paths.ts';
import { openSocket } from '../../harness/raw-http.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

/** Says what it is given first before it answers `initialize`, and that only once a file is there. Writes down its process, and what it hears. */
const SERVER = `
const { appendFileSync, existsSync } = require('node:fs');
const [, , folder, first] = process.argv;
appendFileSync(folder + '/started', process.pid + '\\n');
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const whenThere = (name, f) => existsSync(folder + '/' + name) ? f() : setTimeout(whenThere, 10, name, f);
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  appendFileSync(folder + '/heard', line + '\\n');
  const { id, method, params } = JSON.parse(line);
  const answer = () => say({ id, result: { content: [] } });
  if (method !== 'initialize') return id !== undefined && method && (params && params.name === 'slow' ? whenThere('go', answer) : answer());
  if (first) say(JSON.parse(first));
  const result = params.protocolVersion === 'none' ? { error: { code: -32602, message: 'no' } } : { result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } };
  whenThere('ready', () => say({ id, ...result }));
});`;
const initialize = (version = '2025-11-25') => ({
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } },
  }),
});
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{}}}';
const FIVE_SECONDS = 5_000;
const A_MINUTE = 60_000;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let count = 0;
beforeAll(async () => {
  home = await temporaryFolder();
  await writeFile(join(home.path, 'server.cjs'), SERVER);
});
afterAll(() => home.remove());

async function start(first?: object, flags: Parameters<typeof listenHere>[1] = {}) {
  const folder = join(home.path, `${++count}`);
  await Bun.write(join(folder, 'heard'), '');
  const command = [NODE, join(home.path, 'server.cjs'), folder, ...(first ? [JSON.stringify(first)] : [])];
  const listener = await listenHere({ command }, flags);
  const linesOf = (name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1) : [];
  return {
    ...listener,
    ready: () => writeFile(join(folder, 'ready'), ''),
    go: () => writeFile(join(folder, 'go'), ''),
    heard: () => linesOf('heard'),
    started: () => linesOf('started'),
    isRunning: () => linesOf('started').filter((pid) => lives(Number(pid))).length,
  };
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function sessionOf({ headers }: Pick<HttpAnswer, 'headers'>): Record<string, string> {
  expect(headers['mcp-session-id']).toMatch(/^[\w-]{32}$/);
  return { 'mcp-session-id': String(headers['mcp-session-id']) };
}

describe('a session', () => {
  test('is there where the server takes long: the stream that is opened meanwhile names it', async () => {
    await using listener = await start();
    const opening = send(listener.url, initialize());
    await until('the request', () => listener.heard().length || undefined);
    listener.advance(FIVE_SECONDS);
    const opened = await opening;
    const headers = sessionOf(opened);
    expect([opened.status, opened.headers['content-type']]).toEqual([200, 'text/event-stream']);
    await listener.ready();
    await opened.ended;
    expect(JSON.parse(eventData(opened.body().toString())[0] ?? '').result.protocolVersion).toBe('2025-11-25');
    expect((await exchange(listener.url, { body: CALL, headers })).text).toContain('"result"');
  });
  const early = {
    'a log message': { method: 'notifications/message', params: { level: 'info', data: 'loading' } },
    'a changed list': { method: 'notifications/tools/list_changed' },
    'progress of nothing': { method: 'notifications/progress', params: { progressToken: 'x', progress: 1 } },
    'a request': { id: 'p1', method: 'ping' },
  };
  test.each(Object.entries(early))('is there where the server says %s first, and that is heard', async (_, first) => {
    await using listener = await start(first);
    const opened = await send(listener.url, initialize());
    const headers = sessionOf(opened);
    await opened.untilBody('what it said first', (text) => text.includes(first.method));
    if ('id' in first) {
      // Its answer is no end of the session, though the server has not agreed to it yet.
      expect((await exchange(listener.url, { body: '{"jsonrpc":"2.0","id":"p1","result":{}}', headers })).status).toBe(202);
      await until('the answer', () => listener.heard().find((line) => line.includes('"p1"')));
    }
    await listener.ready();
    await opened.ended;
    expect((await exchange(listener.url, { body: CALL, headers })).text).toContain('"result"');
  });
  test('is there for a client that takes no stream, and what was said first waits for its GET', async () => {
    await using listener = await start(early['a log message']);
    const opening = exchange(listener.url, { ...initialize(), headers: { accept: 'application/json' } });
    await until('the request', () => listener.heard().length || undefined);
    listener.advance(FIVE_SECONDS);
    await listener.ready();
    const headers = sessionOf(await opening);
    const stream = await send(listener.url, { method: 'GET', headers });
    await stream.untilBody('what it said first', (text) => text.includes('loading'));
    stream.close();
  });
  test('that the server refuses is none, also where a stream named it', async () => {
    await using listener = await start();
    const opening = send(listener.url, initialize('none'));
    await until('the request', () => listener.heard().length || undefined);
    listener.advance(FIVE_SECONDS);
    const headers = sessionOf(await opening);
    await listener.ready();
    await (await opening).ended;
    expect((await exchange(listener.url, { body: CALL, headers })).status).toBe(404);
    const refused = await exchange(listener.url, initialize('none'));
    expect([refused.headers['mcp-session-id'], JSON.parse(refused.text).error.message]).toEqual([undefined, 'no']);
    await until('the servers to end', () => listener.isRunning() === 0 || undefined);
  });
});

describe('a session whose client never came back ends after a minute, with its server', () => {
  test('where the client had its answer, and where another came back it stays', async () => {
    await using listener = await start();
    await listener.ready();
    await exchange(listener.url, initialize());
    const headers = sessionOf(await exchange(listener.url, initialize()));
    await exchange(listener.url, { body: '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers });
    expect(listener.isRunning()).toBe(2);
    listener.advance(A_MINUTE);
    await until('one server to end', () => listener.isRunning() === 1 || undefined);
    listener.advance(A_MINUTE);
    expect((await exchange(listener.url, { body: CALL, headers })).text).toContain('"result"');
  });
  test('where all of 64 clients left before their answer: their places are free again', async () => {
    await using listener = await start(undefined, { maxSessions: 4 });
    for (let n = 1; n <= 4; n++) {
      const socket = await openSocket(Number(new URL(listener.url).port));
      const { body } = initialize();
      const more = 'content-type: application/json\r\naccept: application/json, text/event-stream';
      socket.send(`POST /mcp HTTP/1.1\r\nhost: localhost\r\n${more}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      await until('its server', () => listener.heard().length === n || undefined);
      socket.close();
    }
    expect((await exchange(listener.url, initialize())).status).toBe(503);
    listener.advance(A_MINUTE);
    await until('the servers to end', () => listener.isRunning() === 0 || undefined);
    await listener.ready();
    expect((await exchange(listener.url, initialize())).status).toBe(200);
  });
  test('but not while a client still waits for its answer', async () => {
    await using listener = await start();
    const opening = send(listener.url, initialize());
    await until('the request', () => listener.heard().length || undefined);
    listener.advance(A_MINUTE + FIVE_SECONDS);
    const opened = await opening;
    await listener.ready();
    await opened.ended;
    expect((await exchange(listener.url, { body: CALL, headers: sessionOf(opened) })).text).toContain('"result"');
  });
  test('where a stream of HTTP+SSE brings no message', async () => {
    await using listener = await start();
    const stream = await send(listener.url.replace(/mcp$/, 'sse'), { method: 'GET' });
    await stream.untilBody('the endpoint', (text) => text.includes('/message?'));
    listener.advance(A_MINUTE);
    await stream.ended;
    expect(listener.started()).toEqual([]);
  });
});

test('a session whose call took longer than it may lie idle does not end with that call', async () => {
  await using listener = await start();
  await listener.ready();
  const headers = sessionOf(await exchange(listener.url, initialize()));
  const calling = exchange(listener.url, { body: CALL.replace('"t"', '"slow"'), headers });
  await until('the call', () => listener.heard().find((line) => line.includes('"slow"')));
  listener.advance(20 * A_MINUTE);
  await listener.go();
  expect((await calling).text).toContain('"result"');
  // Another one whose minute is over shows that all were looked at.
  await exchange(listener.url, initialize());
  listener.advance(A_MINUTE);
  await until('the other server to end', () => listener.isRunning() === 1 || undefined);
  expect((await exchange(listener.url, { body: CALL, headers })).status).toBe(200);
});

describe('a server of HTTP+SSE is started by the first message', () => {
  test('and by no stream; then it answers as ever', async () => {
    await using listener = await start();
    await listener.ready();
    const sse = listener.url.replace(/mcp$/, 'sse');
    const stream = await send(sse, { method: 'GET' });
    const text = await stream.untilBody('the endpoint', (body) => body.includes('/message?'));
    const endpoint = new URL(/data: (\S+)/.exec(text)?.[1] ?? '', sse).href;
    // What is refused starts nothing either.
    await exchange(endpoint, { body: '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":[]}' });
    await stream.untilBody('the refusal', (body) => body.includes('"error"'));
    expect(listener.started()).toEqual([]);
    expect((await exchange(endpoint, initialize())).status).toBe(202);
    await stream.untilBody('the answer', (body) => body.includes('"protocolVersion"'));
    expect(listener.started()).toHaveLength(1);
    stream.close();
    await until('the server to end', () => listener.isRunning() === 0 || undefined);
  });
  test('and a page that asks for it as an image gets no stream, and takes nobody a place', async () => {
    await using listener = await start(undefined, { maxSessions: 1 });
    await listener.ready();
    const sse = listener.url.replace(/mcp$/, 'sse');
    const asked = { method: 'GET', headers: { accept: 'image/avif,image/webp,*/*;q=0.8' } } as const;
    for (let n = 0; n < 8; n++) expect((await exchange(`${sse}?${n}`, asked)).status).toBe(406);
    const blind = { method: 'GET', headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } } as const;
    for (const url of [sse, listener.url]) expect((await exchange(url, blind)).status).toBe(403);
    expect((await exchange(listener.url, initialize())).status).toBe(200);
    expect(listener.started()).toHaveLength(1);
  });
  test('that cannot be started: each request is answered on the stream, and the operator hears why', async () => {
    const file = join(home.path, 'not-a-server');
    await writeFile(file, '#!/nowhere/interpreter\n', { mode: 0o755 });
    await using listener = await listenHere({ command: [file] });
    const sse = listener.url.replace(/mcp$/, 'sse');
    const stream = await send(sse, { method: 'GET' });
    const text = await stream.untilBody('the endpoint', (body) => body.includes('/message?'));
    await exchange(new URL(/data: (\S+)/.exec(text)?.[1] ?? '', sse).href, initialize());
    await stream.ended;
    expect(JSON.parse(eventData(stream.body().toString())[1] ?? '')).toMatchObject({
      id: 0,
      error: { message: 'the server could not be started' },
    });
    expect(listener.rig.logged.join('\n')).toContain('names an interpreter');
  });
});

test('I9: a request of the server that no client can hear any more is answered with an error; the newest wait for a stream', async () => {
  const server = `const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    require('node:fs').appendFileSync(process.argv[1], line + '\\n');
    const { id, method, params } = JSON.parse(line);
    if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: {} } });
    if (method === 'notifications/initialized') for (let n = 0; n < 300; n++) say({ id: 's' + n, method: 'ping' });
  });`;
  const heard = join(home.path, 'refused');
  await writeFile(heard, '');
  await using listener = await listenHere({ command: [NODE, '-e', server, heard] });
  const headers = sessionOf(await exchange(listener.url, initialize()));
  await exchange(listener.url, { body: '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers });
  const answered = () =>
    readFileSync(heard, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"error"'));
  await until('the answers', () => answered().length === 300 - 256 || undefined);
  expect(JSON.parse(answered()[0] ?? '')).toMatchObject({ id: 's0', error: { code: -32000 } });
  const stream = await send(listener.url, { method: 'GET', headers });
  await stream.untilBody('the newest', (text) => text.includes('"s299"'));
  expect(eventData(stream.body().toString())).toHaveLength(256);
  stream.close();
});
