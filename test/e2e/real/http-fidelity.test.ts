/**
 * Faithfulness over HTTP (wire.md §1): bodies, events, ids, comments and retries arrive byte for byte, in both
 * directions, through the listener, the bridge, and in front of a child.
 */
import { expect, test } from 'bun:test';
import { eventData, exchange } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { ALLOW_ALL, startProxy } from '../../harness/proxy.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { type Answer, type ScriptedUpstream, startUpstream } from '../../harness/upstream.ts';
import { ANSWERS, BEFORE } from './corpus.ts';
import { BODIES, POSTED, STREAMS } from './http-corpus.ts';

const TIMEOUT_MS = 60_000;
const SESSION = 'session-é'.replace('é', 'e');
const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}';
const INITIALIZED =
  '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"raw","version":"1"}}}';
const CALL = { legacy: '{"name":"t"}' };

/** Answers the handshake, refuses GET and DELETE, and gives `answer` the rest. */
function served(answer: Answer): Answer {
  return (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end();
    if (request.body.includes('"initialize"'))
      return void response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': SESSION }).end(INITIALIZED);
    if (!/"id"/.test(request.body) || !/"method"/.test(request.body)) return void response.writeHead(202).end();
    if (request.body.includes('"tools/list"')) {
      const id = JSON.stringify(JSON.parse(request.body).id);
      return void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`{"jsonrpc":"2.0","id":${id},"result":{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}}`);
    }
    return answer(request, response);
  };
}

const idOf = (body: string) => /"id"\s*:\s*("[^"]*"|\d+)/.exec(body)?.[1] ?? 'null';

function answerBody(body: string): Answer {
  return (request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(body.replace('$ID', idOf(request.body)));
}

function answerStream(events: readonly string[]): Answer {
  return (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) response.write(event.replace('$ID', idOf(request.body)));
    response.end();
  };
}

async function openListener() {
  const upstream = await startUpstream(served(answerBody(BODIES[0] ?? '')));
  const listener = await startListener({ flags: ['--upstream', `${upstream.url}/mcp`, '--max-message', '20MiB'] });
  const opened = await exchange(listener.url, { body: INITIALIZE });
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' };
  const close = async () => {
    await listener[Symbol.asyncDispose]();
    await upstream.close();
  };
  return { upstream, post: (body: string) => exchange(listener.url, { headers, body }), [Symbol.asyncDispose]: close };
}

