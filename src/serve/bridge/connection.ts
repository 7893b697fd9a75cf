/** The state of the bridge's connection to the server, what it needs of others, and how it sends. */
import type { HttpClient, UpstreamAnswer } from '../../http/client.ts';
import { type CookieJar, createCookieJar } from '../../http/headers.ts';
import type { Look, WholeEvent } from '../../http/sse.ts';
import { renderEvent } from '../../http/sse-render.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { Sender } from '../../mcp/messages/id-finder.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { Failure } from '../../proxy/requests/ending.ts';
import { type NonMessageEvent, type Peeked, peek, type Received } from '../upstream/read-answer.ts';

export interface BridgePorts {
  readonly client: HttpClient;
  /** Bytes. */
  readonly maxMessage: number;
  readonly log: { debug(text: string): void; warn(text: string): void; info(text: string): void };
  /** Takes secrets out of what the server says of itself, before anybody reads it. */
  mask(text: string): string;
  look(): Look<Sender>;
  /** Takes the server's messages. No more is read before the promise that it returns resolves. */
  receive(messages: readonly Received[]): void | Promise<void>;
  /** Takes what a stream brings besides messages (comments, ids, times), as events that deliver nothing. */
  nonMessage?(event: NonMessageEvent): void;
  /** Answers true while a request that was sent under this id has no answer yet, and is still waited for. */
  waitsFor(id: RequestId): boolean;
  /** These requests will have no answer; each that still waits gets an error. */
  fail(ids: readonly RequestId[], failure: Failure): void;
  /** The headers that a modern request has besides its body (wire.md §2.10). */
  headersFor(frame: OutgoingFrame): Readonly<Record<string, string>>;
  /** Asks the server anew for its tools, whose schemas decide about those headers. */
  relearnTools(): Promise<void>;
  /** Explains to the operator what a 401 asks for. */
  unauthorized(wwwAuthenticate: string | undefined): void;
}

/** A request whose POST is under way. */
export interface OpenRequest {
  readonly ids: readonly RequestId[];
  readonly giveUp: AbortController;
  /** The session it was sent in. */
  session: string | undefined;
  /** Its answer has begun. */
  isStreaming: boolean;
  /** To be called when nobody waits for it any more, though its stream may go on. */
  readonly settled: () => void;
}

/** HTTP+SSE (2024-11-05): where messages go, while the stream on which answers come is open. */
export interface SseChannel {
  readonly endpoint: URL;
}

export interface ServerConnection {
  readonly ports: BridgePorts;
  /** By the key of the first id. */
  readonly open: Map<string, OpenRequest>;
  /** Requests whose answers come on another stream than that of their own POST. */
  readonly elsewhere: Map<string, RequestId>;
  /** Aborted when the bridge ends. */
  readonly over: AbortController;
  /** The server's transport; undefined until it answered once. */
  transport: 'streamable' | 'sse' | undefined;
  session: string | undefined;
  /** The cookies of that session; a new one begins without. */
  cookies: CookieJar;
  /** The session was lost; a new one is opened before the next message. */
  isLost: boolean;
  /** The reason why it could not be opened. */
  trouble: string;
  /** A session in which a request was answered. */
  worked: string | undefined;
  /** The revision that was agreed on in the handshake. */
  version: string | undefined;
  /** The client's `initialize` around its id, kept so that a lost session can be opened anew. */
  initialize: { readonly before: string; readonly after: string } | undefined;
  /** A connection that is being made anew, for all that wait for it. */
  renewing: Promise<boolean> | undefined;
  /** The answer to the bridge's own `initialize`, which goes to nobody. */
  expected: { readonly id: string; readonly take: (answer: Peeked) => void } | undefined;
  /** The stream for what belongs to no request, while it is open. */
  listening: AbortController | undefined;
  /** While that stream is opened anew at once; requests wait for it. */
  reopening: Promise<unknown> | undefined;
  channel: SseChannel | undefined;
}

/** A connection to a server that was not spoken to yet. */
export function createConnection(ports: BridgePorts): ServerConnection {
  return {
    ports,
    open: new Map(),
    elsewhere: new Map(),
    over: new AbortController(),
    transport: undefined,
    session: undefined,
    cookies: createCookieJar(),
    isLost: false,
    trouble: '',
    worked: undefined,
    version: undefined,
    initialize: undefined,
    renewing: undefined,
    expected: undefined,
    listening: undefined,
    reopening: undefined,
    channel: undefined,
  };
}

const ACCEPT = { accept: 'application/json, text/event-stream' };

/** Sends a frame to where the server takes messages. Rejects with `UpstreamFault`. */
export function post(
  frame: Pick<OutgoingFrame, 'bytes'> & Partial<OutgoingFrame>,
  connection: ServerConnection,
  signal: AbortSignal,
  onSent?: () => void,
): Promise<UpstreamAnswer> {
  const { ports, channel, cookies } = connection;
  const era = frame.modern ? ports.headersFor(frame as OutgoingFrame) : sessionHeaders(connection);
  const headers = { ...ACCEPT, 'content-type': 'application/json', ...era };
  return ports.client.send({ method: 'POST', url: channel?.endpoint, headers, body: frame.bytes, cookies, signal, onSent });
}

/** Opens a stream of the server's. */
export function get(connection: ServerConnection, lastId: string | undefined, signal: AbortSignal): Promise<UpstreamAnswer> {
  const resumed = lastId === undefined ? {} : { 'last-event-id': Buffer.from(lastId).toString('latin1') };
  const headers = { accept: 'text/event-stream', ...sessionHeaders(connection), ...resumed };
  return connection.ports.client.send({ method: 'GET', headers, cookies: connection.cookies, signal });
}

/** The headers that name the session, and the revision spoken in it. */
export function sessionHeaders({ session, version }: ServerConnection): Record<string, string> {
  return {
    ...(session === undefined ? {} : { 'mcp-session-id': session }),
    ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
  };
}

/** Answers true while the server still has to answer one of these. */
export function isWaiting(ids: readonly RequestId[], { ports }: ServerConnection): boolean {
  for (const id of ids) if (ports.waitsFor(id)) return true;
  return false;
}

/** Hands on the server's messages, except the answer to the bridge's own request. */
export function deliver(messages: readonly Received[], { ports, expected }: ServerConnection): void | Promise<void> {
  if (!expected) return ports.receive(messages);
  const others = messages.filter((message) => {
    const answer = message.kind === 'line' ? peek(message.bytes) : undefined;
    if (answer?.id !== expected.id) return true;
    expected.take(answer);
    return false;
  });
  return others.length > 0 ? ports.receive(others) : undefined;
}

/** Hands on the fields of an event that are no message. Its data, where it has none to judge, is kept on a stream of the same transport. */
export function passNonMessage(event: WholeEvent, { ports, transport }: ServerConnection): void {
  if (!ports.nonMessage) return;
  const data = event.data?.length === 0 && transport === 'sse' ? event.data : undefined;
  ports.nonMessage({ bytes: renderEvent(event, data), hasId: event.id !== undefined });
}

/** The method of a request or a notification; undefined for answers and batches. */
export function methodOf({ message }: OutgoingFrame): string | undefined {
  return message && 'method' in message ? message.method : undefined;
}
