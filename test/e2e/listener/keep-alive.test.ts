/** wire.md §5: streams and calls that take long, as they come behind a reverse proxy and before clients that do not wait. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { eventData, exchange, type HttpAnswer, send } from '../../harness/http.ts';
import { NGINX, startNginx } from '../../harness/nginx.ts';
import { listenHere } from '../../harness/own-listener.ts';
import { NODE, temporaryFolder } from '../../harness/paths.ts';
import { type Answer, startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

/** Answers a call once a file is there, and tells progress of it where it is asked to. */
const SERVER = `
const { existsSync } = require('node:fs');
const [, , go] = process.argv;
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const whenThere = (f) => existsSync(go) ? f() : setTimeout(whenThere, 10, f);
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') return say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } });
  if (method !== 'tools/call') return;
  const progressToken = params._meta && params._meta.progressToken;
  if (progressToken) say({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
  whenThere(() => say({ id, result: { content: [{ type: 'text', text: 'done' }] } }));
});`;
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
});
const INITIALIZED =
  '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}';
const call = (more: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', arguments: {}, ...more } });
const DONE = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const SILENCE = 15_000;
const PATIENCE = 5_000;
const COMMENT = /^: keep-alive\n\n/m;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let count = 0;
beforeAll(async () => {
  home = await temporaryFolder();
  await writeFile(join(home.path, 'server.cjs'), SERVER);
});
afterAll(() => home.remove());

/** Before a command that answers when it may. */
async function beforeCommand() {
  const go = join(home.path, `go-${++count}`);
  const listener = await listenHere({ command: [NODE, join(home.path, 'server.cjs'), go] });
  return { ...listener, go: () => writeFile(go, ''), sse: listener.url.replace(/mcp$/, 'sse') };
}

/** Before a server of the same transport. */
async function beforeUpstream(answer: Answer, more: Parameters<typeof listenHere>[2] = {}) {
  const upstream = await startUpstream((asked, response) => {
    if (!asked.body.includes('"initialize"')) return answer(asked, response);
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's1' }).end(INITIALIZED);
  });
  const listener = await listenHere({ upstream: upstream.url }, { approvalWait: more.approvalWait ?? 0 }, more);
  return {
    ...listener,
    upstream,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await upstream.close();
    },
  };
}

async function openSession(url: string): Promise<Record<string, string>> {
  return { 'mcp-session-id': String((await exchange(url, { body: INITIALIZE })).headers['mcp-session-id']) };
}

function expectUnbuffered({ headers }: Pick<HttpAnswer, 'headers'>): void {
  expect(headers).toMatchObject({
    'content-type': 'text/event-stream',
    'x-accel-buffering': 'no',
    'cache-control': 'no-cache, no-transform',
  });
}

/** A comment comes after so long of silence, and again after the next, and none where there was none. */
async function expectKeptAlive(stream: HttpAnswer, listener: { advance(ms: number): void }): Promise<void> {
  const comments = () =>
    stream
      .body()
      .toString()
      .split(/^: keep-alive$/m).length - 1;
  for (const wanted of [1, 2]) {
    listener.advance(SILENCE);
    await until('a comment', () => comments() === wanted || undefined);
  }
}

