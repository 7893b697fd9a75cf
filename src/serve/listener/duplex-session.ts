/**
 * The sessions of the listener's own making, as many as are allowed, each in front of a server that writes to one place: what it
 * writes finds its way to the streams of the client.
 */
import { randomBytes } from 'node:crypto';
import type { EventStream } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { FrameBytes } from '../../mcp/messages/frame.ts';
import { renderError } from '../../mcp/messages/reply.ts';
import { readServerFrame } from '../../mcp/messages/server.ts';
import { StartError } from '../../process/child.ts';
import { ownReply } from '../../proxy/deliver.ts';
import type { Exchange } from '../../proxy/exchange.ts';
import { openSession, type ProxySession } from '../../proxy/session.ts';
import type { Agent, Agents } from './agents.ts';
import { type Backend, type OpenBackend, startedByMessage } from './backend.ts';
import type { PostedRequest } from './front.ts';
import { type Listed, refuseFull, type SessionTable, type Uses } from './sessions.ts';

/** A POST that is being served. */
export interface DuplexPost extends PostedRequest {
  readonly duplex: DuplexSession;
  /** Enforcement keeps it as long as it remembers the request, and with it nothing of this POST (I11). */
  readonly exchange: Exchange;
  /** It only listens to what may come. */
  readonly listens: boolean;
  /** Its client takes a stream. */
  readonly streams: boolean;
  /** It is of 2026-07-28, where the status follows the error. */
  readonly modern: boolean;
  /** Monotonic ms at which it came. */
  readonly since: number;
  readonly over: PromiseWithResolvers<void>;
  /** Frames of this turn: an answer that comes alone needs no stream. */
  frames: FrameBytes[];
  /** The code of the last frame, where it is an error of the proxy's own. */
  code: number | undefined;
  stream: EventStream | undefined;
  /** Its frames were taken. From now on a POST of which nothing waits is answered, or asks for nothing. */
  taken: boolean;
}

export interface DuplexSession extends Listed {
  readonly id: string;
  readonly session: ProxySession;
  readonly backend: Backend;
  /** Bytes that may wait on a stream before its client is given up as one that does not read. */
  readonly maxWaiting: number;
  readonly posts: Map<Exchange, DuplexPost>;
  /** Takes a stream for what belongs to no request, and gives it what waited for one. */
  listen(stream: EventStream): void;
  unlisten(stream: EventStream): void;
  /** Takes what cannot go with its own POST, whose client takes no stream. */
  elsewhere(frames: readonly FrameBytes[]): void;
}

export interface DuplexOptions {
  readonly openBackend: OpenBackend;
  readonly rawHeaders: readonly string[];
  /** The session stands for all requests of an agent in the modern era. */
  readonly modern: boolean;
  /** HTTP+SSE: there is one stream for everything, and one scope of ids. */
  readonly oneStream: boolean;
  /** The server takes an array of messages in one frame. */
  readonly joinBatches: boolean;
  /** Takes frames for a POST; `code` is that of an error of the proxy's own. */
  readonly take: (frames: readonly FrameBytes[], code: number | undefined, post: DuplexPost) => void;
  readonly maxWaiting: number;
  readonly onEnd: (session: DuplexSession) => void;
}

/** Frames that are kept for a stream to come. */
const MAX_KEPT = 256;
const MAX_KEPT_BYTES = 1024 * 1024;

/** Opens a session and its server; rejects with `StartError`. */
export async function openDuplexSession(agent: Agent, options: DuplexOptions): Promise<DuplexSession> {
  const { openBackend, rawHeaders, modern, oneStream, joinBatches, take, maxWaiting, onEnd } = options;
  const posts: DuplexSession['posts'] = new Map();
  // Whoever asks hears of it where nobody is there to answer (I9).
  const streams = openStreams(maxWaiting, (frames) => refuseRequests(frames, backend, agent));
  // A server may write before it gets a message; its frames are judged once the session is there.
  const backend = await openBackend(
    () => session,
    rawHeaders,
    // Of the streams of the newer transport none goes on from an id of the older: to a client it would promise that.
    ({ bytes, hasId }) => void ((oneStream || !hasId) && streams.write([bytes])),
  );
  const session = openSession(
    agent.ports,
    agent.served,
    agent.client,
    {
      toServer: backend.send,
      toAgent(frames, exchange, code) {
        const post = exchange && posts.get(exchange);
        if (post) take(frames, code, post);
        else if (!exchange) elsewhere(frames);
      },
    },
    { anySpace: true, replaceIds: !oneStream, joinBatches, bounds: agent.shared },
  );
  // Where nobody listens, a message of the server's own goes with a call that it is likely to be about, or waits.
  const elsewhere = (frames: readonly FrameBytes[]) => {
    if (streams.write(frames.map(renderMessage))) return;
    // SECURITY: in the modern era several clients may share the session: what is tied to no request goes to none of them.
    const post = modern && posts.size > 1 ? undefined : lastWaiting(posts, session);
    if (post) take(frames, undefined, post);
    else if (modern) refuseRequests(frames, backend, agent);
    else streams.keep(frames);
  };
  let ending: Promise<void> | undefined;
  const stop = async (why: string, how: 'graceful' | 'now') => {
    await session.end(why);
    streams.end();
    onEnd(duplex);
    await backend.stop(how);
  };
  const duplex: DuplexSession = {
    ...{ id: randomBytes(24).toString('base64url'), agent, oneStream, session, backend, maxWaiting, posts },
    touched: agent.ports.monotonic(),
    returned: modern,
    elsewhere,
    listen: streams.add,
    unlisten: streams.remove,
    // Until its client comes back nobody is known to have learned its id: what waits for nobody keeps no place.
    isBusy: () => (duplex.returned ? posts.size > 0 || streams.size > 0 : [...posts.values()].some(({ request }) => !request.reply.over)),
    end: (why) => (ending ??= stop(why, 'graceful')),
  };
  backend.ended
    .then((why) => (ending ??= stop(why, 'now')))
    .catch((error: unknown) => agent.ports.log.error(`internal fault: ${String(error)}`));
  return duplex;
}

