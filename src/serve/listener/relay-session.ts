/** One session that passes through the listener to a server of the same transport (wire.md §1): exchange by exchange, each on its own stream. */

import type { HttpClient } from '../../http/client.ts';
import { type CookieJar, createCookieJar, type RequestRules } from '../../http/headers.ts';
import type { EventStream } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { Turns } from '../../http/turns.ts';
import type { FrameBytes } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { Exchange, OutgoingFrame } from '../../proxy/exchange.ts';
import type { Failure } from '../../proxy/requests/ending.ts';
import { openSession, type ProxySession } from '../../proxy/session.ts';
import type { Agent } from './agents.ts';
import type { Listed } from './sessions.ts';

export interface Relay {
  readonly client: HttpClient;
  readonly rules: RequestRules;
  /** Bytes. */
  readonly maxMessage: number;
  /** What clients and the server said goes on from here. */
  readonly turns: Turns;
  /** Takes secrets out of what the server says of itself, and the client's own credential. */
  readonly mask: (text: string, credential?: string) => string;
  /** Lets no header of the server's lead the client past the proxy. */
  readonly rewrite: (headers: Record<string, string>, request: ServedRequest, status: number) => Record<string, string>;
}

/** A POST of the client that is being served. Enforcement knows it by its exchange, which stays small however long it is kept. */
export interface Post {
  /** Sends to the server what may go on of it. */
  forward(frame: OutgoingFrame): void;
  /** Takes what the proxy itself answers; `code` is that of an error. */
  answer(frames: readonly FrameBytes[], code?: number): void;
  giveUp(): void;
  /** Nobody is left to read its answer. */
  readonly gone: boolean;
  /** It only listens to what may come. */
  readonly listens: boolean;
  /** Opens its stream where its client has waited long enough for an answer. Monotonic ms. */
  keepOpen(now: number): void;
}

/** After so long without an answer a stream is opened, so that nobody in between takes the silence for an end, ms. */
export const PATIENCE = 5_000;

/** Requests whose stream ended before their answer. INVARIANT I11: their ids are kept, and nothing of their POST. */
export interface Adrift {
  readonly ids: readonly RequestId[];
  /** Monotonic ms until which the client may ask for the answer on another stream. */
  readonly until: number;
}

export interface RelaySession extends Listed {
  readonly session: ProxySession;
  /** An answer may come on another stream, which the client asks for. */
  readonly resumable: boolean;
  /** The server's own id of it; undefined until it gave one, and where it gives none. */
  id: string | undefined;
  /** It stands for all requests of its agent that name no session. */
  isBare: boolean;
  /** The server says that there is no such session any more; where that is only likely, what is under way goes on. */
  gone: 'certainly' | 'likely' | undefined;
  /** A request was answered in it. */
  worked: boolean;
  readonly posts: Map<Exchange, Post>;
  /** Each has a request in flight, or had one a second ago: there are no more than may be in flight. */
  readonly adrift: Set<Adrift>;
  /** GET streams of the client, on which what belongs to no request may come. */
  readonly streams: Set<EventStream>;
  /** GET and DELETE requests that are being served. */
  asking: number;
  /** Of the upstream. */
  readonly cookies: CookieJar;
  /** The server has not answered yet whether it opens one. */
  opening: Promise<unknown> | undefined;
  /** Of the last request: what the proxy's own go with. */
  headers: Readonly<Record<string, string>>;
}

export interface RelayOptions {
  /** A request of the modern era is a session of its own, beside others of the same agent. */
  readonly modern: boolean;
  /** Carries a message of the proxy's own to the server. */
  readonly send: (frame: OutgoingFrame, relay: RelaySession) => void;
  readonly onEnd: (relay: RelaySession) => void;
}

/** Opens a session of this agent. */
export function openRelaySession(agent: Agent, { modern, send, onEnd }: RelayOptions): RelaySession {
  const { ports } = agent;
  const posts: RelaySession['posts'] = new Map();
  const streams: RelaySession['streams'] = new Set();
  const session = openSession(
    ports,
    agent.served,
    agent.client,
    {
      toServer(frames) {
        for (const frame of frames) toServer(frame, relay, send);
      },
      toAgent(frames, exchange, code) {
        if (exchange) posts.get(exchange)?.answer(frames, code);
        else tell(frames, streams);
      },
    },
    {
      anySpace: true,
      replaceIds: true,
      resumable: !modern,
      joinBatches: true,
      shared: modern ? agent.shared : undefined,
      bounds: agent.shared,
      ownTasks: agent.shared.ownTasks,
    },
  );
  const relay: RelaySession = {
    ...{
      agent,
      session,
      resumable: !modern,
      id: undefined,
      isBare: false,
      gone: undefined,
      worked: false,
      posts,
      adrift: new Set(),
      streams,
      asking: 0,
      cookies: modern ? agent.cookies : createCookieJar(),
      opening: undefined,
      headers: {},
      touched: ports.monotonic(),
      returned: false,
    },
    // What waits in a session whose client never came back may wait for nobody.
    isBusy: () =>
      relay.returned || relay.isBare
        ? posts.size > 0 || streams.size > 0 || relay.asking > 0
        : [...posts.values()].some(({ gone }) => !gone),
    async end(why) {
      onEnd(relay);
      await session.end(why);
      for (const stream of streams) stream.end();
    },
  };
  return relay;
}

const NOT_RESUMED: Failure = { outcome: 'kept', why: 'the server ended its answer before it was whole', answered: true };

/** Forgets what was answered on another stream, and ends what nobody came back for. */
export function sweepAdrift({ adrift, session }: RelaySession, now: number): void {
  for (const each of adrift) {
    const isWaiting = each.ids.some(session.waitsFor);
    if (isWaiting && now < each.until) continue;
    adrift.delete(each);
    if (isWaiting) void session.upstreamFailed(each.ids, NOT_RESUMED).catch(() => undefined);
  }
}

function toServer(frame: OutgoingFrame, relay: RelaySession, send: RelayOptions['send']): void {
  const post = frame.exchange && relay.posts.get(frame.exchange);
  // SPEC: wire.md §5 — in the modern era the end of its stream is what cancels a request.
  if (frame.own && frame.modern && frame.cancels) post?.giveUp();
  else if (post && !frame.own) post.forward(frame);
  else send(frame, relay);
}

/** What belongs to no request goes to one stream, not to all (the MCP transports page says so of servers). */
function tell(frames: readonly FrameBytes[], streams: RelaySession['streams']): void {
  const [stream] = streams;
  if (stream) for (const frame of frames) stream.write(renderMessage(frame));
}
