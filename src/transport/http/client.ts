/**
 * Requests to the one configured upstream (wire.md §2.8, §5). Redirects stay on its origin, bodies are identity or
 * inflated here, nothing is ever sent twice. `node:http` on Bun and Node alike: fetch limits how long a stream may be
 * silent (Node) and how many there may be (Bun).
 */
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { openAgents } from './agents.ts';
import { faultOf, UpstreamFault } from './fault.ts';
import { inflate } from './inflate.ts';

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Of the configured origin; the configured URL itself where it is left out. */
  readonly url?: URL | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  /** Aborting drops the connection, also while the body is read. */
  readonly signal: AbortSignal;
  /** Called when all of the request is with the operating system, or it failed. */
  readonly onSent?: (() => void) | undefined;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Pulled as fast as it is read. Throws `UpstreamFault` where it ends before its end. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Drops what is left of the body. */
  discard(): void;
}

export interface HttpClient {
  readonly url: URL;
  /** Rejects with `UpstreamFault`. */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Drops idle connections; those in use end with their requests. */
  close(): void;
}

/** Redirects that are followed for one request. */
const MAX_HOPS = 5;
/** How long a connection may take to be made, ms. Nothing was sent before. */
const CONNECT = 30_000;
/** What is still read of a body that nobody wants: bytes, and ms. */
const REST = 64 * 1024;
const REST_TIME = 1_000;
/** After so long without a byte the system asks whether the other end is still there, ms. */
const KEEP_ALIVE = 30_000;

/** Opens a client for `url`. `headers` go with every request and replace those of the same name (in lower case). */
export function openHttpClient(url: URL, headers: Readonly<Record<string, string>>): HttpClient {
  const agents = openAgents(url);
  const hop = (request: UpstreamRequest, to: URL) => exchange(request, to, headers, agents.options);
  return {
    url,
    async send(request) {
      let to = request.url ?? url;
      // SECURITY: credentials go to the configured origin and nowhere else.
      if (to.origin !== url.origin) throw new UpstreamFault('foreign_origin', `is not of the origin ${url.origin}`, false);
      for (let hops = 0; ; hops++) {
        const answer = await hop(request, to);
        if (answer.status < 200) {
          answer.discard();
          throw new UpstreamFault('broken', `answers with the status ${answer.status}, which HTTP does not have`, true);
        }
        if (answer.status < 300 || answer.status > 399 || answer.status === 304) return answer;
        answer.discard();
        to = nextHop(answer, to, hops);
      }
    },
    close: agents.close,
  };
}

/** Where a redirect leads; a fault unless it asks for the same request again, on the same origin. */
function nextHop({ status, headers }: UpstreamAnswer, from: URL, hops: number): URL {
  // What answers 301 to 303 may have done its work already, so whether the call was made is not known.
  const fault = (why: string) => new UpstreamFault('redirect', `redirects (${status}) ${why}`, true);
  const to = headers.location === undefined ? undefined : URL.parse(headers.location, from);
  if (!to) throw fault('without saying where');
  if (to.origin !== from.origin) throw fault(`to another origin, ${JSON.stringify(to.origin)}: name that one, if it is the server's own`);
  if (status !== 307 && status !== 308) throw fault('in a way that would change the request');
  if (hops >= MAX_HOPS) throw fault(`more than ${MAX_HOPS} times`);
  to.hash = '';
  return to;
}

async function exchange(
  { method, headers, body, signal, onSent }: UpstreamRequest,
  to: URL,
  own: Readonly<Record<string, string>>,
  options: RequestOptions,
): Promise<UpstreamAnswer> {
  if (signal.aborted) throw new UpstreamFault('aborted', 'was given up', false);
  const all = { 'accept-encoding': 'identity', ...headers, ...own, ...lengthOf(body) };
  const sent = begin(to, { ...options, method, headers: all });
  dropOn(signal, sent);
  if (onSent) sent.once('finish', onSent).once('close', onSent);
  const answered = answerTo(sent, to.protocol === 'https:' ? 'secureConnect' : 'connect');
  sent.end(body);
  return readAnswer(await answered);
}

/** As the platform's own `signal` option, which on Bun costs as much as the rest of the request. */
function dropOn(signal: AbortSignal, sent: ClientRequest): void {
  const drop = () => void sent.destroy(new UpstreamFault('aborted', 'was given up', true));
  signal.addEventListener('abort', drop, { once: true });
  sent.once('close', () => signal.removeEventListener('abort', drop));
}

function begin(to: URL, options: RequestOptions): ClientRequest {
  try {
    return to.protocol === 'https:' ? httpsRequest(to, options) : httpRequest(to, options);
  } catch (error) {
    throw faultOf(error as Error, false);
  }
}

function lengthOf(body: UpstreamRequest['body']): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(typeof body === 'string' ? Buffer.byteLength(body) : body.length) };
}

function answerTo(sent: ClientRequest, ready: 'connect' | 'secureConnect'): Promise<IncomingMessage> {
  let connected = false;
  const giveUp = setTimeout(() => !connected && sent.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })), CONNECT);
  giveUp.unref();
  sent.on('socket', (socket) => {
    // What befalls a connection after its request let go of it (Bun destroys it when that request is aborted late) is nobody's fault.
    if (!sent.reusedSocket) socket.on('error', () => {});
    const open = () => {
      connected = true;
      clearTimeout(giveUp);
      socket.setKeepAlive(true, KEEP_ALIVE);
    };
    if (sent.reusedSocket || (ready === 'connect' && !socket.connecting)) open();
    else socket.once(ready, open);
  });
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    // The listener stays: a second error, after the answer began, is told by the body.
    sent.on('error', (error) => {
      clearTimeout(giveUp);
      reject(faultOf(error, connected));
    });
    // What switches protocols, unasked, is closed by the platform without a word.
    sent.once('close', () => reject(new UpstreamFault('broken', 'closed the connection before it answered', connected)));
  });
}

function readAnswer(incoming: IncomingMessage): UpstreamAnswer {
  incoming.on('error', () => {});
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: inflate(readBody(incoming), incoming.headers['content-encoding']),
    discard: () => discard(incoming),
  };
}

/** A short rest is read, so that the connection can be used again; a stream is dropped. */
function discard(incoming: IncomingMessage): void {
  const isStream = incoming.headers['content-type']?.includes('event-stream') === true;
  if (isStream || incoming.readableFlowing !== null) return void incoming.destroy();
  let read = 0;
  incoming.on('data', (chunk: Uint8Array) => {
    read += chunk.length;
    if (read > REST) incoming.destroy();
  });
  const late = setTimeout(() => incoming.destroy(), REST_TIME);
  late.unref();
  incoming.once('close', () => clearTimeout(late));
}

/** The platform's own reading, with faults of ours. */
function readBody(incoming: IncomingMessage): AsyncIterable<Uint8Array> {
  const fail = (error: unknown): never => {
    throw faultOf(error as Error, true);
  };
  return {
    [Symbol.asyncIterator]() {
      const chunks: AsyncIterator<Uint8Array> = incoming[Symbol.asyncIterator]();
      return {
        next: () => chunks.next().catch(fail),
        return: () => chunks.return?.() ?? Promise.resolve({ done: true, value: undefined }),
      };
    },
  };
}
