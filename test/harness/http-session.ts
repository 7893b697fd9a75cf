/** A client's session over HTTP that sends whatever bytes it is given, and hears answers on every channel. */
import type { Frame } from './client.ts';
import { eventData, type HttpAnswer, send } from './http.ts';
import { type Message, parseMessage } from './message.ts';
import { until } from './wait.ts';

export interface HttpSession extends AsyncDisposable {
  /** Everything that came, on all channels, in the order it came. */
  readonly frames: readonly Frame[];
  /** Posts one body; resolves with the status when all that the answer's own stream brings was read. */
  post(body: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<number>;
  /** Posts a request and waits for its answer, on whichever channel. */
  request(method: string, params: object): Promise<Message>;
  /** Ends the session at the server, as well-behaved clients do. */
  end(): Promise<void>;
}

type Headers = Readonly<Record<string, string>>;

const STREAM = { accept: 'text/event-stream' };

function initializeText(version: string): string {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'harness', version: '1' } };
  return JSON.stringify({ jsonrpc: '2.0', id: 'init', method: 'initialize', params });
}

/** Opens a session over Streamable HTTP, with its GET stream where the server offers one. */
export async function openStreamable(url: string, version: string): Promise<HttpSession> {
  const inbox = openInbox();
  const opened = await send(url, { body: initializeText(version) });
  await inbox.readAll(opened);
  const session = opened.headers['mcp-session-id'];
  const headers: Headers = { 'mcp-protocol-version': version, ...(session !== undefined && { 'mcp-session-id': String(session) }) };
  const standing = await send(url, { method: 'GET', headers: { ...headers, ...STREAM } });
  if (standing.status === 200) inbox.listen(standing);
  const resume = async (answer: HttpAnswer) => {
    const last = /^id: ?(\S+)$/m.exec(answer.body().toString('utf8'))?.[1];
    if (last === undefined) return;
    const resumed = await send(url, { method: 'GET', headers: { ...headers, ...STREAM, 'last-event-id': last } });
    await inbox.firstAnswer(resumed);
    resumed.close();
  };
  const post = async (body: string | Uint8Array, more: Headers = {}) => {
    const answer = await send(url, { headers: { ...headers, ...more }, body });
    const answered = await inbox.readAll(answer);
    if (answer.status === 200 && !answered) await resume(answer);
    return answer.status;
  };
  await post('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  const end = async () => {
    await (await send(url, { method: 'DELETE', headers })).ended.catch(() => {});
  };
  return speak(inbox, post, () => standing.close(), end);
}

/** Opens a session over HTTP+SSE (2024-11-05). */
export async function openLegacy(url: string, version: string): Promise<HttpSession> {
  const inbox = openInbox();
  const stream = await send(new URL('/sse', url).href, { method: 'GET', headers: STREAM });
  const first = await stream.untilBody('the endpoint', (text) => /event: ?endpoint\ndata: ?\S+\n\n/.test(text));
  const endpoint = new URL(/data: ?(\S+)/.exec(first)?.[1] ?? '', url).href;
  inbox.listen(stream);
  const post = async (body: string | Uint8Array) => {
    const answer = await send(endpoint, { body });
    await inbox.readAll(answer);
    return answer.status;
  };
  const session = speak(inbox, post, () => stream.close());
  await post(initializeText(version));
  await until('the answer to initialize', () => inbox.frames.find((frame) => frame.json?.id === 'init'));
  await post('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  return session;
}

function speak(inbox: Inbox, post: HttpSession['post'], close: () => void, end: () => Promise<void> = async () => close()): HttpSession {
  let ids = 0;
  const request = async (method: string, params: object) => {
    const id = `h${++ids}`;
    await post(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    const isAnswer = (frame: Frame) => frame.json?.id === id && frame.json.method === undefined;
    return (await until(`the answer to ${method}`, () => inbox.frames.find(isAnswer))).json as Message;
  };
  return { frames: inbox.frames, post, request, end, [Symbol.asyncDispose]: async () => close() };
}

export interface Inbox {
  readonly frames: readonly Frame[];
  /** Reads an answer to its end; whether it held an answer to a request. */
  readAll(answer: HttpAnswer): Promise<boolean>;
  /** Reads a stream until the first answer to a request. */
  firstAnswer(answer: HttpAnswer): Promise<void>;
  /** Reads a stream for as long as it lives. */
  listen(answer: HttpAnswer): void;
  /** Reads an answer that was no stream, at its end. */
  end(answer: HttpAnswer): void;
}

/** Opens an empty one. */
export function openInbox(): Inbox {
  const frames: Frame[] = [];
  const take = (texts: readonly string[]) => {
    const taken = texts.map((text) => ({ text, json: parseMessage(text) })).filter(({ json }) => json !== undefined);
    frames.push(...taken);
    return taken.some(({ json }) => json?.method === undefined);
  };
  /** Takes the events of a stream that are whole and were not taken before. */
  const follow = (answer: HttpAnswer) => {
    let at = 0;
    return () => {
      const text = answer.body().toString('utf8');
      const end = text.lastIndexOf('\n\n') + 2;
      if (end < 2) return false;
      const fresh = text.slice(at, end);
      at = Math.max(at, end);
      return take(eventData(fresh));
    };
  };
  const readAll = async (answer: HttpAnswer) => {
    if (!isStream(answer)) {
      await answer.ended.catch(() => {});
      return take([answer.body().toString('utf8')]);
    }
    const next = follow(answer);
    await answer.ended.catch(() => {});
    return next();
  };
  const firstAnswer = async (answer: HttpAnswer) => {
    const next = follow(answer);
    await until('an answer on the resumed stream', () => (next() ? true : undefined));
  };
  const listen = (answer: HttpAnswer) => {
    if (!isStream(answer)) return;
    const next = follow(answer);
    answer.onData(() => void next());
  };
  const end = (answer: HttpAnswer) => {
    if (!isStream(answer)) take([answer.body().toString('utf8')]);
  };
  return { frames, readAll, firstAnswer, listen, end };
}

function isStream(answer: HttpAnswer): boolean {
  return String(answer.headers['content-type']).startsWith('text/event-stream');
}