describe('before a command', () => {
  test('each stream says that it must not be buffered, and is kept alive: GET, POST, HTTP+SSE', async () => {
    await using listener = await beforeCommand();
    const headers = await openSession(listener.url);
    const get = await send(listener.url, { method: 'GET', headers });
    const legacy = await send(listener.sse, { method: 'GET' });
    const posting = send(listener.url, { body: call({ _meta: { progressToken: 'p' } }), headers });
    const posted = await posting;
    for (const stream of [get, legacy, posted]) expectUnbuffered(stream);
    await legacy.untilBody('its endpoint', (text) => text.includes('/message?'));
    await expectKeptAlive(get, listener);
    for (const stream of [legacy, posted]) await stream.untilBody('its comment', (text) => COMMENT.test(text));
    await listener.go();
    await posted.ended;
    expect(eventData(posted.body().toString()).map((data) => JSON.parse(data).id)).toEqual([undefined, 1]);
    for (const stream of [get, legacy]) stream.close();
  });
  test('a call that takes long has its stream opened; one whose client takes none has its answer all the same', async () => {
    await using listener = await beforeCommand();
    const headers = await openSession(listener.url);
    const [streamed, whole] = [
      send(listener.url, { body: call(), headers }),
      exchange(listener.url, { body: call(), headers: { ...headers, accept: 'application/json' } }),
    ];
    let head: HttpAnswer | undefined;
    void streamed.then((answer) => {
      head = answer;
    });
    await until('the head', () => {
      listener.advance(head ? 0 : PATIENCE);
      return head;
    });
    expectUnbuffered(await streamed);
    await listener.go();
    await (await streamed).ended;
    expect((await streamed).body().toString()).toContain('"done"');
    expect((await whole).headers['content-type']).toBe('application/json');
  });
});

describe('before a server of the same transport', () => {
  const EVENTS = { 'content-type': 'text/event-stream', 'cache-control': 'max-age=60', 'x-accel-buffering': 'yes' };
  test('each stream says that it must not be buffered, whatever the server says, and no event is cut by a comment', async () => {
    const streams: ServerResponse[] = [];
    await using listener = await beforeUpstream((_, response) => {
      streams.push(response.writeHead(200, EVENTS));
      response.flushHeaders();
    });
    const headers = await openSession(listener.url);
    const posted = await send(listener.url, { body: call(), headers });
    const get = await send(listener.url, { method: 'GET', headers });
    for (const stream of [posted, get]) expectUnbuffered(stream);
    const whole = `id: 7\ndata: ${DONE}\n\n`;
    streams[0]?.write(whole.slice(0, 20));
    await expectKeptAlive(posted, listener);
    await get.untilBody('its comment', (text) => COMMENT.test(text));
    streams[0]?.end(whole.slice(20));
    await posted.ended;
    expect(posted.body().toString().replaceAll(': keep-alive\n\n', '')).toBe(whole);
    get.close();
  });
  test('a call whose server takes long has its stream opened, and its answer on it', async () => {
    const waiting: ServerResponse[] = [];
    await using listener = await beforeUpstream((_, response) => void waiting.push(response));
    const headers = await openSession(listener.url);
    const posting = send(listener.url, { body: call(), headers });
    await until('the call', () => waiting[0]);
    listener.advance(PATIENCE);
    expectUnbuffered(await posting);
    await expectKeptAlive(await posting, listener);
    waiting[0]?.writeHead(200, { 'content-type': 'application/json' }).end(DONE);
    await (await posting).ended;
    expect(eventData((await posting).body().toString())).toEqual([DONE]);
  });
  test('a call that waits for a human has its stream opened', async () => {
    const policy = 'version: "1"\ntools: { t: { rules: [{ name: ask, action: require_approval }] } }\n';
    await using listener = await beforeUpstream(() => {}, { policy, approvalWait: 40_000 });
    const headers = await openSession(listener.url);
    const posting = send(listener.url, { body: call(), headers });
    await until('the held call', () => listener.rig.calls().length || undefined);
    listener.advance(PATIENCE);
    expectUnbuffered(await posting);
    expect(listener.upstream.received.filter(({ body }) => body.includes('tools/call'))).toEqual([]);
    (await posting).close();
  });
  test('what only the head of its answer tells the client comes in that head: its session, and what became of its payment', async () => {
    const waiting = new Map<string, ServerResponse>();
    await using upstream = await startUpstream(({ body }, response) => void waiting.set(JSON.parse(body).method, response));
    await using listener = await listenHere({ upstream: upstream.url });
    const initializing = exchange(listener.url, { body: INITIALIZE });
    const paying = exchange(listener.url, { body: call(), headers: { 'x-payment': 'e30=' } });
    const other = send(listener.url, { body: call().replace('tools/call', 'ping') });
    await until('all three', () => waiting.size === 3 || undefined);
    listener.advance(PATIENCE);
    await other;
    waiting.get('initialize')?.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's1' }).end(INITIALIZED);
    waiting.get('tools/call')?.writeHead(200, { 'content-type': 'application/json', 'x-payment-response': 'paid' }).end(DONE);
    expect((await initializing).headers['mcp-session-id']).toBe('s1');
    expect((await paying).headers['x-payment-response']).toBe('paid');
    waiting.get('ping')?.end();
    await (await other).ended.catch(() => {});
  });
});

