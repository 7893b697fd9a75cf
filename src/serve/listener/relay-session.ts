/** The sessions that pass through the listener to a server of the same transport (wire.md §1): exchange by exchange, each on its own stream. */

import type { HttpClient } from '../../http/client.ts';
import { type CookieJar, createCookieJar, type RequestRules } from '../../http/headers.ts';
import type { EventStream } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { Turns } from '../../http/turns.ts';
import type { FrameBytes } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { LEGACY } from '../../mcp/messages/revisions.ts';
import type { Exchange, OutgoingFrame } from '../../proxy/exchange.ts';
import type { Failure } from '../../proxy/requests/ending.ts';
import { openSession, type ProxySession } from '../../proxy/session.ts';
import type { Agent, Agents } from './agents.ts';
import type { PostedRequest } from './front.ts';
import { IDLE, type Listed, type SessionTable, type Uses } from './sessions.ts';

/** The connection to the server, and the rules for messages that pass. */
export interface Way {
  readonly client: HttpClient;
  readonly rules: RequestRules;
  /** Bytes. */
  readonly maxMessage: number;
  /** Batches POSTs and answers that arrive in one event-loop turn. */
  readonly turns: Turns;
  /** Takes secrets out of what the server says of itself, and the client's own credential. */
  readonly mask: (text: string, credential?: string) => string;
  /** Lets no header of the server's lead the client past the proxy. To be called for a 401, and for what challenges. */
  readonly rewrite: (headers: Record<string, string>, request: ServedRequest, status: number) => Record<string, string>;
}

/** The endpoint: all that its sessions have in common. */
export interface Relay extends Way {
  readonly agents: Agents;
  readonly sessions: SessionTable<RelaySession>;
  readonly bare: BareSessions;
  /** All that are open, and those of them whose server has not named them yet. */
  readonly open: Set<RelaySession>;
  readonly unnamed: Set<RelaySession>;
  readonly uses: Uses;
  /** The server turned out to speak HTTP+SSE only. */
  isOld: boolean;
  /** It answered a message as one of Streamable HTTP does. */
  isNew: boolean;
}

/** A POST of the client that is being served. Enforcement knows it by its exchange, which stays small however long it is kept. */
export interface Post extends PostedRequest {
  readonly relay: RelaySession;
  readonly exchange: Exchange;
  readonly abort: AbortController;
  /** Of the client's headers, those that the server gets. */
  readonly headers: Readonly<Record<string, string>>;
  /** It asks for a session. */
  readonly opens: boolean;
  /** A server that knows nothing of this transport is to be left to the older one (wire.md §1). */
  readonly mayBeOld: boolean;
  /** It only listens to what may come. */
  readonly listens: boolean;
  /** Monotonic ms at which it came. */
  readonly since: number;
  /** Resolved when nothing more will come of it. */
  readonly over: PromiseWithResolvers<void>;
  stream: EventStream | undefined;
  /** Requests to the server that are under way. */
  sending: number;
  /** The stream ended before its answer, which the client may ask for on another. */
  awaitsResumption: boolean;
  /** The server answered as one of HTTP+SSE does. */
  isOld: boolean;
  /** The status and headers of an error of the proxy's own, once the server's side failed. */
  failed: { readonly status: number; readonly headers: Record<string, string> } | undefined;
}

/** Requests whose stream ended before their answer. INVARIANT I11: their ids are kept, and nothing of their POST. */
export interface Unresumed {
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
  readonly unresumed: Set<Unresumed>;
  /** GET streams of the client, on which what belongs to no request may come. */
  readonly streams: Set<EventStream>;
  /** GET and DELETE requests that are being served. */
  asking: number;
  /** The upstream's cookies. */
  readonly cookies: CookieJar;
  /** The server has not answered yet whether it opens one. */
  opening: Promise<unknown> | undefined;
  /** The headers of the last request; the proxy's own messages carry them, too. */
  headers: Readonly<Record<string, string>>;
}

export interface RelayOptions {
  /** A request of the modern era is a session of its own, beside others of the same agent. */
  readonly modern: boolean;
  /** Sends to the server what may go on of a POST. */
  readonly forward: (frame: OutgoingFrame, post: Post) => void;
  /** Takes what the proxy itself answers to a POST; `code` is that of an error. */
  readonly answer: (frames: readonly FrameBytes[], code: number | undefined, post: Post) => void;
  /** Carries a message of the proxy's own to the server. */
  readonly send: (frame: OutgoingFrame, relay: RelaySession) => void;
  readonly onEnd: (relay: RelaySession) => void;
}

