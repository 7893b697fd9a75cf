/** wire.md §2.13 behind a listener: what one agent may have in flight and buffered, in all its sessions and on all its connections. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { eventData, exchange, messageIn, send } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { openSocket } from '../../harness/raw-http.ts';
import { type Answer, answerJson, startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(120_000);

const MIB = 1024 * 1024;
/** Less than the proxy waits for a tool list. */
const LIST_PATIENCE_MS = 4_000;
const ask = (id: unknown, method: string, params: object = {}) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
const call = (id: unknown, args: object = {}) => ask(id, 'tools/call', { name: 't', arguments: args });
const INITIALIZE = ask(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } });
const RESULT = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } };

/** Opens a session of this agent. */
async function open(url: string, who: string): Promise<Record<string, string>> {
  const authorization = `Bearer ${who}`;
  const answer = await exchange(url, { body: INITIALIZE, headers: { authorization } });
  return { authorization, 'mcp-session-id': String(answer.headers['mcp-session-id']) };
}

/** Gives each handshake a session, and `answer` the rest. */
function withSessions(answer: Answer): Answer {
  let sessions = 0;
  return (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    if (!request.body.includes('"initialize"')) return answer(request, response);
    answerJson(response, { jsonrpc: '2.0', id: 0, result: RESULT }, 200, { 'mcp-session-id': `s${++sessions}` });
  };
}

describe('one agent with several sessions', () => {
  test('has 256 requests in flight in all of them together, and another agent its own', async () => {
    // By what they ask: nobody knows in which order calls of several connections arrive.
    const waiting = new Map<number, { readonly id: unknown; readonly response: ServerResponse }>();
    await using upstream = await startUpstream(
      withSessions(({ body }, response) => {
        const { id, params } = JSON.parse(body);
        if (params?.arguments?.wait === undefined) answerJson(response, { jsonrpc: '2.0', id, result: {} });
        else waiting.set(params.arguments.wait, { id, response });
      }),
    );
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const [one, two, other] = [await open(listener.url, 'ann'), await open(listener.url, 'ann'), await open(listener.url, 'bob')];
    const calls = Array.from({ length: 256 }, (_, n) => send(listener.url, { body: call(n, { wait: n }), headers: n < 200 ? one : two }));
    for (const each of calls) each.catch(() => {});
    await until('the calls', () => (waiting.size === 256 ? true : undefined));
    for (const headers of [one, two]) {
      const { error } = messageIn(await exchange(listener.url, { body: call('more'), headers }));
      expect([error.code, error.message]).toEqual([-32600, 'more than 256 requests in flight']);
    }
    expect(messageIn(await exchange(listener.url, { body: call('more'), headers: other })).result).toEqual({});
    const first = waiting.get(0);
    if (first) answerJson(first.response, { jsonrpc: '2.0', id: first.id, result: {} });
    await (await (calls[0] as Promise<{ ended: Promise<void> }>)).ended;
    expect(messageIn(await exchange(listener.url, { body: call('again'), headers: two })).result).toEqual({});
    // Else the proxy would give them time to finish.
    for (const { response } of waiting.values()) response.destroy();
    await Promise.allSettled(calls.map(async (each) => (await each).ended));
  });
  test('has 64 MiB waiting to be judged in all of them together', async () => {
    const lists: ServerResponse[] = [];
    await using upstream = await startUpstream(
      withSessions(({ body }, response) => {
        if (body.includes('"tools/list"')) lists.push(response);
        else answerJson(response, { jsonrpc: '2.0', id: JSON.parse(body).id, result: {} });
      }),
    );
    const policy = 'version: "1"\ntools:\n  t: {rules: [{validate: {schema: true}}]}\n';
    await using listener = await startListener({ policy, flags: ['--upstream', upstream.url, '--max-message', '32MiB'] });
    const large = { text: 'x'.repeat(30 * MIB) };
    /** Three calls that wait for the list of tools, which does not come; undefined where the first gave up waiting before the last came. */
    const refusedOfThree = async () => {
      lists.length = 0;
      const began = performance.now();
      const answers = [];
      for (const id of [0, 1, 2]) {
        const headers = await open(listener.url, 'ann');
        answers.push(exchange(listener.url, { body: call(id, large), headers }).then(messageIn));
        await until('it to wait, or to be refused', () => lists.length > id || id === 2 || undefined);
      }
      await answers[2];
      const inTime = performance.now() - began < LIST_PATIENCE_MS;
      for (const list of lists) list.destroy();
      const refused = (await Promise.all(answers)).filter(({ id, error }) => id === 2 && error !== undefined);
      return refused.length > 0 || inTime ? refused : undefined;
    };
    // The proxy waits for a list only so long, and a busy machine may need longer to send 90 MiB: that shows nothing.
    let refused = await refusedOfThree();
    for (let tries = 1; refused === undefined && tries < 5; tries++) refused = await refusedOfThree();
    expect(refused).toEqual([{ jsonrpc: '2.0', id: 2, error: { code: -32600, message: 'more than 64 MiB wait to be judged' } }]);
  });
});

