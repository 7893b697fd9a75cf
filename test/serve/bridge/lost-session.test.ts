/** wire.md §5: a session that the server lost is recognised as servers say it, and opened anew for the next call; nothing is said twice. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { lossOf } from '../../../src/serve/upstream/refused.ts';
import { answerJson } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';
import { openEvents, result, type Script, type Scripted, startScripted } from '../../http/scripted.ts';
import { type Fixture, openFixture, shakeHands } from './bridge-fixture.ts';

setDefaultTimeout(60_000);

const JSON_TYPE = 'application/json';
const rpc = (code: number, message: string) => JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });

/** What servers say to a session that they do not know: the status, the type and the body. */
const SPELLINGS: readonly (readonly [number, string, string])[] = [
  [404, JSON_TYPE, rpc(-32001, 'Session not found')],
  [404, 'text/plain', 'Not Found'],
  [400, 'text/plain', 'Bad Request: No valid session ID provided'],
  [400, 'text/plain; charset=utf-8', 'Invalid or missing session ID'],
  [400, JSON_TYPE, rpc(-32600, 'Bad Request: Missing session ID')],
  [400, JSON_TYPE, rpc(-32001, 'Session terminated')],
  [400, JSON_TYPE, rpc(-32000, 'Bad Request: Server not initialized')],
  [400, JSON_TYPE, '{"error":"unknown session ID"}'],
  [401, 'text/plain', 'Unauthorized: Session not found'],
  [401, 'text/plain', ''],
  [410, 'text/html', '<html><title>Gone</title></html>'],
  [422, JSON_TYPE, '{"detail":[{"msg":"SESSION expired"}]}'],
  [503, JSON_TYPE, '{"message":"session is unknown or expired"}'],
  [400, 'text/event-stream', `event: message\ndata: ${rpc(-32000, 'no such session')}\n\n`],
  [400, 'application/problem+json', '{"title":"Session lost","status":400}'],
];

interface Lost extends AsyncDisposable {
  readonly upstream: Scripted;
  readonly bridge: Fixture;
  /** From now on the server knows no session that it gave before. */
  forget(): void;
  /** The sessions in which the call was posted. */
  postedIn(id: number): readonly unknown[];
}

async function openLost(status: number, type: string, body: string, script: Script = () => 'default'): Promise<Lost> {
  let known = ['s1'];
  const upstream = await startScripted((message, request, response) => {
    const session = String(request.headers['mcp-session-id']);
    if (message.method !== 'initialize' && !known.includes(session))
      return void response.writeHead(status, { 'content-type': type }).end(body);
    return script(message, request, response);
  });
  const bridge = openFixture(upstream.url);
  await shakeHands(bridge);
  return {
    upstream,
    bridge,
    forget: () => {
      known = ['s2', 's3', 's4'];
    },
    postedIn: (id) =>
      upstream.received
        .filter(({ body: said, method }) => method === 'POST' && JSON.parse(said).id === id)
        .map(({ headers }) => headers['mcp-session-id']),
    [Symbol.asyncDispose]: async () => {
      await bridge.end();
      await upstream.close();
    },
  };
}

