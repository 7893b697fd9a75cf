/**
 * Requests to the one configured upstream (wire.md §2.8, §5). Redirects stay on its origin, bodies are identity or
 * inflated here, nothing is ever sent twice. HTTP is spoken by `node:http`, on Bun too: its fetch loses what came before a
 * stream broke, and Node's limits how long one may be silent.
 */
import { openPool, type Pool } from './connections.ts';
import { ask, type RawAnswer } from './exchange.ts';
import { UpstreamFault } from './fault.ts';
import type { AnswerHeaders, CookieJar, HeaderFields } from './headers.ts';
import { inflate } from './inflate.ts';
import { basicOf, type Environment, type HttpProxy, proxyFor } from './proxies.ts';

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Of the configured origin; the configured URL itself where it is left out. */
  readonly url?: URL | undefined;
  readonly headers: HeaderFields;
  readonly body?: Uint8Array | string | undefined;
  /** Of the session that it belongs to; without it none go, but for the operator's own. */
  readonly cookies?: CookieJar | undefined;
  /** Aborting drops the connection, also while the body is read. */
  readonly signal: AbortSignal;
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

interface Upstream {
  readonly url: URL;
  readonly pool: Pool;
  /** Go with every request, and replace those of a request. Names in lower case. */
  readonly headers: HeaderFields;
  /** The operator's own. */
  readonly cookie: string | undefined;
  /** Credentials that stand before the host in the configured URL. SECURITY: and in no other, which the server may have named. */
  readonly authorization: string | undefined;
  /** A proxy that passes requests on, and reads them. */
  readonly relay: HttpProxy | undefined;
}

/** Redirects that are followed for one request. */
const MAX_HOPS = 5;

/** Opens a client for `url`. `headers` go with every request and replace those of the same name (in lower case). */
export function openHttpClient(url: URL, headers: HeaderFields, env: Environment = process.env): HttpClient {
  const proxy = proxyFor(url, env);
  const pool = openPool(url, proxy);
  const { cookie, ...others } = headers;
  const relay = url.protocol === 'http:' ? proxy : undefined;
  const upstream: Upstream = { url, pool, headers: others, cookie, authorization: basicOf(url), relay };
  return {
    url,
    async send(request) {
      try {
        return inflated(await follow(request, upstream));
      } catch (fault) {
        request.onSent?.();
        throw fault;
      }
    },
    close: pool.close,
  };
}

async function follow(request: UpstreamRequest, upstream: Upstream): Promise<RawAnswer> {
  const { origin } = upstream.url;
  let to = request.url ?? upstream.url;
  // SECURITY: credentials go to the configured origin and nowhere else.
  if (to !== upstream.url && to.origin !== origin) throw new UpstreamFault('foreign_origin', `is not of the origin ${origin}`, false);
  for (let hops = 0; ; hops++) {
    const answer = await exchange(request, to, upstream);
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

async function exchange(request: UpstreamRequest, url: URL, upstream: Upstream): Promise<RawAnswer> {
  const { method, signal, onSent } = request;
  if (signal.aborted) throw givenUp();
  const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body;
  const headers = fieldsOf(request, url, body, upstream);
  const path = `${upstream.relay ? url.origin : ''}${url.pathname}${url.search}`;
  const connection = await upstream.pool.take(signal);
  if (!signal.aborted) return ask(connection, { method, path, headers, body, signal, onSent });
  connection.socket.destroy();
  throw givenUp();
}

const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;
/** SECURITY: they frame the message or belong to the connection, and are written here alone. */
const OURS: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** The headers of a request. SECURITY: one name, however it is written, is one header. Throws `UpstreamFault` where one cannot be written. */
function fieldsOf({ method, headers, cookies }: UpstreamRequest, url: URL, body: Uint8Array | undefined, upstream: Upstream): HeaderFields {
  // Some servers, and what stands before them, refuse who has no name.
  const fields: Record<string, string> = Object.create(null);
  fields.host = url.host;
  fields['user-agent'] = 'intercept';
  fields['accept-encoding'] = 'identity';
  if (upstream.authorization !== undefined) fields.authorization = upstream.authorization;
  add(fields, headers);
  const cookie = cookies ? cookies.headerFor(url, upstream.cookie) : upstream.cookie;
  if (cookie !== undefined) fields.cookie = cookie;
  add(fields, upstream.headers);
  if (upstream.relay?.authorization !== undefined) fields['proxy-authorization'] = upstream.relay.authorization;
  if (body !== undefined || method === 'POST') fields['content-length'] = String(body?.length ?? 0);
  fields.connection = 'keep-alive';
  return fields;
}

function add(fields: Record<string, string>, headers: HeaderFields): void {
  for (const given in headers) {
    const name = given.toLowerCase();
    const value = headers[given] as string;
    if (OURS.has(name)) continue;
    // SECURITY: the value may be a secret, and is not shown.
    if (!NAME.test(name) || UNFIT.test(value))
      throw new UpstreamFault('unreachable', `was not asked: the header ${JSON.stringify(name)} cannot be written`, false);
    fields[name] = value;
  }
}

function givenUp(): UpstreamFault {
  return new UpstreamFault('aborted', 'was given up', false);
}

function inflated(answer: RawAnswer): UpstreamAnswer {
  const encoding = answer.headers['content-encoding'];
  return encoding === undefined ? answer : { ...answer, body: inflate(answer.body, encoding) };
}
