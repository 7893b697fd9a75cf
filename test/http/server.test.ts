/** wire.md §5: what the listener lets in, over raw sockets, so that nothing tidies up what is sent. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createBodyBudget } from '../../src/http/body.ts';
import { type HttpServer, openHttpServer, type ServedRequest } from '../../src/http/server.ts';
import { exchange, openSocket } from '../harness/raw-http.ts';

const TOKEN = 'a-token-that-nobody-guesses';
let server: HttpServer;
let served: ServedRequest[];
let refusals: string[];

async function open(more: Partial<Parameters<typeof openHttpServer>[0]> = {}): Promise<void> {
  served = [];
  refusals = [];
  const room = createBodyBudget(64 * 1024);
  server = await openHttpServer({
    bind: '127.0.0.1',
    port: 0,
    guard: { hosts: ['proxy.example', 'other.example:8443'], origins: ['https://app.example'], token: undefined },
    passHeaders: ['x-tenant'],
    maxBody: 1_000,
    serve: async (request) => {
      served.push(request);
      if (request.method !== 'POST') return request.reply.send(200, {}, 'fine');
      const read = await request.body(room);
      if (read.kind === 'refused') request.reply.refuse(read.status, read.why);
      if (read.kind === 'body') request.reply.send(200, { 'content-type': 'text/plain' }, `${read.bytes.length} bytes`);
    },
    refused: (why) => void refusals.push(why),
    ...more,
  });
}

beforeEach(() => open());
afterEach(() => {
  server.stop();
  server.close();
});

const get = (...headers: string[]) => exchange(server.port, `GET /mcp HTTP/1.1\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`);
const post = (body: string, ...headers: string[]) =>
  exchange(
    server.port,
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${headers.map((line) => `${line}\r\n`).join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
const JSON_TYPE = 'Content-Type: application/json';

describe('wire.md §5: the Host of every request', () => {
  test.each([
    'localhost',
    '127.0.0.1',
    '[::1]',
    'LOCALHOST',
    '127.0.0.1:9',
    'localhost:80',
    '127.8.8.8',
    'proxy.example',
    'proxy.example:1',
    'other.example:8443',
  ])('%s passes', async (host) => {
    expect((await get(`Host: ${host}`)).status).toBe(200);
  });
  test.each([
    ...[
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'other.example',
      'other.example:1',
      'localhost.',
      '10.0.0.1',
      '0.0.0.0',
      '[::]',
    ],
    ...[
      'localhost@evil.example',
      'evil.example#localhost',
      'localhost, evil.example',
      '',
      'localhost:port',
      '[::1',
      '2130706433',
      'localhost/',
    ],
  ])('%j does not', async (host) => {
    const { status } = await get(`Host: ${host}`);
    expect([400, 403]).toContain(status);
    expect(served).toHaveLength(0);
  });
  test('two of them, or none, do not', async () => {
    expect((await get('Host: localhost', 'Host: localhost')).status).toBe(400);
    expect((await get()).status).toBe(400);
    expect((await get('Host: localhost', 'host: evil.example')).status).toBe(400);
    expect(served).toHaveLength(0);
  });
  test('one in the request target does not count, and is refused', async () => {
    expect((await exchange(server.port, 'GET http://localhost/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n')).status).toBe(400);
    expect((await exchange(server.port, 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n')).status).toBe(400);
  });
  test('no path can be a host: //evil.example/mcp is a path', async () => {
    await exchange(server.port, 'GET //evil.example/mcp?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(served.map(({ path, query }) => [path, query.get('a')])).toEqual([['//evil.example/mcp', 'b']]);
  });
});

describe('wire.md §5: the Origin of every request', () => {
  test.each(['https://app.example', 'HTTPS://APP.example'])('%s passes and may read the answer', async (origin) => {
    const answer = await get('Host: localhost', `Origin: ${origin}`);
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(answer.headers['access-control-expose-headers']).toContain('Mcp-Session-Id');
    expect(answer.headers.vary).toBe('Origin');
  });
  test("the listener's own passes, and no header is added without one", async () => {
    expect((await get('Host: localhost', `Origin: http://localhost:${server.port}`)).status).toBe(200);
    expect((await get('Host: localhost')).headers['access-control-allow-origin']).toBeUndefined();
  });
  test.each([
    'null',
    'https://evil.example',
    'http://localhost:1',
    'https://app.example.evil.example',
    'https://app.example:444',
    'http://app.example',
    '',
    '*',
  ])('%j does not', async (origin) => {
    const answer = await get('Host: localhost', `Origin: ${origin}`);
    expect(answer.status).toBe(403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(served).toHaveLength(0);
    expect(refusals).toHaveLength(1);
  });
  test('two of them do not', async () => {
    expect((await get('Host: localhost', 'Origin: https://app.example', 'Origin: https://app.example')).status).toBe(400);
  });
});

describe('wire.md §5: preflights', () => {
  const preflight = (...headers: string[]) =>
    exchange(server.port, `OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`);
  test('of an allowed origin say what it may send, and never *', async () => {
    const { status, headers } = await preflight(
      'Origin: https://app.example',
      'Access-Control-Request-Method: POST',
      'Access-Control-Request-Headers: content-type, mcp-param-Region, x-evil, mcp-param-a b',
    );
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe('https://app.example');
    const allowed = String(headers['access-control-allow-headers']).split(', ');
    for (const name of [
      'content-type',
      'mcp-session-id',
      'mcp-protocol-version',
      'last-event-id',
      'authorization',
      'x-tenant',
      'mcp-param-region',
    ])
      expect(allowed).toContain(name);
    expect(allowed).not.toContain('x-evil');
    expect(JSON.stringify(headers)).not.toContain('*');
  });
  test('of another are refused; so are those without one that ask for nothing', async () => {
    expect((await preflight('Origin: https://evil.example')).status).toBe(403);
    expect((await preflight()).headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('wire.md §5: the bearer token', () => {
  beforeEach(async () => {
    server.close();
    await open({ guard: { hosts: [], origins: ['https://app.example'], token: TOKEN } });
  });
  test.each([`Bearer ${TOKEN}`, `bearer   ${TOKEN}`])('%s passes', async (value) => {
    expect((await get('Host: localhost', `Authorization: ${value}`)).status).toBe(200);
  });
  test.each(['', 'Bearer', 'Bearer ', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`, `Bearer ${TOKEN.slice(1)}`, TOKEN])(
    '%j does not',
    async (value) => {
      const answer = await get('Host: localhost', `Authorization: ${value}`);
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="intercept"']);
      expect(answer.body).not.toContain(TOKEN);
    },
  );
  test('none, or two, do not; a page can read that it has none', async () => {
    expect((await get('Host: localhost', 'Origin: https://app.example')).headers['access-control-allow-origin']).toBe(
      'https://app.example',
    );
    expect((await get('Host: localhost')).status).toBe(401);
    expect((await get('Host: localhost', `Authorization: Bearer ${TOKEN}`, 'Authorization: Bearer x')).status).toBe(400);
    expect(served).toHaveLength(0);
  });
});

describe('wire.md §2.8, §2.13: bodies', () => {
  test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;charset="UTF-8"'])('%s is read', async (type) => {
    expect((await post('{}', `Content-Type: ${type}`)).body).toBe('2 bytes');
  });
  test.each([
    ...['text/plain', 'application/json; charset=utf-16', 'application/json;charset=latin1', 'application/jsonp', ''],
    ...['application/json; charset=utf-8; charset=utf-16', 'multipart/form-data; boundary=x', 'application/json, text/plain'],
  ])('Content-Type %j is 415', async (type) => {
    expect((await post('{}', `Content-Type: ${type}`)).status).toBe(415);
  });
  test.each(['gzip', 'br', 'deflate', 'identity, gzip', 'x'])('Content-Encoding %s is 415', async (encoding) => {
    expect((await post('{}', JSON_TYPE, `Content-Encoding: ${encoding}`)).status).toBe(415);
  });
  test('none is 415', async () => {
    expect((await post('{}')).status).toBe(415);
  });
  test('as long as allowed it passes, one byte more is 413, and the connection lives on', async () => {
    expect((await post(' '.repeat(1_000), JSON_TYPE)).body).toBe('1000 bytes');
    const socket = await openSocket(server.port);
    socket.send(`POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: 1001\r\n\r\n${' '.repeat(1_001)}`);
    expect((await socket.answer()).status).toBe(413);
    socket.send(`POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: 2\r\n\r\n{}`);
    expect((await socket.answer()).body).toBe('2 bytes');
    socket.close();
  });
  test('in chunks without a length it is bounded all the same', async () => {
    const chunk = `${(500).toString(16)}\r\n${' '.repeat(500)}\r\n`;
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect((await exchange(server.port, `${head}${chunk}${chunk}0\r\n\r\n`)).body).toBe('1000 bytes');
    expect((await exchange(server.port, `${head}${chunk}${chunk}${chunk}0\r\n\r\n`)).status).toBe(413);
  });
  test('whose length is told twice, or in two ways, never arrives', async () => {
    const send = (...headers: string[]) =>
      exchange(server.port, `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\n${headers.join('\r\n')}\r\n\r\n0\r\n\r\n`);
    expect((await send('Content-Length: 2', 'Transfer-Encoding: chunked')).status).toBe(400);
    expect((await send('Content-Length: 2', 'Content-Length: 3')).status).toBe(400);
    expect((await send('Transfer-Encoding: chunked, gzip')).status).not.toBe(200);
    expect(served.length).toBeLessThan(2);
  });
});

describe('wire.md §5: clients that dribble are cut off', () => {
  beforeEach(async () => {
    server.close();
    await open({ timeouts: { headers: 300, gap: 300, request: 900, idle: 500 } });
  });
  test('while they send headers', async () => {
    const socket = await openSocket(server.port);
    socket.dribble('POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', 'x', 50);
    await socket.closed;
    expect(served).toHaveLength(0);
  });
  test('while they send nothing at all', async () => {
    await (await openSocket(server.port)).closed;
  });
  test('while they stop in a body', async () => {
    const socket = await openSocket(server.port);
    socket.send(`POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: 10\r\n\r\n{`);
    expect((await socket.answer()).status).toBe(408);
    await socket.closed;
  });
  test('while they send a body byte by byte', async () => {
    const socket = await openSocket(server.port);
    socket.dribble(`POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: 900\r\n\r\n`, ' ', 50);
    await socket.closed;
  });
});

test('wire.md §2.13: what several clients of one agent send at once is bounded together', async () => {
  server.close();
  const room = createBodyBudget(1_500);
  const bodies: Promise<unknown>[] = [];
  await open({
    serve: ({ body, reply }) => {
      bodies.push(body(room).then((read) => (read.kind === 'refused' ? reply.refuse(read.status, read.why) : reply.send(200, {}, 'ok'))));
    },
  });
  const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: 1000\r\n\r\n`;
  const first = await openSocket(server.port);
  first.send(head + ' '.repeat(999));
  while (room.take(502)) {
    room.give(502);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await exchange(server.port, head + ' '.repeat(1_000))).status).toBe(503);
  first.send(' ');
  expect((await first.answer()).body).toBe('ok');
  first.close();
  expect((await exchange(server.port, head + ' '.repeat(1_000))).status).toBe(200);
});

test('wire.md §5: 1,000 idle streams, and calls pass all the same', async () => {
  server.close();
  const streams: ReturnType<ServedRequest['reply']['stream']>[] = [];
  await open({
    serve: ({ method, reply }) => {
      if (method === 'GET') streams.push(reply.stream(200, { 'content-type': 'text/event-stream' }));
      else reply.send(200, {}, 'ok');
    },
  });
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => openSocket(server.port)));
  for (const socket of sockets) socket.send('GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await Promise.all(sockets.map((socket) => socket.head()));
  expect((await post('{}', JSON_TYPE)).body).toBe('ok');
  for (const stream of streams) stream.write(': here\n\n');
  const heard = await Promise.all(sockets.map((socket) => socket.until(': here')));
  expect(heard.filter(Boolean)).toHaveLength(1_000);
  for (const socket of sockets) socket.close();
}, 60_000);

test('stopping: what runs goes on, what comes is refused', async () => {
  server.close();
  const waiting: ServedRequest[] = [];
  await open({ serve: (request) => void waiting.push(request) });
  const [first, second] = [await openSocket(server.port), await openSocket(server.port)];
  first.send('GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n');
  second.send('GET /mcp HTTP/1.1\r\nHost: localhost\r\n');
  while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  server.stop();
  second.send('\r\n');
  expect((await second.answer()).status).toBe(503);
  waiting[0]?.reply.send(200, {}, 'done');
  expect((await first.answer()).body).toBe('done');
  await expect(openSocket(server.port)).rejects.toThrow();
});

test('who asks whether the client is gone hears of it, also where it left before', async () => {
  server.stop();
  server.close();
  const heard = Promise.withResolvers<string>();
  const over = Promise.withResolvers<void>();
  const read = Promise.withResolvers<void>();
  await open({
    serve: async ({ body, reply }) => {
      await body(createBodyBudget(1_000));
      read.resolve();
      reply.onOver(over.resolve);
      await over.promise;
      reply.onGone(() => heard.resolve('gone'));
    },
  });
  const socket = await openSocket(server.port);
  socket.send('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
  await read.promise;
  socket.close();
  expect(await heard.promise).toBe('gone');
});

describe('wire.md §5: pages of others', () => {
  const POSTS = { head: `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: 2\r\n` };
  test.each([
    ...['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: same-site', 'sec-fetch-site: Cross-Site'],
    ...['Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate'],
    'Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors',
    ...['Sec-Fetch-Site: cross-site, same-origin', 'Sec-Fetch-Site: "cross-site"', 'Sec-Fetch-Mode: websocket', 'Sec-Fetch-Site: new'],
  ])('%j is refused, whatever the method', async (headers) => {
    expect((await get('Host: localhost', headers)).status).toBe(403);
    expect((await exchange(server.port, `${POSTS.head}${headers}\r\n\r\n{}`)).status).toBe(403);
    const { status } = await exchange(server.port, `DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`);
    expect([status, served.length]).toEqual([403, 0]);
    expect(refusals[0]).toContain('--allow-origin');
  });
  test.each([
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Site: none',
    'Sec-Fetch-Mode: cors',
    'Sec-Fetch-Mode: same-origin',
    'Sec-Fetch-Dest: empty',
  ])('%j passes', async (header) => {
    expect((await get('Host: localhost', header)).status).toBe(200);
  });
  test('an allowed origin may ask in any way, another may not', async () => {
    const asked = ['Host: localhost', 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'];
    expect((await get(...asked, 'Origin: https://app.example')).status).toBe(200);
    expect((await get(...asked, 'Origin: https://evil.example')).status).toBe(403);
  });
  test('two of them are refused: another reader might take the other', async () => {
    expect((await get('Host: localhost', 'Sec-Fetch-Site: none', 'Sec-Fetch-Site: cross-site')).status).toBe(400);
  });
});

describe('wire.md §5: what else is refused before it is read', () => {
  test.each(['gzip, chunked', 'deflate, chunked', 'x-own, chunked', 'identity, chunked', 'gzip,chunked', 'chunked, chunked'])(
    'Transfer-Encoding: %s, of which a front may undo a part',
    async (encoding) => {
      const body = `${JSON_TYPE}\r\nTransfer-Encoding: ${encoding}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`;
      const { status } = await exchange(server.port, `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${body}`);
      // What the platform itself does not read is refused by it, as malformed.
      expect([400, 501]).toContain(status);
      expect(served).toHaveLength(0);
    },
  );
  test('with 501 where the platform would read it', async () => {
    const body = `${JSON_TYPE}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`;
    expect((await exchange(server.port, `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${body}`)).status).toBe(501);
    const plain = `${JSON_TYPE}\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`;
    expect((await exchange(server.port, `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${plain}`)).body).toBe('2 bytes');
  });
  test('headers over 16 KiB, with 431', async () => {
    expect((await get('Host: localhost', `X-Long: ${'x'.repeat(15_000)}`)).status).toBe(200);
    expect((await get('Host: localhost', `X-Long: ${'x'.repeat(17_000)}`)).status).toBe(431);
  });
  test('HEAD and other methods reach what is served, and have no body', async () => {
    const { status, body } = await exchange(server.port, 'HEAD /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n').catch(
      (error) => ({
        status: String(error),
        body: '',
      }),
    );
    expect([String(status).includes('200'), body]).toEqual([true, '']);
  });
});

describe('wire.md §2.13: a body in small pieces', () => {
  const chunked = (size: number, total: number) => {
    const chunk = `${size.toString(16)}\r\n${' '.repeat(size)}\r\n`;
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    return `${head}${chunk.repeat(total / size)}0\r\n\r\n`;
  };
  beforeEach(async () => {
    server.close();
    const room = createBodyBudget(64 << 20);
    await open({
      maxBody: 10 << 20,
      serve: async ({ body, reply }) => {
        const read = await body(room);
        if (read.kind === 'refused') reply.refuse(read.status, read.why);
        if (read.kind === 'body')
          reply.send(200, {}, Buffer.from(read.bytes).toString().trim().length === 0 ? `${read.bytes.length} bytes` : '?');
      },
    });
  });
  test.each([
    [1, 60 << 10],
    [128, 8 << 20],
    [64 << 10, 10 << 20],
  ])('of %d bytes arrives whole', async (size, total) => {
    expect((await exchange(server.port, chunked(size, total))).body).toBe(`${total} bytes`);
  });
  test('of one byte each, a large one is refused: ten million of them would cost seconds', async () => {
    const answer = await exchange(server.port, chunked(1, 128 << 10));
    expect([answer.status, answer.body]).toEqual([413, expect.stringContaining('too many small pieces')]);
  });
});
