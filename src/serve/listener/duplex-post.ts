/** A POST to a session of the listener's own: judged, written to the server, and answered with JSON or a stream (wire.md §1). */

import type { EventStream } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { ClientFrame, FrameBytes } from '../../mcp/messages/frame.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import type { Exchange } from '../../proxy/exchange.ts';
import { accepts } from './accepts.ts';
import type { DuplexSession, Waiting } from './duplex-session.ts';
import { PATIENCE } from './relay-session.ts';
import { JSON_TYPE, modernStatusOf, statusOf } from './status-of.ts';

export interface DuplexPosting {
  readonly request: ServedRequest;
  readonly bytes: Uint8Array;
  readonly frame: ClientFrame | Refusal;
  readonly duplex: DuplexSession;
  readonly maxWaiting: number;
  /** Of 2026-07-28, where the status follows the error. */
  readonly modern: boolean;
  /** What its answer goes with, read when the answer begins; `whole`: nothing will follow. */
  readonly headers: (whole: boolean) => Readonly<Record<string, string>>;
}

interface Open extends DuplexPosting {
  /** Enforcement keeps it as long as it remembers the request, and with it nothing of this POST (I11). */
  readonly exchange: Exchange;
  /** Frames of this turn: an answer that comes alone needs no stream. */
  frames: FrameBytes[];
  /** Of the last one, where it is an error of the proxy's own. */
  code: number | undefined;
  stream: EventStream | undefined;
  readonly streams: boolean;
  /** It had its turn: from here on that nothing of it waits means that it is answered, or asks for nothing. */
  taken: boolean;
  readonly over: PromiseWithResolvers<void>;
}

/** Serves one POST. Resolves when it is answered. */
export async function serveDuplexPost(posting: DuplexPosting): Promise<void> {
  const { request, duplex, bytes, frame } = posting;
  const { session, posts } = duplex;
  const streams = accepts(request.rawHeaders, 'text/event-stream');
  const since = duplex.agent.ports.monotonic();
  const exchange: Exchange = { id: duplex.agent.ports.newId() };
  const waiting: Waiting = {
    listens: frame.kind === 'request' && frame.method === 'subscriptions/listen',
    get open() {
      return streams && session.waitingOn(exchange) > 0;
    },
    take: (frames, code) => take(frames, code, open),
    get gone() {
      return request.reply.over;
    },
    look: () => look(open),
    keepOpen(now) {
      if (streams && now - since >= PATIENCE && !request.reply.started && session.waitingOn(exchange) > 0) openStream(open);
    },
  };
  const open: Open = {
    ...posting,
    exchange,
    frames: [],
    code: undefined,
    stream: undefined,
    streams,
    taken: false,
    over: Promise.withResolvers(),
  };
  posts.set(exchange, waiting);
  request.reply.onGone(() => {
    duplex.touched = duplex.agent.ports.monotonic();
    session.left(exchange);
    look(open);
  });
  try {
    session.fromAgent([{ kind: 'line', bytes, frame }], exchange);
    if (session.waitingOn(exchange) === 0) await Promise.race([open.over.promise, session.agentTaken()]);
    open.taken = true;
    if (session.waitingOn(exchange) > 0) await open.over.promise;
    flush(open);
  } finally {
    posts.delete(exchange);
    if (open.stream) open.stream.end();
    else request.reply.send(202, posting.headers(true));
    // What this message cancelled waits no more, and nothing else would tell its POST.
    for (const post of posts.values()) post.look();
  }
}

function take(frames: readonly FrameBytes[], code: number | undefined, open: Open): void {
  open.code = code;
  open.taken = true;
  // What the server wrote at once is dealt out before anything ends: the last frame of it may be the answer.
  if (open.frames.length === 0) queueMicrotask(() => look(open));
  open.frames.push(...frames);
}

/** INVARIANT I9: looked after before its turn (others may take long), a request waits for nothing yet, and is not over. */
function look(open: Open): void {
  if (open.duplex.session.waitingOn(open.exchange) > 0) flush(open);
  else if (open.taken) open.over.resolve();
}

/** Writes what has come: as JSON where it is all there will be, else on a stream. */
function flush(open: Open): void {
  const { frames, request, duplex, exchange } = open;
  open.frames = [];
  const isLast = duplex.session.waitingOn(exchange) === 0;
  const alone = isLast && !open.stream && (frames.length === 1 || !open.streams) ? frames.pop() : undefined;
  if (alone !== undefined) {
    const status = open.modern ? modernStatusOf(alone, open.frame, open.code) : statusOf(open.code);
    const id = open.frame.kind === 'request' ? open.frame.id.text : undefined;
    request.reply.send(status, { ...open.headers(true), ...JSON_TYPE }, alone, id);
  }
  if (frames.length === 0) return;
  if (!open.streams) {
    duplex.elsewhere(frames);
    return;
  }
  const stream = openStream(open);
  for (const frame of frames) stream.write(renderMessage(frame));
  if (stream.waiting > open.maxWaiting) stream.abort();
}

function openStream(open: Open): EventStream {
  open.stream ??= open.request.reply.stream(200, open.headers(false));
  return open.stream;
}