/** The POST that came last of those on whose streams messages may come that are not their own. */
function lastWaiting(posts: DuplexSession['posts'], { waitingOn }: ProxySession): DuplexPost | undefined {
  return [...posts.values()].findLast(({ streams, exchange }) => streams && waitingOn(exchange) > 0);
}

/** Answers the server's own requests among frames that no client will hear. */
function refuseRequests(frames: readonly FrameBytes[], backend: Backend, { ports }: Agent): void {
  const ids = frames.flatMap((frame) => requestsIn(typeof frame === 'string' ? Buffer.from(frame) : frame));
  ports.log.debug(`dropped ${frames.length} messages of the server, for which no stream of the client is open`);
  if (ids.length > 0)
    backend.send(ids.map((id) => ownReply(renderError(id, -32000, 'the client has no stream open, and does not hear this'))));
}

function requestsIn(bytes: Uint8Array): readonly string[] {
  const frame = readServerFrame(bytes);
  const items = frame.kind === 'batch' ? frame.items : [frame];
  return items.flatMap((item) => (item.kind === 'request' ? [item.id.text] : []));
}

/** The streams for what belongs to no request; the newest gets it, since an older one may be of a connection that is no more. */
function openStreams(maxWaiting: number, dropped: (frames: readonly FrameBytes[]) => void) {
  const streams = new Set<EventStream>();
  let kept: FrameBytes[] = [];
  let keptBytes = 0;
  const write = (events: readonly Uint8Array[]) => {
    const stream = [...streams].at(-1);
    if (!stream) return false;
    for (const event of events) stream.write(event);
    // A client that reads nothing for so long must not fill our memory.
    if (stream.waiting > maxWaiting) stream.abort();
    return true;
  };
  return {
    get size() {
      return streams.size;
    },
    write,
    keep(frames: readonly FrameBytes[]) {
      kept.push(...frames);
      for (const { length } of frames) keptBytes += length;
      let over = 0;
      for (; kept.length - over > MAX_KEPT || keptBytes > MAX_KEPT_BYTES; over += 1) keptBytes -= kept[over]?.length ?? 0;
      if (over > 0) dropped(kept.splice(0, over));
    },
    add(stream: EventStream) {
      streams.add(stream);
      write(kept.map(renderMessage));
      kept = [];
      keptBytes = 0;
    },
    remove: (stream: EventStream) => void streams.delete(stream),
    end() {
      for (const stream of streams) stream.end();
    },
  };
}

/** The endpoint: all that its sessions have in common. */
export interface DuplexParts {
  readonly agents: Agents;
  readonly sessions: SessionTable<DuplexSession>;
  readonly uses: Uses;
  readonly openBackend: OpenBackend;
  /** The server takes an array of messages in one frame. */
  readonly joinBatches: boolean;
  readonly maxMessage: number;
  /** The prefix of every path, as clients see it. */
  readonly prefix: string;
  /** The number of sessions that are being opened. */
  opening: number;
  /** Sessions that are no more, whose servers still end: the proxy outlives them (wire.md §4). */
  readonly ending: Set<Promise<void>>;
  /** The modern era has no sessions: one server for each agent (wire.md §1). */
  readonly pool: Map<string, Promise<DuplexSession | undefined>>;
}

/** Bytes that may wait for a slow reader besides one whole message. */
const SPARE = 4 * 1024 * 1024;

/** Bytes that may wait for one reader. */
export function maxWaiting({ maxMessage }: DuplexParts): number {
  return maxMessage + SPARE;
}

/** Opens a session, and its server with it; undefined where that was refused. */
export async function openServer(
  request: ServedRequest,
  agent: Agent,
  parts: DuplexParts,
  manner: Pick<DuplexOptions, 'modern' | 'oneStream' | 'take'>,
): Promise<DuplexSession | undefined> {
  const { sessions, uses, pool, joinBatches } = parts;
  const { reply, rawHeaders } = request;
  if (!sessions.mayOpen(agent.ports.monotonic())) {
    refuseFull(request);
    return undefined;
  }
  const onEnd = (duplex: DuplexSession) => {
    sessions.remove(duplex.id, duplex);
    uses.remove(agent);
    if (manner.modern) pool.delete(agent.key);
    const end = duplex.end('the session is over').finally(() => parts.ending.delete(end));
    parts.ending.add(end);
  };
  const openBackend = manner.oneStream ? startedByMessage(parts.openBackend, (error) => sayWhy(error, agent)) : parts.openBackend;
  parts.opening += 1;
  try {
    const given = { openBackend, joinBatches, rawHeaders, maxWaiting: maxWaiting(parts), onEnd };
    const duplex = await openDuplexSession(agent, { ...manner, ...given });
    sessions.add(duplex.id, duplex);
    uses.add(agent);
    return duplex;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    sayWhy(error, agent);
    reply.refuse(502, 'the server could not be started');
    return undefined;
  } finally {
    parts.opening -= 1;
  }
}

function sayWhy(error: unknown, { ports }: Agent): void {
  ports.log.error(error instanceof StartError ? error.message : `internal fault: ${String(error)}`);
  if (error instanceof StartError && error.help !== undefined) ports.log.error(`help: ${error.help}`);
}
