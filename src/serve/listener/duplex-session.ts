/** One session of the listener's own making, in front of a server that writes to one place: what it writes finds its way to the streams of the client. */
import { randomBytes } from 'node:crypto';
import type { EventStream } from '../../http/reply.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { FrameBytes } from '../../mcp/messages/frame.ts';
import { renderError } from '../../mcp/messages/reply.ts';
import { readServerFrame } from '../../mcp/messages/server.ts';
import { ownReply } from '../../proxy/deliver.ts';
import type { Exchange } from '../../proxy/exchange.ts';
import { openSession, type ProxySession } from '../../proxy/session.ts';
import type { Agent } from './agents.ts';
import type { Backend, OpenBackend } from './backend.ts';
import type { Listed } from './sessions.ts';

/** A POST that waits for answers. */
export interface Waiting {
  /** `code` is that of an error of the proxy's own. */
  take(frames: readonly FrameBytes[], code?: number): void;
  /** Ends it where nothing of it waits any more. */
  look(): void;
  /** Whether messages that are not its own may come on its stream. */
  readonly open: boolean;
  readonly listens: boolean;
  /** Nobody is left to read its answer. */
  readonly gone: boolean;
  /** Opens its stream where its client has waited long enough for an answer. Monotonic ms. */
  keepOpen(now: number): void;
}

export interface DuplexSession extends Listed {
  readonly id: string;
  /** It is of HTTP+SSE: its messages come to another path. */
  readonly oneStream: boolean;
  readonly session: ProxySession;
  readonly backend: Backend;
  readonly posts: Map<Exchange, Waiting>;
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
  /** Bytes that may wait on a stream before its client is given up as one that does not read. */
  readonly maxWaiting: number;
  readonly onEnd: (session: DuplexSession) => void;
}

/** Frames that are kept for a stream to come. */
const MAX_KEPT = 256;
const MAX_KEPT_BYTES = 1024 * 1024;

/** Opens a session and its server; rejects with `StartError`. */
export async function openDuplexSession(agent: Agent, options: DuplexOptions): Promise<DuplexSession> {
  const { openBackend, rawHeaders, modern, oneStream, joinBatches, maxWaiting, onEnd } = options;
  const posts: DuplexSession['posts'] = new Map();
  // Whoever asks hears of it where nobody is there to answer (I9).
  const streams = openStreams(maxWaiting, (frames) => refuseRequests(frames, backend, agent));
  // A server may speak before anything was said to it; what it says is judged once the session is there.
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
        if (exchange) posts.get(exchange)?.take(frames, code);
        else elsewhere(frames);
      },
    },
    { anySpace: true, replaceIds: !oneStream, joinBatches, bounds: agent.shared },
  );
  // Where nobody listens, a message of the server's own goes with a call that it is likely to be about, or waits.
  const elsewhere = (frames: readonly FrameBytes[]) => {
    if (streams.write(frames.map(renderMessage))) return;
    // SECURITY: in the modern era several clients may share the session: what is tied to no request goes to none of them.
    const post = modern && posts.size > 1 ? undefined : [...posts.values()].findLast(({ open }) => open);
    if (post) post.take(frames);
    else if (modern) refuseRequests(frames, backend, agent);
    else streams.keep(frames);
  };
  let ending: Promise<void> | undefined;
  const end = (why: string, how: 'graceful' | 'now') => {
    ending ??= (async () => {
      await session.end(why);
      streams.end();
      onEnd(duplex);
      await backend.stop(how);
    })();
    return ending;
  };
  const duplex: DuplexSession = {
    ...{ id: randomBytes(24).toString('base64url'), agent, oneStream, session, backend, posts },
    touched: agent.ports.monotonic(),
    returned: modern,
    elsewhere,
    listen: streams.add,
    unlisten: streams.remove,
    // Until its client comes back nobody is known to have learned its id: what waits for nobody keeps no place.
    isBusy: () => (duplex.returned ? posts.size > 0 || streams.size > 0 : [...posts.values()].some(({ gone }) => !gone)),
    end: (why) => end(why, 'graceful'),
  };
  const faulted = (error: unknown) => agent.ports.log.error(`internal fault: ${String(error)}`);
  backend.ended.then((why) => end(why, 'now')).catch(faulted);
  return duplex;
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
