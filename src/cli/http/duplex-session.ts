/** One session of the listener's own making, in front of a server that writes to one place: what it writes finds its way to the streams of the client. */
import { randomBytes } from 'node:crypto';
import type { Exchange, FrameBytes } from '../../proxy/exchange.ts';
import { openSession, type ProxySession } from '../../proxy/session.ts';
import type { EventStream } from '../../transport/http/reply.ts';
import { renderMessage } from '../../transport/http/sse-render.ts';
import type { Agent } from './agents.ts';
import type { Backend, OpenBackend } from './backend.ts';
import type { Listed } from './sessions.ts';

/** A POST that waits for answers. */
export interface Waiting {
  take(frames: readonly FrameBytes[]): void;
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
  const streams = openStreams(maxWaiting);
  // A server may speak before anything was said to it; what it says is judged once the session is there.
  const backend = await openBackend(
    () => session,
    rawHeaders,
    // Of the streams of the newer transport none goes on from an id of the older: to a client it would promise that.
    ({ bytes, hasId }) => void ((oneStream || !hasId) && streams.write([bytes])),
  );
  const session = openSession(
    agent.deps,
    {
      toServer: backend.send,
      toAgent(frames, exchange) {
        if (exchange) posts.get(exchange)?.take(frames);
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
    else if (!modern) streams.keep(frames);
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
    touched: agent.deps.monotonic(),
    returned: modern,
    elsewhere,
    listen: streams.add,
    unlisten: streams.remove,
    // Until its client comes back nobody is known to have learned its id: what waits for nobody keeps no place.
    isBusy: () => (duplex.returned ? posts.size > 0 || streams.size > 0 : [...posts.values()].some(({ gone }) => !gone)),
    end: (why) => end(why, 'graceful'),
  };
  const faulted = (error: unknown) => agent.deps.log.error(`internal fault: ${String(error)}`);
  backend.ended.then((why) => end(why, 'now')).catch(faulted);
  return duplex;
}

/** The streams for what belongs to no request; the newest gets it, since an older one may be of a connection that is no more. */
function openStreams(maxWaiting: number) {
  const streams = new Set<EventStream>();
  let kept: FrameBytes[] = [];
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
      while (kept.length > MAX_KEPT || kept.reduce((sum, { length }) => sum + length, 0) > MAX_KEPT_BYTES) kept.shift();
    },
    add(stream: EventStream) {
      streams.add(stream);
      write(kept.map(renderMessage));
      kept = [];
    },
    remove: (stream: EventStream) => void streams.delete(stream),
    end() {
      for (const stream of streams) stream.end();
    },
  };
}
