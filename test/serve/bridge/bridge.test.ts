/** wire.md §1, §5; policy.md §6: one session carried to a remote server, whatever that server does. */
import { describe, expect, jest, setDefaultTimeout, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { OPENING } from '../../../src/serve/upstream/within.ts';
import { answerJson } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';
import { event, openEvents, RESULT, result, type Script, startScripted } from '../../http/scripted.ts';
import { openFixture, shakeHands } from './bridge-fixture.ts';

// On a machine that may have much else to do.
setDefaultTimeout(60_000);

describe('Streamable HTTP', () => {
  test('the session and its revision are named on all that follows the handshake, and the session is ended', async () => {
    await using upstream = await startScripted(undefined, { offersStream: true });
    await using bridge = openFixture(`${upstream.url}/mcp?x=1`, { headers: { 'x-tenant': 'acme' } });
    await shakeHands(bridge);
    expect(await bridge.request(1, 'tools/list')).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    await upstream.untilReceived('the GET', ({ method }) => method === 'GET');
    await bridge.end();
    const said = upstream.received.map(({ method, path, headers }) => [
      method,
      path,
      headers['mcp-session-id'],
      headers['mcp-protocol-version'],
      headers['x-tenant'],
    ]);
    const rest = ['/mcp?x=1', 's1', '2025-11-25', 'acme'];
    expect(said[0]).toEqual(['POST', '/mcp?x=1', undefined, undefined, 'acme']);
    expect(said.slice(1).toSorted()).toEqual([
      ['DELETE', ...rest],
      ['GET', ...rest],
      ['POST', ...rest],
      ['POST', ...rest],
    ]);
    const [first] = upstream.received;
    expect([first?.headers.accept, first?.headers['content-type']]).toEqual(['application/json, text/event-stream', 'application/json']);
  });

  test('requests run beside each other, and answers come as they come', async () => {
    const held: (() => void)[] = [];
    await using upstream = await startScripted(({ id, method }, _, response) => {
      if (method !== 'tools/call' || id === 3) return 'default';
      held.push(() => answerJson(response, result(id)));
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    for (const id of [1, 2]) bridge.send({ jsonrpc: '2.0', method: 'tools/call', id });
    await bridge.request(3, 'tools/call');
    await until('both to be held', () => (held.length === 2 ? true : undefined));
    for (const answer of held.reverse()) answer();
    await bridge.answered(1);
    await bridge.answered(2);
    expect(bridge.failures).toEqual([]);
  });

  test('nothing overtakes a notification, nor a notification what came before it', async () => {
    let release = () => {};
    await using upstream = await startScripted(({ method }, _, response) => {
      if (method !== 'notifications/initialized') return 'default';
      release = () => void response.writeHead(202).end();
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 1 });
    bridge.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 2 });
    await upstream.untilReceived('initialized', ({ body }) => body.includes('initialized'));
    expect(upstream.posted()).toHaveLength(2);
    release();
    await bridge.answered(2);
    expect(upstream.posted().map(({ id, method }) => id ?? method)).toEqual([
      0,
      'notifications/initialized',
      1,
      'notifications/cancelled',
      2,
    ]);
  });

  test('what was answered keeps nobody waiting, also where its stream stays open', async () => {
    await using upstream = await startScripted(({ id, method }, _, response) => {
      if (method !== 'initialize') return 'default';
      openEvents(response).write(event(result(id, { protocolVersion: '2025-11-25' })));
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    expect(await bridge.request(1, 'ping')).toEqual(result(1) as never);
    bridge.sweep();
    bridge.sweep();
    await until('the stream to be closed', () => upstream.received[0]?.dropped() || undefined);
  });

  test('2025-03-26: a batch is one POST, with its answers in one array or in a stream', async () => {
    await using upstream = await startScripted();
    upstream.answer(({ body }, response) => {
      const batch = JSON.parse(body) as { id?: number }[];
      const answers = batch.filter(({ id }) => id !== undefined).map(({ id }) => result(id));
      if (answers.length === 0) response.writeHead(202).end();
      else if (answers.length === 2) answerJson(response, JSON.stringify(answers));
      else openEvents(response).end(answers.map((answer) => event(answer)).join(''));
    });
    await using bridge = openFixture(upstream.url);
    bridge.sendBatch([{ jsonrpc: '2.0', method: 'notifications/progress' }]);
    bridge.sendBatch([1, 2].map((id) => ({ jsonrpc: '2.0', method: 'ping', id })));
    bridge.sendBatch([3, 4, 5].map((id) => ({ jsonrpc: '2.0', method: 'ping', id })));
    for (const id of [1, 2, 3, 4, 5]) expect(await bridge.answered(id)).toEqual(result(id) as never);
    expect(bridge.failures).toEqual([]);
  });

  test('2025-03-26: a batch whose answers are not all there ends with errors for the others', async () => {
    await using upstream = await startScripted();
    upstream.answer((_, response) => void openEvents(response).end(event(result(1))));
    await using bridge = openFixture(upstream.url);
    bridge.sendBatch([1, 2].map((id) => ({ jsonrpc: '2.0', method: 'ping', id })));
    expect(await bridge.answered(1)).toEqual(result(1) as never);
    expect(await bridge.answered(2)).toMatchObject({ outcome: 'kept' });
  });

  test("a server's request inside a stream is answered by a POST of its own, also while a notification hangs", async () => {
    await using upstream = await startScripted((message, _, response) => {
      if (message.method === 'notifications/progress') return;
      if (message.method !== 'tools/call') return 'default';
      openEvents(response).write(event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create' }));
      void upstream.untilReceived('the answer', ({ body }) => body.includes('"id":"q"')).then(() => response.end(event(result(1))));
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 1 });
    await bridge.untilMessage('the question', ({ method }) => method === 'elicitation/create');
    bridge.send({ jsonrpc: '2.0', method: 'notifications/progress' });
    bridge.send(result('q'));
    expect(await bridge.answered(1)).toEqual(result(1) as never);
  });

  test('what belongs to no request comes on the GET stream, which is opened again where it ended', async () => {
    await using upstream = await startScripted(undefined, { offersStream: true });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    const first = await until('the stream', () => upstream.streams[0]);
    first.end(event({ jsonrpc: '2.0', method: 'a' }, 'retry: 10\nid: e1\n'));
    await bridge.untilMessage('a', ({ method }) => method === 'a');
    const again = await upstream.untilReceived('the second GET', ({ method }) => method === 'GET', 2);
    expect(again.headers['last-event-id']).toBe('e1');
    (await until('the second stream', () => upstream.streams[1])).write(event({ jsonrpc: '2.0', method: 'b' }));
    await bridge.untilMessage('b', ({ method }) => method === 'b');
  });

  test('I9: no call overtakes the GET stream, since what the server asks on it before it is open reaches nobody', async () => {
    const opening = Promise.withResolvers<void>();
    const asks: Script = ({ method, id }, _, response) => {
      if (method !== 'tools/call') return 'default';
      // As servers of the SDK do: on the stream of their own, if there is one.
      upstream.streams[0]?.write(event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create' }));
      void upstream.untilReceived('the answer', ({ body }) => body.includes('"id":"q"')).then(() => answerJson(response, result(id)));
    };
    await using upstream = await startScripted(asks, { offersStream: true, streamAfter: () => opening.promise });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    const greeted = performance.now();
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 1 });
    await upstream.untilReceived('the GET', ({ method }) => method === 'GET');
    const said = upstream.posted().map(({ method }) => method);
    // Where the machine took so long, the call has waited long enough.
    if (performance.now() - greeted < OPENING) expect(said).toEqual(['initialize', 'notifications/initialized']);
    opening.resolve();
    await bridge.untilMessage('the question', ({ method }) => method === 'elicitation/create');
    bridge.send(result('q'));
    expect(await bridge.answered(1)).toEqual(result(1) as never);
  });

  test.each(['ends', 'breaks'])('I9: nor when that stream %s, and is opened again at once', async (how) => {
    const openings = [Promise.resolve(), Promise.withResolvers<void>()] as const;
    let gets = 0;
    await using upstream = await startScripted(
      ({ method, id }, _, response) => {
        if (method !== 'tools/call') return 'default';
        upstream.streams[1]?.write(event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create' }));
        void upstream.untilReceived('the answer', ({ body }) => body.includes('"id":"q"')).then(() => answerJson(response, result(id)));
      },
      { offersStream: true, streamAfter: () => (gets++ === 0 ? openings[0] : openings[1].promise) },
    );
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    expect(await bridge.request(1, 'ping')).toEqual(result(1) as never);
    const first = await until('the stream', () => upstream.streams[0]);
    if (how === 'ends') first.end();
    else first.write(': on\n\n', () => first.destroy());
    await upstream.untilReceived('the second GET', ({ method }) => method === 'GET', 2);
    const ended = performance.now();
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 2 });
    bridge.send(result('free'));
    await upstream.untilReceived('what waits for nothing', ({ body }) => body.includes('free'));
    if (performance.now() - ended < OPENING) expect(upstream.posted().map(({ method }) => method)).not.toContain('tools/call');
    openings[1].resolve();
    await bridge.untilMessage('the question', ({ method }) => method === 'elicitation/create');
    bridge.send(result('q'));
    expect(await bridge.answered(2)).toEqual(result(2) as never);
  });

  test('a server that leaves the GET unanswered delays what is said after the handshake, and does not hold it up', async () => {
    await using upstream = await startScripted(undefined, { offersStream: true, streamAfter: () => new Promise(() => {}) });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    expect(await bridge.request(1, 'tools/call')).toEqual(result(1) as never);
  });
});

describe('policy.md §6: an answer to every request, and what is known of it', () => {
  const failing: readonly [string, Script, 'kept' | 'released', RegExp][] = [
    [
      '500 with HTML',
      (_, __, response) => void response.writeHead(500, { 'content-type': 'text/html' }).end('<html>'),
      'kept',
      /HTTP status 500/,
    ],
    ['503', (_, __, response) => void response.writeHead(503).end(), 'kept', /HTTP status 503/],
    ['408', (_, __, response) => void response.writeHead(408).end(), 'kept', /HTTP status 408/],
    ['403', (_, __, response) => void response.writeHead(403).end('no'), 'released', /does not allow/],
    ['429', (_, __, response) => void response.writeHead(429).end(), 'released', /HTTP status 429/],
    [
      '200 with HTML',
      (_, __, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      'kept',
      /no message/,
    ],
    [
      '200 with broken JSON is judged elsewhere, and ends',
      (_, __, response) => void answerJson(response, result(77)),
      'kept',
      /no message/,
    ],
    ['202 to a request', (_, __, response) => void response.writeHead(202).end(), 'kept', /no message/],
    ['a closed connection', (_, __, response) => void response.socket?.destroy(), 'kept', /broke the connection/],
    [
      'half a body',
      (_, __, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': '99' })
          .write('{', () => response.socket?.destroy()),
      'kept',
      /broke the connection/,
    ],
    [
      'half a stream',
      (_, __, response) => void openEvents(response).write('data: {"json', () => response.socket?.destroy()),
      'kept',
      /broke the connection/,
    ],
    [
      'a stream that ends before the answer',
      (_, __, response) => void openEvents(response).end(event({ jsonrpc: '2.0', method: 'x' })),
      'kept',
      /ended the stream/,
    ],
    [
      'a redirect elsewhere',
      (_, __, response) => void response.writeHead(307, { location: 'http://127.0.0.2:1/' }).end(),
      'kept',
      /another origin/,
    ],
    [
      'brotli',
      (_, __, response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'br' }).end('x'),
      'kept',
      /encoding/,
    ],
  ];
  for (const [name, script, outcome, why] of failing) {
    test(`${name}: ${outcome}`, async () => {
      await using upstream = await startScripted((message, request, response) =>
        message.method === 'tools/call' ? script(message, request, response) : 'default',
      );
      await using bridge = openFixture(upstream.url);
      await shakeHands(bridge);
      const answer = await bridge.request(1, 'tools/call');
      expect(answer).toMatchObject({ outcome, why: expect.stringMatching(why) });
      expect(await bridge.request(2, 'ping')).toEqual(result(2) as never);
      expect(bridge.failures).toHaveLength(1);
    });
  }

  for (const how of ['a body', 'a stream'] as const)
    test(`an answer in ${how} that takes its time to be judged is an answer`, async () => {
      await using upstream = await startScripted(({ id, method }, _, response) => {
        if (method !== 'tools/call' || how === 'a body') return 'default';
        openEvents(response).end(event(result(id)));
      });
      await using bridge = openFixture(upstream.url, { isSlow: true });
      await shakeHands(bridge);
      for (const id of [1, 2, 3]) expect(await bridge.request(id, 'tools/call')).toEqual(result(id) as never);
      expect(bridge.failures).toEqual([]);
    });

  test('down: nothing was sent, so it is released; it may come up later', async () => {
    await using bridge = openFixture('http://127.0.0.1:1/');
    expect(await bridge.request(0, 'initialize')).toMatchObject({ outcome: 'released', why: expect.stringMatching(/refuses connections/) });
    expect(await bridge.request(1, 'initialize')).toMatchObject({ outcome: 'released' });
  });

  test('silence lasts until somebody gives up; then the stream is closed, and late answers reach nobody', async () => {
    await using upstream = await startScripted(({ method }) => (method === 'tools/call' ? undefined : 'default'));
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 1 });
    const call = await upstream.untilReceived('the call', ({ body }) => body.includes('tools/call'));
    bridge.sweep();
    bridge.sweep();
    expect(call.dropped()).toBe(false);
    bridge.giveUp(1);
    bridge.sweep();
    bridge.sweep();
    await until('the connection to be dropped', () => call.dropped() || undefined);
    expect(bridge.failures).toEqual([]);
  });

  test('a request that was given up while it waited for its turn is not sent', async () => {
    let release = () => {};
    await using upstream = await startScripted(({ method }, _, response) => {
      if (method !== 'notifications/initialized') return 'default';
      release = () => void response.writeHead(202).end();
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 1 });
    await upstream.untilReceived('initialized', ({ body }) => body.includes('initialized'));
    bridge.giveUp(1);
    release();
    await bridge.request(2, 'ping');
    expect(upstream.posted().map(({ id }) => id)).not.toContain(1);
  });

  test('an error that names no request is about the one it answers', async () => {
    const error = { code: -32022, message: 'no', data: { supported: ['x'] } };
    await using upstream = await startScripted((_, __, response) => void answerJson(response, { jsonrpc: '2.0', id: null, error }, 400));
    await using bridge = openFixture(upstream.url);
    expect(await bridge.request(7, 'initialize')).toEqual({ jsonrpc: '2.0', id: 7, error });
    expect(upstream.received).toHaveLength(1);
  });

  test.each(['%s', '[%s]', '\ufeff%s'])('with status 200, too: %j', async (form) => {
    const error = { code: -32000, message: 'out of quota' };
    const text = form.replace('%s', JSON.stringify({ jsonrpc: '2.0', id: null, error }));
    await using upstream = await startScripted(({ method }, __, response) => (method === 'ping' ? 'default' : answerJson(response, text)));
    await using bridge = openFixture(upstream.url);
    expect(await bridge.request(7, 'tools/call')).toEqual({ jsonrpc: '2.0', id: 7, error });
  });

  test.each([
    ['application/json', '{"message":"your key is sesame"}'],
    ['text/html', '<html><head><title>your key is sesame</title>'],
    ['text/plain', 'your key\nis\u0007 sesame\u202e'],
  ])('what is no message is told, masked: %s', async (type, body) => {
    await using upstream = await startScripted((_, __, response) => void response.writeHead(200, { 'content-type': type }).end(body));
    await using bridge = openFixture(upstream.url);
    const { why } = (await bridge.request(7, 'tools/call')) as { why: string };
    expect(why).toEndWith('and with no message that could be read. It says: "your key is [redacted]"');
  });

  test('wire.md §2: a BOM before the body is taken off', async () => {
    await using upstream = await startScripted(({ id }, __, response) => answerJson(response, `\ufeff${JSON.stringify(result(id))}`));
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    expect(await bridge.request(7, 'tools/call')).toEqual({ jsonrpc: '2.0', id: 7, result: {} });
  });

  test('a JSON-RPC error with its id passes whatever the status is', async () => {
    const error = { code: -32603, message: 'broken' };
    await using upstream = await startScripted(({ id }, __, response) => void answerJson(response, { jsonrpc: '2.0', id, error }, 500));
    await using bridge = openFixture(upstream.url);
    expect(await bridge.request(7, 'tools/call')).toEqual({ jsonrpc: '2.0', id: 7, error });
    expect(bridge.failures).toEqual([]);
  });

  test('wire.md §2.8, §2.13: compressed bodies are inflated; a bomb is no more than a message that is too long', async () => {
    await using upstream = await startScripted(({ id, method }, _, response) => {
      if (method !== 'tools/call') return 'default';
      const text = id === 1 ? JSON.stringify(result(1)) : `{"jsonrpc":"2.0","id":2,"result":"${'x'.repeat(64 << 20)}"}`;
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync(text));
    });
    await using bridge = openFixture(upstream.url, { maxMessage: 1 << 20 });
    await shakeHands(bridge);
    expect(await bridge.request(1, 'tools/call')).toEqual(result(1) as never);
    expect(await bridge.request(2, 'tools/call')).toMatchObject({ id: 2, error: { message: 'too long' } });
    expect(await bridge.request(3, 'ping')).toEqual(result(3) as never);
  });

  test('401 is told, with what the server says', async () => {
    await using upstream = await startScripted(
      (_, __, response) => void response.writeHead(401, { 'www-authenticate': 'Bearer x="y"' }).end(),
    );
    await using bridge = openFixture(upstream.url);
    expect(await bridge.request(0, 'initialize')).toMatchObject({ outcome: 'released', why: expect.stringMatching(/authorization/) });
    expect(bridge.unauthorized).toEqual(['Bearer x="y"']);
    expect(upstream.received.map(({ method }) => method)).toEqual(['POST']);
  });
});

