/** The answer to one HTTP request: whole, or an event stream that is flushed event by event (wire.md §5), kept alive, and bounded while it is not read. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderFields } from './headers.ts';

/** Events on their way to one client. `write` answers false where it reads slowly: then wait for `drained`. */
export interface EventStream {
  write(event: Uint8Array | string): boolean;
  /** Resolves when the client has caught up, or is gone. */
  drained(): Promise<void>;
  /** Bytes written and not taken. */
  readonly waiting: number;
  end(): void;
  /** Breaks the connection, so that the client knows that something is missing. */
  abort(): void;
}

export interface Reply {
  /** True once anything of the answer was sent. */
  readonly started: boolean;
  /** The client closed the connection, or the answer is complete. */
  readonly over: boolean;
  /** From now on what is written counts as its agent's; beyond what may wait, whole answers become errors, and streams break. */
  countIn(unread: Unread): void;
  /** Sends a whole answer; nothing where one was begun. `id` (JSON text) is that of the request, for an error in its place. */
  send(status: number, headers: HeaderFields, body?: Uint8Array | string, id?: string): void;
  /** Sends an error in the words of JSON-RPC, without an id unless `id` (JSON text) is given. */
  refuse(status: number, why: string, options?: { readonly code?: number; readonly id?: string; readonly headers?: HeaderFields }): void;
  /** Begins an event stream; what keeps it from being buffered or changed on its way, it says itself. */
  stream(status: number, headers: HeaderFields): EventStream;
  /** Called once, when the client closed the connection before the answer's end. */
  onGone(f: () => void): void;
  /** Called once, when nothing more can be sent: the answer is complete, or the client is gone. */
  onOver(f: () => void): void;
}

/** The rest of a body whose request was refused is thrown away for so long, ms: a client that still writes reads nothing. */
const LINGER = 5_000;
/** And so many pieces of it: each costs the same, however small it is. */
const MAX_LEFT = 65_536;
/** nginx buffers a stream that does not say this, and others compress it. */
const STREAM: HeaderFields = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' };
const EVENTS: HeaderFields = { 'content-type': 'text/event-stream' };
const UNREAD = 'more waits to be read than may: read the answers that came before, and ask again';
const CODES: Readonly<Record<number, number>> = { 400: -32600, 404: -32001, 408: -32600, 413: -32600, 415: -32600 };

/** Opens the answer; `common` are headers of every answer to this client. Streams are kept alive by `keepAlive`. */
export function openReply(request: IncomingMessage, response: ServerResponse, common: HeaderFields, keepAlive?: KeepAlive): Reply {
  let isGone = false;
  response
    .on('error', () => {})
    .once('close', () => {
      isGone = true;
    });
  let unread: Unread | undefined;
  const begin = (status: number, headers: HeaderFields) => response.writeHead(status, { ...headers, ...common });
  const send: Reply['send'] = (status, headers, body, id) => {
    if (response.headersSent || response.destroyed) return;
    if (!request.complete) linger(request);
    const length = body === undefined ? undefined : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    if (length !== undefined && unread && !unread.admits(length, response)) return refuse(503, UNREAD, id === undefined ? {} : { id });
    // An answer without a body has no length where its status says that there is none.
    const own: HeaderFields = length === undefined && status === 204 ? {} : { 'content-length': String(length ?? 0) };
    begin(status, { ...headers, ...own }).end(body);
  };
  const refuse: Reply['refuse'] = (status, why, { code, id, headers } = {}) => {
    const text = `{"jsonrpc":"2.0","id":${id ?? 'null'},"error":{"code":${code ?? CODES[status] ?? -32000},"message":${JSON.stringify(why)}}}`;
    send(status, { 'content-type': 'application/json', ...headers }, text);
  };
  return {
    countIn(of) {
      unread = of;
    },
    get started() {
      return response.headersSent;
    },
    get over() {
      return response.destroyed || response.writableEnded;
    },
    send,
    refuse,
    stream(status, headers) {
      if (!response.headersSent && !response.destroyed) begin(status, { ...EVENTS, ...headers, ...STREAM }).flushHeaders();
      return eventStream(response, unread, keepAlive?.watch(response));
    },
    onOver: (f) => void (response.destroyed || response.writableEnded ? queueMicrotask(f) : response.once('close', f)),
    onGone(f) {
      const notify = () => {
        if (!response.writableFinished) f();
      };
      // Who is gone already says nothing more.
      if (isGone) queueMicrotask(notify);
      else response.once('close', notify);
    },
  };
}