describe('what nobody reads', () => {
  const LARGE = 30 * MIB;
  const large = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'x'.repeat(LARGE) }] } });
  const ways: Record<string, Answer> = {
    'a JSON body': ({ body }, response) => answerJson(response, large(JSON.parse(body).id)),
    events: ({ body }, response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${large(JSON.parse(body).id)}\n\n`),
  };
  test.each(Object.keys(ways))('answers by %s: 64 MiB of them may wait for one agent; beyond, it hears of that', async (way) => {
    await using upstream = await startUpstream(withSessions(ways[way] as Answer));
    await using listener = await startListener({ flags: ['--upstream', upstream.url, '--max-message', '40MiB'] });
    const [ann, bob] = [await open(listener.url, 'ann'), await open(listener.url, 'bob')];
    const port = Number(new URL(listener.url).port);
    const deaf = await Promise.all([1, 2, 3].map(() => openSocket(port)));
    for (const [id, socket] of deaf.entries()) {
      socket.pause();
      const body = call(`deaf-${id}`);
      const headers = Object.entries(ann).map(([name, value]) => `${name}: ${value}\r\n`);
      const more = `content-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: ${body.length}\r\n`;
      socket.send(`POST /mcp HTTP/1.1\r\nhost: localhost\r\n${headers.join('')}${more}\r\n${body}`);
    }
    await upstream.untilReceived('all three', ({ body }) => body.includes('deaf-'), 3);
    const asked = (headers: Record<string, string>) => exchange(listener.url, { body: call(7), headers }).catch(() => undefined);
    await until('the bound', async () => {
      const answer = await asked(ann);
      // A stream has said that all is well before there is too much: it breaks.
      if (answer === undefined) return way === 'events' || undefined;
      if (answer.status !== 503) return undefined;
      expect(messageIn(answer)).toMatchObject({ id: 7, error: { code: -32000 } });
      return true;
    });
    const others = await asked(bob);
    expect((way === 'events' ? eventData(others?.text ?? '')[0] : others?.text)?.length).toBeGreaterThan(LARGE);
    for (const socket of deaf) socket.close();
    await until('room again', async () => ((await asked(ann))?.status === 200 ? true : undefined));
  });
});

test('--max-sessions counts those of both transports, before a remote server', async () => {
  await using upstream = await startUpstream(
    withSessions(({ body }, response) => answerJson(response, { jsonrpc: '2.0', id: JSON.parse(body).id, result: {} })),
  );
  await using listener = await startListener({ flags: ['--upstream', upstream.url, '--max-sessions', '2'] });
  const stream = () => send(new URL('/sse', listener.url).href, { method: 'GET', headers: { accept: 'text/event-stream' } });
  const first = await stream();
  await first.untilBody('the endpoint', (text) => text.includes('/message'));
  const relayed = await open(listener.url, 'ann');
  expect([first.status, (await stream()).status]).toEqual([200, 503]);
  expect((await exchange(listener.url, { body: INITIALIZE })).status).toBe(503);
  expect((await exchange(listener.url, { body: call(1), headers: relayed })).status).toBe(200);
  first.close();
  await until('its place', async () => ((await exchange(listener.url, { body: INITIALIZE })).status === 200 ? true : undefined));
  expect((await stream()).status).toBe(503);
});