describe('resumption', () => {
  test('a stream that ends before its answer goes on from its last event, after the time that the server asks for', async () => {
    await using upstream = await startScripted(({ method }, _, response) => {
      if (method !== 'tools/call') return 'default';
      openEvents(response).end(`retry: 20\nid: e1\ndata:\n\n${event({ jsonrpc: '2.0', method: 'x' }, 'id: e2\n')}`);
    });
    const answer = upstream.received;
    await using bridge = openFixture(upstream.url);
    upstream.answer(async (request, response) => {
      const { method, headers, body } = request;
      if (method === 'GET' && headers['last-event-id'] === 'e2') return void openEvents(response).end(`id: e3\n\n`);
      if (method === 'GET' && headers['last-event-id'] === 'e3') return void openEvents(response).write(event(result(1), 'id: e4\n'));
      if (method !== 'POST') return void response.writeHead(405).end();
      const { id, method: name } = JSON.parse(body);
      if (name === 'tools/call')
        return void openEvents(response).end(`retry: 20\nid: e1\ndata:\n\n${event({ jsonrpc: '2.0', method: 'x' }, 'id: e2\n')}`);
      if (id === undefined) return void response.writeHead(202).end();
      answerJson(response, result(id), 200, { 'mcp-session-id': 's1' });
    });
    await shakeHands(bridge);
    expect(await bridge.request(1, 'tools/call')).toEqual(result(1) as never);
    expect(answer.filter(({ headers }) => headers['last-event-id']).map(({ headers }) => headers['mcp-session-id'])).toEqual(['s1', 's1']);
    expect(bridge.failures).toEqual([]);
  });

  for (const how of ['write', 'end'] as const)
    test(`the answer on a resumed stream ends the waiting for it (${how})`, async () => {
      await using upstream = await startScripted();
      upstream.answer(({ method, headers, body }, response) => {
        if (headers['last-event-id'] === 'e1') return void openEvents(response)[how](event(result(1), 'id: e2\n'));
        if (method !== 'POST') return void response.writeHead(405).end();
        const { id, method: name } = JSON.parse(body);
        if (name === 'tools/call') return void openEvents(response).end('retry: 5\nid: e1\ndata:\n\n');
        answerJson(response, result(id));
      });
      await using bridge = openFixture(upstream.url);
      for (let id = 0; id < 5; id++) {
        await bridge.request(0, 'initialize');
        await bridge.request(1, 'tools/call');
      }
      // What goes wrong with a connection that was given up goes wrong in a later turn.
      expect(await bridge.request(9, 'ping')).toEqual(result(9) as never);
    });

  test('where it does not go on, the request gets an error', async () => {
    await using upstream = await startScripted(({ method }, _, response) => {
      if (method !== 'tools/call') return 'default';
      openEvents(response).end('retry: 5\nid: e1\ndata:\n\n');
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    expect(await bridge.request(1, 'tools/call')).toMatchObject({ outcome: 'kept', why: expect.stringMatching(/does not go on/) });
  });
});

describe('session loss', () => {
  test('404: initialised again once, the request sent again, what else waited gets an error', async () => {
    let lost = false;
    await using upstream = await startScripted(({ method, id }, { headers }, response) => {
      if (id === 1) return;
      if (method !== 'initialize' && lost && headers['mcp-session-id'] === 's1') return void response.writeHead(404).end();
      return 'default';
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 1 });
    await upstream.untilReceived('the first call', ({ body }) => body.includes('"id":1'));
    lost = true;
    const answers = await Promise.all([2, 3, 4].map((id) => bridge.request(id, 'tools/call')));
    expect(answers).toEqual([2, 3, 4].map((id) => result(id)) as never);
    expect(await bridge.answered(1)).toMatchObject({ outcome: 'kept', why: expect.stringMatching(/lost the session/) });
    const hellos = upstream.posted().filter(({ method }) => method === 'initialize');
    expect(hellos.map(({ params }) => params)).toEqual([hellos[0]?.params, hellos[0]?.params]);
    expect(upstream.posted().filter(({ method }) => method === 'notifications/initialized')).toHaveLength(2);
    expect(bridge.messages.filter(({ id }) => typeof id === 'string')).toEqual([]);
  });

  test('what is sent while a session is opened waits for it', async () => {
    let greet: (() => void) | undefined;
    await using upstream = await startScripted(({ method, id }, { headers }, response) => {
      if (method === 'tools/call' && headers['mcp-session-id'] !== 's9') return void response.writeHead(404).end();
      if (method !== 'initialize' || id === 0) return 'default';
      greet = () => answerJson(response, result(id, { protocolVersion: '2025-11-25' }), 200, { 'mcp-session-id': 's9' });
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 1 });
    const hello = await until('the second handshake', () => greet);
    bridge.send({ jsonrpc: '2.0', method: 'tools/call', id: 2 });
    bridge.send({ jsonrpc: '2.0', method: 'notifications/progress' });
    hello();
    expect([await bridge.answered(1), await bridge.answered(2)]).toEqual([result(1), result(2)] as never);
    await upstream.untilReceived('the notification', ({ body }) => body.includes('progress'));
    const sessions = upstream.received.filter(({ body }) => /"id":2|progress/.test(body)).map(({ headers }) => headers['mcp-session-id']);
    expect(sessions).toEqual(['s9', 's9']);
  });

  test('404 again, or no new session: an error, and nothing was done', async () => {
    await using upstream = await startScripted(({ method }, _, response) =>
      method === 'tools/call' ? void response.writeHead(404).end() : 'default',
    );
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    expect(await bridge.request(1, 'tools/call')).toMatchObject({ outcome: 'released' });
    expect(upstream.posted().filter(({ method }) => method === 'tools/call')).toHaveLength(2);
  });
});

describe('session loss and the GET stream', () => {
  test('404 to the first GET says that there is no such stream, not that the session is lost', async () => {
    await using upstream = await startScripted(undefined, { noStream: 404 });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    // One after another: each leaves time for what the GET set off.
    for (const id of [1, 2, 3, 4, 5]) expect(await bridge.request(id, 'tools/call')).toEqual(result(id) as never);
    expect(upstream.posted().map(({ id, method }) => id ?? method)).toEqual([0, 'notifications/initialized', 1, 2, 3, 4, 5]);
    expect(upstream.received.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });

  test('404 to the GET of a stream that was open opens a new session', async () => {
    let lost = false;
    await using upstream = await startScripted();
    upstream.answer(({ method, body, headers }, response) => {
      const { id, method: said } = method === 'POST' ? (JSON.parse(body) as { id?: number | string; method: string }) : {};
      if (lost && headers['mcp-session-id'] === 's1') return void response.writeHead(404).end();
      if (said === 'initialize')
        return answerJson(response, result(id, { protocolVersion: '2025-11-25' }), 200, { 'mcp-session-id': lost ? 's2' : 's1' });
      if (method !== 'GET') return void response.writeHead(202).end();
      if (!lost) openEvents(response).end('retry: 10\n\n');
      else openEvents(response);
      lost = true;
    });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    await upstream.untilReceived(
      'the GET of the new session',
      ({ method, headers }) => method === 'GET' && headers['mcp-session-id'] === 's2',
    );
  });

  test('I9: no call overtakes the GET stream of a new session', async () => {
    const opening = Promise.withResolvers<void>();
    const script: Script = ({ method }, { headers }, response) =>
      method === 'tools/call' && headers['mcp-session-id'] === 's1' ? void response.writeHead(404).end() : 'default';
    const streamAfter = (session: unknown) => (session === 's2' ? opening.promise : undefined);
    await using upstream = await startScripted(script, { offersStream: true, streamAfter });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    const asked = performance.now();
    const answered = bridge.request(1, 'tools/call');
    const isNew = ({ headers }: { headers: Record<string, unknown> }) => headers['mcp-session-id'] === 's2';
    await upstream.untilReceived('the second GET', (received) => received.method === 'GET' && isNew(received));
    const said = () => upstream.received.filter(isNew).map(({ method, body }) => (method === 'POST' ? JSON.parse(body).method : method));
    const before = said();
    if (performance.now() - asked < OPENING) expect(before).toEqual(['notifications/initialized', 'GET']);
    opening.resolve();
    expect(await answered).toEqual(result(1) as never);
    expect(said()).toEqual(['notifications/initialized', 'GET', 'tools/call']);
  });
});

describe('2026-07-28', () => {
  test('headers are written from the body; on -32020 the tools are learnt anew and the request is sent once more', async () => {
    await using upstream = await startScripted(({ id, method }, { headers }, response) => {
      if (method === 'tools/call' && headers['x-learned'] === '0')
        return answerJson(response, { jsonrpc: '2.0', id, error: { code: -32020, message: 'header mismatch' } }, 400);
      return 'default';
    });
    await using bridge = openFixture(upstream.url);
    expect(await bridge.request(1, 'tools/call', {}, true)).toEqual(result(1) as never);
    expect([bridge.relearned(), upstream.received.map(({ headers }) => headers['mcp-method'])]).toEqual([1, ['tools/call', 'tools/call']]);
    expect(upstream.received[0]?.headers['mcp-session-id']).toBeUndefined();
  });

  test('on -32020 twice the error passes', async () => {
    const error = { code: -32020, message: 'header mismatch' };
    await using upstream = await startScripted(({ id }, _, response) => answerJson(response, { jsonrpc: '2.0', id, error }, 400));
    await using bridge = openFixture(upstream.url);
    expect(await bridge.request(1, 'tools/call', {}, true)).toEqual({ jsonrpc: '2.0', id: 1, error });
    expect(upstream.received).toHaveLength(2);
  });

  test('a cancelled request ends with its stream, and nothing is posted', async () => {
    await using upstream = await startScripted((_, __, response) => void openEvents(response));
    await using bridge = openFixture(upstream.url);
    bridge.send({ jsonrpc: '2.0', method: 'subscriptions/listen', id: 1 }, { modern: true });
    const listening = await upstream.untilReceived('the request', () => true);
    bridge.giveUp(1);
    bridge.send({ jsonrpc: '2.0', method: 'notifications/cancelled' }, { modern: true, cancels: 1 });
    await until('the stream to be dropped', () => listening.dropped() || undefined);
    expect(upstream.received).toHaveLength(1);
  });
});

describe('HTTP+SSE', () => {
  test.each([400, 401, 403, 404, 405, 406, 422, 429])(
    'is not what a server speaks because it refuses its first message with %i',
    async (status) => {
      for (const stream of [undefined, event({ jsonrpc: '2.0', method: 'notifications/message', params: {} })]) {
        await using upstream = await startScripted();
        upstream.answer(({ method, body }, response) => {
          if (method === 'GET') return stream === undefined ? void response.writeHead(405).end() : void openEvents(response).write(stream);
          if (upstream.received.filter((request) => request.method === 'POST').length === 1)
            return void response.writeHead(status).end('no');
          const { id, method: asked } = JSON.parse(body) as { id: number; method: string };
          answerJson(response, result(id, asked === 'initialize' ? RESULT : {}));
        });
        await using bridge = openFixture(`${upstream.url}/`);
        expect(await bridge.request(0, 'initialize')).toMatchObject({ why: expect.stringContaining(String(status)) });
        expect(upstream.received.filter(({ method }) => method === 'GET').length).toBe([400, 404, 405].includes(status) ? 1 : 0);
        expect(await bridge.request(1, 'initialize')).toEqual(result(1, RESULT) as never);
        expect(await bridge.request(2, 'ping')).toEqual(result(2) as never);
      }
    },
  );

  test('INVARIANT I9: a server that takes the request for its stream and never answers it is waited for as long as one that names no endpoint', async () => {
    await using upstream = await startScripted();
    const asked = Promise.withResolvers<void>();
    upstream.answer(({ method }, response) => {
      if (method === 'GET') return asked.resolve();
      jest.useFakeTimers();
      response.writeHead(405).end();
    });
    await using bridge = openFixture(`${upstream.url}/`);
    try {
      const answer = bridge.request(0, 'initialize');
      await asked.promise;
      jest.advanceTimersByTime(30_000);
      jest.useRealTimers();
      expect(await answer).toMatchObject({ outcome: 'released', why: expect.stringContaining('405') });
      expect(bridge.logged).toContainEqual(expect.stringContaining('did not name its endpoint'));
    } finally {
      jest.useRealTimers();
    }
  });

  test('a stream that ends between a message and its acceptance leaves nobody waiting', async () => {
    await using upstream = await startScripted();
    upstream.answer(({ method, path, body }, response) => {
      if (method === 'GET') {
        openEvents(response).write('event: endpoint\ndata: /m\n\n');
        return void upstream.streams.push(response);
      }
      if (path === '/') return void response.writeHead(405).end();
      const stream = upstream.streams.at(-1);
      if (body.includes('tools/call')) {
        stream?.end();
        // Accepted only once the end has been seen.
        stream?.on('close', () => setTimeout(() => response.writeHead(202).end(), 100));
        return;
      }
      response.writeHead(202).end();
      const { id } = JSON.parse(body) as { id?: number };
      if (id !== undefined) stream?.write(event(result(id)));
    });
    await using bridge = openFixture(`${upstream.url}/`);
    await bridge.request(0, 'initialize');
    expect(await bridge.request(1, 'tools/call')).toMatchObject({ outcome: 'kept', why: expect.stringMatching(/event stream/) });
    expect(await bridge.request(2, 'ping')).toEqual(result(2) as never);
  });
});