/** Opens a session of this agent. */
export function openRelaySession(agent: Agent, { modern, forward, answer, send, onEnd }: RelayOptions): RelaySession {
  const posts: RelaySession['posts'] = new Map();
  const streams: RelaySession['streams'] = new Set();
  const output = {
    toServer(frames: readonly OutgoingFrame[]) {
      for (const frame of frames) {
        const post = frame.exchange && posts.get(frame.exchange);
        // SPEC: wire.md §5 — in the modern era the end of its stream is what cancels a request.
        if (frame.own && frame.modern && frame.cancels) post?.abort.abort();
        else if (post && !frame.own) forward(frame, post);
        else send(frame, relay);
      }
    },
    toAgent(frames: readonly FrameBytes[], exchange: Exchange | undefined, code?: number) {
      const post = exchange && posts.get(exchange);
      if (post) answer(frames, code, post);
      // A message of no request goes to one stream, not to all (the MCP transports page says so of servers).
      else if (!exchange) for (const frame of frames) streams.values().next().value?.write(renderMessage(frame));
    },
  };
  const session = openSession(agent.ports, agent.served, agent.client, output, {
    ...{ anySpace: true, replaceIds: true, resumable: !modern, joinBatches: true },
    ...{ shared: modern ? agent.shared : undefined, bounds: agent.shared, ownTasks: agent.shared.ownTasks },
  });
  const relay: RelaySession = {
    ...{ agent, session, posts, streams, resumable: !modern, unresumed: new Set(), oneStream: false },
    ...{ id: undefined, isBare: false, gone: undefined, worked: false, asking: 0, opening: undefined, headers: {} },
    cookies: modern ? agent.cookies : createCookieJar(),
    touched: agent.ports.monotonic(),
    returned: false,
    // A request in a session whose client never came back may wait for nobody.
    isBusy: () =>
      relay.returned || relay.isBare
        ? posts.size > 0 || streams.size > 0 || relay.asking > 0
        : [...posts.values()].some(({ request }) => !request.reply.over),
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
export function sweepUnresumed({ unresumed, session }: RelaySession, now: number): void {
  for (const each of unresumed) {
    const isWaiting = each.ids.some(session.waitsFor);
    if (isWaiting && now < each.until) continue;
    unresumed.delete(each);
    if (isWaiting) void session.upstreamFailed(each.ids, NOT_RESUMED).catch(() => undefined);
  }
}

/** SPEC: wire.md §5 — a credential that the server took nothing from may be invented: once nothing of it is under way, nothing stays. */
export function isUnknown({ agent, posts, asking }: RelaySession): boolean {
  return !agent.isAccepted && posts.size === 0 && asking === 0;
}

/** The sessions of servers that give no session ids: one for each agent and revision. */
export interface BareSessions {
  find(agent: Agent, version: string): RelaySession | undefined;
  /** Keeps it for all requests of its agent and revision that name no session. */
  keep(relay: RelaySession, version: string): void;
  remove(relay: RelaySession): void;
  /** Ends those that nobody has used for long. */
  sweep(now: number): void;
}

const KNOWN: ReadonlySet<string> = new Set(LEGACY);
/** The revision of clients that do not say theirs (the MCP transports page of 2025-06-18 says so). */
export const UNSAID = '2025-03-26';

/** Creates the empty table. INVARIANT I11: as many as agents that the upstream has accepted, or that wait for it, times the revisions. */
export function createBareSessions(): BareSessions {
  const bare = new Map<string, RelaySession>();
  const keyOf = ({ key }: Agent, version: string) => `${KNOWN.has(version) ? version : UNSAID} ${key}`;
  const remove = (relay: RelaySession) => {
    for (const version of KNOWN) if (bare.get(keyOf(relay.agent, version)) === relay) bare.delete(keyOf(relay.agent, version));
  };
  return {
    find: (agent, version) => bare.get(keyOf(agent, version)),
    keep(relay, version) {
      bare.set(keyOf(relay.agent, version), relay);
      relay.isBare = true;
    },
    remove,
    sweep(now) {
      for (const relay of bare.values()) {
        if (relay.isBusy() || now - relay.touched < IDLE) continue;
        remove(relay);
        void relay.end('the session was not used any more');
      }
    },
  };
}
