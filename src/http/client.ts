/**
 * Requests to the one configured upstream (wire.md §2.8, §5). Redirects stay on its origin, bodies are identity or
 * inflated here, nothing is ever sent twice. HTTP is spoken by ours: fetch loses what came before a stream broke (Bun)
 * and limits how long one may be silent (Node), and node:http costs several times as much (Bun).
 */

import { UpstreamFault } from './fault.ts';
import type { GiveUpSignal } from './give-up.ts';
import type { AnswerHeaders, CookieJar } from './headers.ts';
import type { RawAnswer } from './http1/connection.ts';
import { openPool, type Pool } from './http1/pool.ts';
import { type HeaderFields, openBase, type RequestBase, renderRequest } from './http1/request.ts';
import { inflate } from './inflate.ts';

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Of the configured origin; the configured URL itself where it is left out. */
  readonly url?: URL | undefined;
  readonly headers: HeaderFields;
  readonly body?: Uint8Array | string | undefined;
  /** Of the session that it belongs to; without it none go, but for the operator's own. */
  readonly cookies?: CookieJar | undefined;
  /** Aborting drops the connection, also while the body is read. */
  readonly signal: GiveUpSignal;
  /** Called when all of the request is with the operating system, or it failed. */
  readonly onSent?: (() => void) | undefined;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
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

interface Way {
  readonly pool: Pool;
  readonly base: RequestBase;
  /** The operator's own. */
  readonly cookie: string | undefined;
}

/** Redirects that are followed for one request. */
const MAX_HOPS = 5;

/** Opens a client for `url`. `headers` go with every request and replace those of the same name (in lower case). */
export function openHttpClient(url: URL, headers: HeaderFields): HttpClient {
  const pool = openPool(url);
  const { cookie, ...others } = headers;
  const way: Way = { pool, base: openBase(url, others), cookie };
  return {
    url,
    async send(request) {
      try {
        return inflated(await follow(request, way));
      } catch (fault) {
        request.onSent?.();
        throw fault;
      }
    },
    close: pool.close,
  };
}

async function follow(request: UpstreamRequest, way: Way): Promise<RawAnswer> {
  const { base } = way;
  const { origin } = base.url;
  let to = request.url ?? base.url;
  // SECURITY: credentials go to the configured origin and nowhere else.
  if (to !== base.url && to.origin !== origin) throw new UpstreamFault('foreign_origin', `is not of the origin ${origin}`, false);
  for (let hops = 0; ; hops++) {
    const answer = await exchange(request, to, way);
    if (answer.setCookies.length > 0) await request.cookies?.take(answer.setCookies, to);
    if (answer.status < 300 || answer.status > 399 || answer.status === 304) return answer;
    answer.discard();
    to = nextHop(answer, to, hops);
  }
}

/** Where a redirect leads; a fault unless it asks for the same request again, on the same origin. */
function nextHop({ status, headers }: RawAnswer, from: URL, hops: number): URL {
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

async function exchange(request: UpstreamRequest, url: URL, { base, pool, cookie: own }: Way): Promise<RawAnswer> {
  const { method, body, cookies, signal, onSent } = request;
  if (signal.aborted) throw givenUp();
  const cookie = cookies ? cookies.headerFor(url, own) : own;
  const headers = cookie === undefined ? request.headers : { ...request.headers, cookie };
  const writes = renderRequest({ method, url, headers, body }, base);
  const connection = await pool.take(signal);
  if (!signal.aborted) return connection.ask({ writes, signal, onSent });
  connection.drop();
  throw givenUp();
}

function givenUp(): UpstreamFault {
  return new UpstreamFault('aborted', 'was given up', false);
}

function inflated(answer: RawAnswer): UpstreamAnswer {
  const encoding = answer.headers['content-encoding'];
  return encoding === undefined ? answer : { ...answer, body: inflate(answer.body, encoding) };
}