function eventStream(response: ServerResponse, unread: Unread | undefined, written: () => void = () => {}): EventStream {
  const isOver = () => response.destroyed || response.writableEnded;
  return {
    write(event) {
      if (isOver()) return true;
      written();
      if (!unread || unread.admits(event.length, response)) return response.write(event);
      response.destroy();
      return true;
    },
    drained: () =>
      new Promise((resolve) => {
        if (isOver() || !response.writableNeedDrain) return resolve();
        const done = () => {
          response.off('drain', done).off('close', done);
          resolve();
        };
        response.on('drain', done).on('close', done);
      }),
    get waiting() {
      return response.writableLength;
    },
    end: () => {
      if (!isOver()) response.end();
    },
    abort: () => void response.destroy(),
  };
}

function linger(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), LINGER);
  timer.unref();
  let pieces = 0;
  request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  request.on('data', () => {
    pieces += 1;
    if (pieces > MAX_LEFT) request.destroy();
  });
  request.resume();
}

/** Bounds what one agent was answered and has not read (wire.md §2.13): it waits in our memory, also once nobody waits for more of it. */
export interface Unread {
  /** True where so many bytes more may be written to this response, beside all that waits in others of the agent. */
  admits(bytes: number, response: ServerResponse): boolean;
}

/** Bytes that cost no more than the connection does on which they wait. */
const UNCOUNTED = 16 * 1024;

/** Nothing written yet, and `most` bytes that may wait; what waits alone may be longer. */
export function createUnread(most: number): Unread {
  const open = new Set<ServerResponse>();
  return {
    admits(bytes, response) {
      if (bytes + response.writableLength < UNCOUNTED) return true;
      let waiting = 0;
      for (const { writableLength } of open) waiting += writableLength;
      if (waiting > 0 && waiting + bytes > most) return false;
      if (open.has(response)) return true;
      open.add(response);
      const done = () => open.delete(response);
      // Not every platform emits both.
      response.once('finish', done).once('close', done);
      return true;
    },
  };
}

/** Comments on event streams that are silent, so that nobody in between takes the silence for an end (wire.md §5). */
export interface KeepAlive {
  /** Watches a stream until it is over. The answer is to be called whenever an event is written to it. */
  watch(response: ServerResponse): () => void;
  /** Writes a comment to each stream that was silent for 15 s. To be called about once a second, with monotonic ms. */
  beat(now: number): void;
}

/** A stream may be silent for so long, ms: proxies and clients give up after 30 s and more. */
const SILENCE = 15_000;
const COMMENT = ': keep-alive\n\n';

interface Watched {
  readonly response: ServerResponse;
  /** Something was written since the last beat. */
  heard: boolean;
  /** Monotonic ms of the beat before the last event, or of the last comment. */
  since: number;
}

/** No streams yet. There are no more than connections. */
export function createKeepAlive(): KeepAlive {
  const streams = new Set<Watched>();
  let last: number | undefined;
  return {
    watch(response) {
      const watched: Watched = { response, heard: true, since: 0 };
      streams.add(watched);
      response.once('close', () => streams.delete(watched));
      return () => {
        watched.heard = true;
      };
    },
    beat(now) {
      for (const watched of streams) keepAlive(watched, last ?? now, now);
      last = now;
    },
  };
}

/** Events are written whole, so that a comment stands between two of them. Where one still waits for the client, nothing is silent. */
function keepAlive(watched: Watched, last: number, now: number): void {
  const { response } = watched;
  if (watched.heard) {
    watched.heard = false;
    watched.since = last;
  } else if (now - watched.since >= SILENCE && response.writableLength === 0 && !response.writableEnded) {
    response.write(COMMENT);
    watched.since = now;
  }
}