/** A call's text, with an id of its own. */
function callText(id: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${CALL.legacy}}`;
}

test(
  'listener: JSON bodies arrive byte for byte',
  async () => {
    await using front = await openListener();
    for (const [id, body] of BODIES.entries()) {
      front.upstream.answer(served(answerBody(body)));
      const answer = await front.post(callText(id));
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
      expect(answer.text === body.replace('$ID', `${id}`) ? 'the same' : answer.text.slice(0, 2_000)).toBe('the same');
    }
  },
  TIMEOUT_MS,
);

test(
  'listener: streams arrive byte for byte, with ids, comments, retries and empty events',
  async () => {
    await using front = await openListener();
    for (const [id, events] of STREAMS.entries()) {
      front.upstream.answer(served(answerStream(events)));
      const answer = await front.post(callText(id));
      const expected = events.join('').replace('$ID', `${id}`);
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/event-stream']);
      expect(answer.text === expected ? 'the same' : answer.text.slice(0, 2_000)).toBe('the same');
    }
  },
  TIMEOUT_MS,
);

test(
  'listener: what a client posts arrives byte for byte',
  async () => {
    await using front = await openListener();
    for (const body of POSTED) {
      expect(JSON.parse((await front.post(body)).text).result).toBeDefined();
      expect(last(front.upstream) === body ? 'the same' : last(front.upstream).slice(0, 2_000)).toBe('the same');
    }
  },
  TIMEOUT_MS,
);

function last(upstream: ScriptedUpstream): string {
  return upstream.received.at(-1)?.body ?? '';
}

/** A line as it stands for a body whose white space may hold line breaks (wire.md §2.6: the bridge writes them as spaces). */
function asLine(text: string): string {
  return text.replaceAll(/[\r\n\t]/g, ' ').trim();
}

test(
  'bridge: bodies and events become lines, lines become bodies, byte for byte but for white space between tokens',
  async () => {
    await using upstream = await startUpstream(served(answerBody(BODIES[0] ?? '')));
    await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', `${upstream.url}/mcp`, '--max-message', '20MiB'] });
    const { client } = proxy;
    await client.initialize();
    const ask = async (line: string) => {
      const from = client.frames.length;
      client.sendLine(line);
      const id = JSON.parse(line).id;
      await client.next((frame) => frame.json?.id === id && frame.json?.method === undefined);
      return client.frames.slice(from).map((frame) => frame.text.replaceAll('\t', ' ').trim());
    };
    for (const [id, body] of BODIES.entries()) {
      upstream.answer(served(answerBody(body)));
      expect(
        (await ask(callText(id))).at(-1) === asLine(body.replace('$ID', `${id}`)) ? 'the same' : client.frames.at(-1)?.text.slice(0, 500),
      ).toBe('the same');
    }
    for (const [id, events] of STREAMS.entries()) {
      upstream.answer(served(answerStream(events)));
      const expected = eventData(events.join('').replace('$ID', `${100 + id}`)).filter(
        (data) => data.startsWith('{') || data.startsWith(' {'),
      );
      const lines = await ask(callText(100 + id));
      expect(JSON.stringify(lines) === JSON.stringify(expected.map(asLine)) ? 'the same' : lines.join('\n').slice(0, 2_000)).toBe(
        'the same',
      );
    }
    upstream.answer(served(answerBody(BODIES[0] ?? '')));
    for (const body of POSTED.slice(1)) {
      await ask(body);
      expect(last(upstream) === body ? 'the same' : last(upstream).slice(0, 500)).toBe('the same');
    }
  },
  TIMEOUT_MS,
);

test.each(['stream', 'legacy'] as const)(
  'listener in front of a child, by %s: lines become events and events lines, byte for byte',
  async (way) => {
    const steps = ANSWERS.map((line) => ({ do: 'raw' as const, lines: [...BEFORE, line] }));
    await using recorder = await setUpRecorder({ tools: [{ name: 't', behaviour: { do: 'sequence', steps } }] });
    await using listener = await startListener({ server: recorder.command });
    await using agent = way === 'stream' ? await openStreamable(listener.url) : await openLegacy(listener.url);
    for (const [id, line] of ANSWERS.entries()) {
      const seen = await agent.ask(callText(id), id);
      expect(asLine(seen.at(-1) ?? '')).toBe(asLine(line.replace('$ID', `${id}`)));
    }
    for (const body of POSTED) await agent.ask(body, JSON.parse(body).id);
    const received = (await recorder.ledger()).flatMap((entry) => (entry.type === 'executed' ? [entry.line] : [])).slice(ANSWERS.length);
    expect(received.map((line) => asLine(line).length)).toEqual(POSTED.map((body) => asLine(body).length));
    expect(received.every((line, i) => asLine(line) === asLine(POSTED[i] ?? ''))).toBe(true);
  },
  TIMEOUT_MS,
);

interface Agent extends AsyncDisposable {
  /** Posts one request; the messages that came until its answer, as their text. */
  ask(body: string, id: unknown): Promise<readonly string[]>;
}

async function openStreamable(url: string): Promise<Agent> {
  const opened = await exchange(url, { body: INITIALIZE });
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' };
  await exchange(url, { headers, body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' });
  const ask = async (body: string) => {
    const { text, headers: answered } = await exchange(url, { headers, body });
    return String(answered['content-type']).startsWith('text/event-stream') ? eventData(text) : [text];
  };
  return { ask, [Symbol.asyncDispose]: async () => void (await exchange(url, { method: 'DELETE', headers })) };
}

async function openLegacy(url: string): Promise<Agent> {
  const { send } = await import('../../harness/http.ts');
  const stream = await send(new URL('/sse', url).href, { method: 'GET', headers: { accept: 'text/event-stream' } });
  const first = await stream.untilBody('the endpoint', (text) => /event: endpoint\ndata: \S+\n\n/.test(text));
  const endpoint = new URL(/data: (\S+)/.exec(first)?.[1] ?? '', url).href;
  const ask = async (body: string, id: unknown) => {
    const from = stream.body().length;
    const posted = await exchange(endpoint, { body });
    expect(posted.status).toBe(202);
    const isAnswer = (data: string) => data.startsWith('{') && JSON.parse(data).id === id && JSON.parse(data).method === undefined;
    const messages = (text: string) => eventData(text).filter((data) => /^\s*\{/.test(data));
    await stream.untilBody(`the answer to ${id}`, () =>
      messages(stream.body().subarray(from).toString('utf8')).some((data) => isAnswer(data.trim())),
    );
    return messages(stream.body().subarray(from).toString('utf8'));
  };
  await ask(INITIALIZE, 0);
  return { ask, [Symbol.asyncDispose]: async () => stream.close() };
}