describe('recognised', () => {
  for (const [status, type, body] of SPELLINGS)
    test(`${status} ${type} ${body.trim()}`, async () => {
      await using lost = await openLost(status, type, body);
      const { bridge } = lost;
      await bridge.request(1, 'tools/call');
      lost.forget();
      const first = await bridge.request(2, 'tools/call');
      const isCertain = status === 404;
      expect('result' in first).toBe(isCertain);
      expect(await bridge.request(3, 'tools/call')).toEqual({ jsonrpc: '2.0', id: 3, result: {} });
      // What was not certainly left undone is not said twice.
      expect([lost.postedIn(2), lost.postedIn(3)]).toEqual([isCertain ? ['s1', 's2'] : ['s1'], ['s2']]);
    });

  test('a notification that is refused so opens the next session, too', async () => {
    await using lost = await openLost(400, 'text/plain', 'no valid session');
    await lost.bridge.request(9, 'ping');
    lost.forget();
    lost.bridge.send({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' });
    expect(await lost.bridge.request(1, 'tools/call')).toMatchObject({ result: {} });
    expect(lost.postedIn(1)).toEqual(['s2']);
  });

  test('a GET stream that ends and is refused so opens it before anybody asks', async () => {
    await using upstream = await startScripted(undefined, { offersStream: true });
    await using bridge = openFixture(upstream.url);
    await shakeHands(bridge);
    const stream = await until('the GET stream', () => upstream.streams[0]);
    upstream.answer(({ method, headers, body }, response) => {
      if (method === 'GET' && headers['mcp-session-id'] === 's1')
        return void response.writeHead(400, { 'content-type': 'text/plain' }).end('no valid session ID');
      if (method !== 'POST') return void response.writeHead(405).end();
      const { id, method: asked } = JSON.parse(body);
      if (id === undefined) return void response.writeHead(202).end();
      answerJson(response, result(id, asked === 'initialize' ? { protocolVersion: '2025-11-25' } : {}), 200, {
        ...(asked === 'initialize' && { 'mcp-session-id': 's2' }),
      });
    });
    stream.end();
    await upstream.untilReceived('the second handshake', ({ body }) => body.includes('"initialize"'), 2);
    expect(await bridge.request(1, 'tools/call')).toMatchObject({ result: {} });
    expect(upstream.received.filter(({ body }) => body.includes('tools/call')).map(({ headers }) => headers['mcp-session-id'])).toEqual([
      's2',
    ]);
  });
});

describe('not taken for it', () => {
  test.each([
    [401, '', false],
    [410, '', false],
    [400, 'bad request', true],
    [403, 'session is not yours', true],
    [500, 'session store failed', true],
    [429, 'too many sessions', true],
  ] as const)('%d %p', (status, text, hasWorked) => {
    expect(lossOf({ status, text }, hasWorked)).toBeUndefined();
  });
});

test('what was begun in a session that is only likely lost goes on', async () => {
  let finish = () => {};
  await using lost = await openLost(400, 'text/plain', 'no session', ({ id }, _, response) => {
    if (id !== 1) return 'default';
    const stream = openEvents(response);
    finish = () => void stream.end(`data: ${JSON.stringify(result(id))}\n\n`);
  });
  const { bridge, upstream } = lost;
  bridge.send({ jsonrpc: '2.0', id: 1, method: 'tools/call' });
  await upstream.untilReceived('the call', ({ body }) => body.includes('tools/call'));
  lost.forget();
  await bridge.request(2, 'tools/call');
  expect(await bridge.request(3, 'tools/call')).toMatchObject({ result: {} });
  finish();
  expect(await bridge.answered(1)).toMatchObject({ result: {} });
});

test('a session that could not be opened anew is tried for again with each call, which was not sent', async () => {
  let isUp = true;
  await using lost = await openLost(400, 'text/plain', 'no session', ({ method }, _, response) => {
    if (method !== 'initialize' || isUp) return 'default';
    response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '3' }).end('starting with sesame');
  });
  const { bridge } = lost;
  await bridge.request(9, 'ping');
  isUp = false;
  lost.forget();
  await bridge.request(1, 'tools/call');
  expect(await bridge.request(2, 'tools/call')).toMatchObject({
    outcome: 'released',
    why: 'the server lost the session, and there is no new one: the server refused "initialize" with HTTP status 503, to be asked again after 3 seconds. It says: "starting with [redacted]"',
  });
  isUp = true;
  expect(await bridge.request(3, 'tools/call')).toMatchObject({ result: {} });
  expect([lost.postedIn(1), lost.postedIn(2), lost.postedIn(3)]).toEqual([['s1'], [], ['s2']]);
});