/** Moves the clock along, faster than it goes by itself: 15 s pass many times a second. */
function hurry(listener: { advance(ms: number): void }): () => void {
  const timer = setInterval(() => listener.advance(SILENCE), 100);
  return () => clearInterval(timer);
}

/** Reads until the body holds so many comments. */
async function untilComments(answer: IncomingMessage, wanted: number): Promise<() => string> {
  let text = '';
  answer.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  let fault: unknown;
  answer.on('error', (error) => {
    fault = error;
  });
  await until(`${wanted} comments`, () => {
    if (fault) throw fault;
    return text.split(': keep-alive').length > wanted || undefined;
  });
  return () => text;
}

// One comment a second comes through; a silence of four would be the end.
const COMMENTS = 7;

describe('a call that is silent for longer than those in between wait', () => {
  test('reaches a client that gives up after 4 s of silence', async () => {
    await using listener = await beforeCommand();
    const headers = {
      ...(await openSession(listener.url)),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    const stop = hurry(listener);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(listener.url, { method: 'POST', agent: false, headers, timeout: 4_000 }, resolve);
      asked.on('timeout', () => asked.destroy(new Error('4 s of silence'))).on('error', reject);
      asked.end(call());
    });
    const text = await untilComments(answer, COMMENTS);
    await listener.go();
    await until('the answer', () => text().includes('"done"') || undefined);
    stop();
  });
  if (!NGINX) test.skip('left out: nginx is not installed (apt-get install nginx-light)', () => {});
  else
    test.each(['command', 'upstream'])(
      'and comes through nginx, which breaks off after 4 s: progress at once, and the answer (%s)',
      async (before) => {
        const waiting: ServerResponse[] = [];
        const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}';
        await using listener = await (before === 'command'
          ? beforeCommand()
          : beforeUpstream((_, response) => {
              waiting.push(response.writeHead(200, { 'content-type': 'text/event-stream' }));
              response.write(`data: ${progress}\n\n`);
            }));
        await using nginx = await startNginx(Number(new URL(listener.url).port), 'proxy_read_timeout 4s;');
        const headers = await openSession(listener.url);
        const stop = hurry(listener);
        const answer = await nginx.ask({ path: '/mcp', headers, body: call({ _meta: { progressToken: 'p' } }) });
        const text = await untilComments(answer, COMMENTS);
        expect(text()).toContain('notifications/progress');
        expect(text()).not.toContain('"result"');
        if ('go' in listener) await listener.go();
        else waiting[0]?.end(`data: ${DONE}\n\n`);
        await until('the answer', () => text().includes('"result"') || undefined);
        stop();
      },
    );
  if (NGINX)
    test('and a GET stream, and one of HTTP+SSE, stay open through nginx', async () => {
      await using listener = await beforeCommand();
      await using nginx = await startNginx(Number(new URL(listener.url).port), 'proxy_read_timeout 4s;');
      const headers = await openSession(listener.url);
      const streams = await Promise.all([nginx.ask({ path: '/mcp', headers }), nginx.ask({ path: '/sse' })]);
      // Not so fast that the other session's minute is over.
      const timer = setInterval(() => listener.advance(SILENCE), 1_000);
      const texts = await Promise.all(streams.map((stream) => untilComments(stream, 3)));
      expect(texts[1]?.()).toContain('event: endpoint');
      clearInterval(timer);
      for (const stream of streams) stream.destroy();
    });
});
