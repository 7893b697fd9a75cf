/** What the bridge knows of its connection to the server. */

import type { UpstreamAnswer } from '../../http/client.ts';
import { type CookieJar, createCookieJar } from '../../http/headers.ts';
import type { WholeEvent } from '../../http/sse.ts';
import { renderEvent } from '../../http/sse-render.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { Received } from '../upstream/read-answer.ts';
import { type Peeked, peek } from '../upstream/read-answer.ts';
import type { BridgePorts } from './bridge-ports.ts';

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
export interface Channel {
  readonly endpoint: URL;
}

export interface Link {
  readonly ports: BridgePorts;
  /** By the key of the first id. */
  readonly open: Map<string, OpenRequest>;
  /** Requests whose answers come on another stream than that of their own POST. */
  readonly adrift: Map<string, RequestId>;
  /** Aborted when the bridge ends. */
  readonly over: AbortController;
  /** How the server speaks; undefined until it answered once. */
  transport: 'streamable' | 'sse' | undefined;
  session: string | undefined;
  /** Of that session; a new one begins without. */
  cookies: CookieJar;
  /** It was lost, and there is no new one yet: it is opened before the next message. */
  isLost: boolean;
  /** Why it could not be. */
  trouble: string;
  /** A session in which a request was answered. */
  worked: string | undefined;
  /** The revision that was agreed on in the handshake. */
  version: string | undefined;
  /** The client's `initialize` around its id, to be said again. */
  greeting: { readonly before: string; readonly after: string } | undefined;
  /** A connection that is being made anew, for all that wait for it. */
  renewing: Promise<boolean> | undefined;
  /** The answer to the bridge's own `initialize`, which goes to nobody. */
  expected: { readonly id: string; readonly take: (answer: Peeked) => void } | undefined;
  /** The stream for what belongs to no request, while it is open. */
  listening: AbortController | undefined;
  /** While that stream is opened anew at once; requests wait for it. */
  reopening: Promise<unknown> | undefined;
  channel: Channel | undefined;
}

/** A link to a server that was not spoken to yet. */
export function createLink(ports: BridgePorts): Link {
  return {
    ports,
    open: new Map(),
    adrift: new Map(),
    over: new AbortController(),
    transport: undefined,
    session: undefined,
    cookies: createCookieJar(),
    isLost: false,
    trouble: '',
    worked: undefined,
    version: undefined,
    greeting: undefined,
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
  link: Link,
  signal: AbortSignal,
  onSent?: () => void,
): Promise<UpstreamAnswer> {
  const { ports, channel, cookies } = link;
  const era = frame.modern ? ports.headersFor(frame as OutgoingFrame) : sessionHeaders(link);
  const headers = { ...ACCEPT, 'content-type': 'application/json', ...era };
  return ports.client.send({ method: 'POST', url: channel?.endpoint, headers, body: frame.bytes, cookies, signal, onSent });
}

/** Opens a stream of the server's. */
export function get(link: Link, lastId: string | undefined, signal: AbortSignal): Promise<UpstreamAnswer> {
  const resumed = lastId === undefined ? {} : { 'last-event-id': Buffer.from(lastId).toString('latin1') };
  const headers = { accept: 'text/event-stream', ...sessionHeaders(link), ...resumed };
  return link.ports.client.send({ method: 'GET', headers, cookies: link.cookies, signal });
}

/** What names the session, and the revision spoken in it. */
export function sessionHeaders({ session, version }: Link): Record<string, string> {
  return {
    ...(session === undefined ? {} : { 'mcp-session-id': session }),
    ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
  };
}

/** Whether the server still has to answer one of these. */
export function isWaiting(ids: readonly RequestId[], { ports }: Link): boolean {
  return ids.some((id) => ports.waitsFor(id));
}

/** Hands on what the server said, but for what the bridge asked itself. */
export function deliver(messages: readonly Received[], { ports, expected }: Link): void | Promise<void> {
  if (!expected) return ports.receive(messages);
  const others = messages.filter((message) => {
    const said = message.kind === 'line' ? peek(message.bytes) : undefined;
    if (said?.id !== expected.id) return true;
    expected.take(said);
    return false;
  });
  return others.length > 0 ? ports.receive(others) : undefined;
}

/** Hands on what an event has besides a message. Its data, where it has none to judge, is kept on a stream of the same transport. */
export function passAside(event: WholeEvent, { ports, transport }: Link): void {
  if (!ports.aside) return;
  const data = event.data?.length === 0 && transport === 'sse' ? event.data : undefined;
  ports.aside({ bytes: renderEvent(event, data), hasId: event.id !== undefined });
}

/** The method of a request or a notification; undefined for answers and batches. */
export function methodOf({ message }: OutgoingFrame): string | undefined {
  return message && 'method' in message ? message.method : undefined;
}
