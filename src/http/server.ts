/** The listener's HTTP server (wire.md §5): what comes in is checked before anything of it is read. `node:http` on Bun and Node alike. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { type BodyBudget, type BodyRead, bodyRefusal, readBody } from './body.ts';
import { namesSeveral, valuesOf } from './headers.ts';
import { isLoopback } from './proxies.ts';
import { createKeepAlive, type KeepAlive, openReply, type Reply } from './reply.ts';

/** A request that was let in. */
export interface ServedRequest {
  readonly method: string;
  /** As it is served here: without what stands before it for clients, and without a slash at its end. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly rawHeaders: readonly string[];
  /** The owner of the token that it brought; undefined where it brought one without a name, or none is asked for. */
  readonly bearer?: string | undefined;
  /** Reads the body; a refusal is to be answered by the caller. */
  body(budget: BodyBudget): Promise<BodyRead>;
  readonly reply: Reply;
}

export interface ServerOptions {
  readonly bind: string;
  readonly port: number;
  readonly guard: Pick<GuardRules, 'hosts' | 'origins' | 'token' | 'named'>;
  /** Stands before every path for clients that reach it through another server, which may leave it there. */
  readonly prefix?: string;
  /** Paths that are asked for without a token: what they answer is nobody's secret. */
  readonly untold?: ReadonlySet<string>;
  /** Headers of the client's that `--pass-header` names: pages may send them, too. */
  readonly passHeaders: readonly string[];
  readonly maxBody: number;
  readonly timeouts?: Partial<ServerTimeouts> | undefined;
  readonly serve: (request: ServedRequest) => void;
  readonly refused: (why: string) => void;
}

/** ms: for all headers, between two pieces of a body, for a whole request, between requests of one connection. */
export interface ServerTimeouts {
  readonly headers: number;
  readonly gap: number;
  readonly request: number;
  readonly idle: number;
}

export interface HttpServer {
  /** Where it is reached, without a path. */
  readonly url: string;
  readonly port: number;
  readonly isStopping: boolean;
  /** Keeps silent streams alive. To be called about once a second, with monotonic ms. */
  beat(now: number): void;
  /** Takes no more connections; requests on those that are open are answered with 503. */
  stop(): void;
  /** Closes what is still open. */
  close(): void;
}

const TIMEOUTS: ServerTimeouts = { headers: 10_000, gap: 60_000, request: 120_000, idle: 60_000 };
/** Connections are looked at for these this often, ms. */
const LOOK = 1_000;
/** Bytes of all headers of a request: a token may be long, and a legion of headers not. */
const MAX_HEADERS = 16 * 1024;
/** After so long without a byte the system asks whether a client is still there, ms. */
const KEEP_ALIVE = 30_000;

/** Opens the server; rejects with the system's error where the address cannot be had. */
export async function openHttpServer(options: ServerOptions): Promise<HttpServer> {
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const server = createServer({
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.idle,
    connectionsCheckingInterval: Math.min(LOOK, timeouts.headers),
    maxHeaderSize: MAX_HEADERS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE,
  });
  const { port } = await listen(server, options);
  const rules: GuardRules = { ...options.guard, loopback: isLoopback(options.bind), port };
  const keepAlive = createKeepAlive();
  let isStopping = false;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (isStopping && !isUntold(request, options))
      openReply(request, response, { connection: 'close' }).refuse(503, 'the proxy is stopping');
    else receive(request, response, { rules, timeouts, keepAlive, options });
  });
  return {
    url: `http://${options.bind.includes(':') ? `[${options.bind}]` : options.bind}:${port}`,
    port,
    get isStopping() {
      return isStopping;
    },
    beat: keepAlive.beat,
    stop() {
      isStopping = true;
      server.close();
      server.closeIdleConnections();
    },
    close: () => server.closeAllConnections(),
  };
}

function listen(server: Server, { bind, port }: ServerOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, bind, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

interface Receiving {
  readonly rules: GuardRules;
  readonly timeouts: ServerTimeouts;
  readonly keepAlive: KeepAlive;
  readonly options: ServerOptions;
}

function receive(request: IncomingMessage, response: ServerResponse, { rules, timeouts, keepAlive, options }: Receiving): void {
  const { method = '', url: target = '', rawHeaders } = request;
  request.on('error', () => {});
  const [written = '', search] = target.split('?', 2);
  const path = pathOf(written, options.prefix);
  const verdict = checkRequest(
    { method, target, rawHeaders },
    options.untold?.has(path) ? { ...rules, token: undefined, named: [] } : rules,
  );
  const reply = openReply(request, response, corsHeaders(verdict.origin), keepAlive);
  if (verdict.kind === 'refused') {
    options.refused(verdict.why);
    const headers = verdict.status === 401 ? CHALLENGE : verdict.status === 501 ? CLOSE : {};
    reply.refuse(verdict.status, verdict.why, { headers });
    return;
  }
  if (method === 'OPTIONS') {
    preflight(verdict.origin, rawHeaders, reply, options);
    return;
  }
  const limits = { maxBytes: options.maxBody, maxGap: timeouts.gap };
  const body = async (budget: BodyBudget) => bodyRefusal(rawHeaders, options.maxBody) ?? (await readBody(request, limits, budget));
  options.serve({
    ...{ method, path, rawHeaders, body, reply, bearer: verdict.bearer },
    get query() {
      return new URLSearchParams(search);
    },
  });
}

function isUntold({ url = '' }: IncomingMessage, { untold, prefix }: ServerOptions): boolean {
  return untold?.has(pathOf(url.split('?', 1)[0] ?? '', prefix)) ?? false;
}

/** Clients write one endpoint with and without a slash at its end, and servers before us leave a prefix there or take it away. */
function pathOf(written: string, prefix = ''): string {
  const isBelow = prefix !== '' && written.startsWith(`${prefix}/`) && written.length > prefix.length + 1;
  const path = isBelow ? written.slice(prefix.length) : written;
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Nobody knows where the body of this request ends. */
const CLOSE = { connection: 'close' } as const;
const CHALLENGE = { 'www-authenticate': 'Bearer realm="intercept"' } as const;

function preflight(origin: string | undefined, rawHeaders: readonly string[], reply: Reply, { passHeaders }: ServerOptions): void {
  const headers = origin === undefined ? { allow: 'GET, POST, DELETE, OPTIONS' } : preflightHeaders(origin, rawHeaders, passHeaders);
  reply.send(204, headers);
}

/** Says who may speak to the listener (wire.md §5): the name it is called by, the page that calls and what that may read, the token that it brings. */
export interface GuardRules {
  /** `--allow-host`: names, with or without a port. */
  readonly hosts: readonly string[];
  /** `--allow-origin`. */
  readonly origins: readonly string[];
  /** A client has to bring this as its bearer token; undefined where none is asked for. */
  readonly token: string | undefined;
  /** Tokens that each name who brings them. Where there are some, a client brings one of these, or `token`. */
  readonly named?: readonly NamedToken[];
  /** The listener is bound to a loopback address. */
  readonly loopback: boolean;
  readonly port: number;
}

interface NamedToken {
  readonly name: string;
  readonly value: string;
}

/** A request before its body is read. */
export interface Arriving {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
}

export type ArrivalVerdict =
  /** `origin` is that of an allowed page, which may read the answer. */
  | { readonly kind: 'admitted'; readonly origin: string | undefined; readonly bearer: string | undefined }
  | { readonly kind: 'refused'; readonly status: 400 | 401 | 403 | 501; readonly why: string; readonly origin?: string | undefined };

/** SECURITY: two readers that take different ones of these would act on different requests. */
const SINGLE: ReadonlySet<string> = new Set([
  ...['host', 'origin', 'authorization', 'content-type', 'content-encoding', 'content-length', 'transfer-encoding'],
  ...['mcp-session-id', 'last-event-id', 'sec-fetch-site', 'sec-fetch-mode'],
]);
/** Browsers send these with requests that no page of somebody else caused, and with those that a script reads. */
const OWN_SITES: ReadonlySet<string> = new Set(['', 'same-origin', 'none']);
const SCRIPT_MODES: ReadonlySet<string> = new Set(['', 'cors', 'same-origin']);
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^\s:/?#@\\,[\]]+)(?::(\d{1,5}))?$/;

/** Checks a request against the rules. Preflights carry no credentials by their nature, and get none of ours. */
export function checkRequest(request: Arriving, rules: GuardRules): ArrivalVerdict {
  const singles = singlesIn(request.rawHeaders);
  if (typeof singles === 'string') return { kind: 'refused', status: 400, why: `the header ${JSON.stringify(singles)} occurs twice` };
  const { authorization = '', host = '', origin } = singles;
  if (namesSeveral(authorization)) return { kind: 'refused', status: 400, why: 'the header "authorization" has several credentials' };
  // SECURITY: who undoes another encoding reads another body (RFC 9112 §6.1).
  const encoding = singles['transfer-encoding'] ?? 'chunked';
  if (encoding.toLowerCase() !== 'chunked')
    return { kind: 'refused', status: 501, why: `the transfer encoding ${JSON.stringify(encoding)} is not implemented: send "chunked"` };
  if (!request.target.startsWith('/')) return { kind: 'refused', status: 400, why: 'the request target is not a path' };
  if (!isAllowedHost(host.toLowerCase(), rules))
    return { kind: 'refused', status: 403, why: `host ${JSON.stringify(host)} is not allowed: name it with --allow-host` };
  if (origin !== undefined && !isAllowedOrigin(origin, rules))
    return { kind: 'refused', status: 403, why: `origin ${JSON.stringify(origin)} is not allowed: name it with --allow-origin` };
  const page = origin === undefined ? pageBehind(singles) : undefined;
  if (page !== undefined) return { kind: 'refused', status: 403, why: page };
  const brought = request.method === 'OPTIONS' ? { bearer: undefined } : tokenIn(authorization, rules);
  return brought
    ? { kind: 'admitted', origin, ...brought }
    : { kind: 'refused', status: 401, why: 'the bearer token is missing or wrong', origin };
}

type Singles = Readonly<Record<string, string | undefined>>;

/** The headers of which there may be one, by their names in lower case; the name of one that occurs twice. */
function singlesIn(rawHeaders: readonly string[]): Singles | string {
  const found: Record<string, string> = Object.create(null);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (found[name] !== undefined) return name;
    found[name] = rawHeaders[index + 1] as string;
  }
  return found;
}

/**
 * SECURITY: a page may ask for an image or a document of anybody without saying who it is, and see nothing of it; what
 * asking for it does is done all the same. Browsers say by these headers that they were made to.
 */
function pageBehind({ 'sec-fetch-site': site = '', 'sec-fetch-mode': mode = '' }: Singles): string | undefined {
  if (OWN_SITES.has(site.toLowerCase()) && SCRIPT_MODES.has(mode.toLowerCase())) return undefined;
  return `a web page made a browser ask (${site || 'site unknown'}, ${mode || 'mode unknown'}): it may where its origin is allowed, with --allow-origin`;
}

/**
 * SECURITY: a page whose name was made to point here (DNS rebinding) is called by that name. An address cannot be
 * rebound, so where the listener is reached from outside, any address passes: its token protects it.
 */
function isAllowedHost(host: string, { hosts, loopback }: GuardRules): boolean {
  const [, name] = AUTHORITY.exec(host) ?? [];
  if (name === undefined) return false;
  if (LOOPBACK_NAMES.includes(name) || hosts.includes(host) || hosts.includes(name)) return true;
  const address = name.replace(/^\[|\]$/g, '');
  return loopback ? isLoopback(address) : isIP(address) !== 0;
}

/** Of itself only the listener's own origin is allowed: another port of this machine is another program's. */
function isAllowedOrigin(origin: string, { origins, port }: GuardRules): boolean {
  const given = origin.toLowerCase();
  return origins.includes(given) || LOOPBACK_NAMES.some((name) => given === `http://${name}:${port}`);
}

/** Finds the owner of this token; undefined where one is asked for and this is none. */
function tokenIn(authorization: string, { token, named = [] }: GuardRules): { readonly bearer: string | undefined } | undefined {
  if (token === undefined && named.length === 0) return { bearer: undefined };
  const [, given] = /^bearer +([^\s]+)$/i.exec(authorization) ?? [];
  const brought = digest(given ?? '');
  let found: { readonly bearer: string | undefined } | undefined;
  // SECURITY: digests have one length, and all are compared whatever was sent, so that time says nothing about any.
  for (const { name, value } of named) if (timingSafeEqual(brought, digest(value))) found = { bearer: name };
  if (token !== undefined && timingSafeEqual(brought, digest(token))) found = { bearer: undefined };
  return given === undefined ? undefined : found;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Pages of an allowed origin may use these methods (wire.md §5). SECURITY: an origin is always named, never `*`. */
const METHODS = 'GET, POST, DELETE, OPTIONS';
const REQUEST_HEADERS = [
  ...['accept', 'authorization', 'content-type', 'last-event-id', 'mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id'],
  ...['traceparent', 'tracestate', 'baggage'],
];
const EXPOSED = 'Mcp-Session-Id, WWW-Authenticate';
/** A browser may remember the answer to a preflight for so long, s. */
const PREFLIGHT_AGE = '600';

/** The headers of an answer to this origin; none where the client is no page. */
export function corsHeaders(origin: string | undefined): Readonly<Record<string, string>> {
  if (origin === undefined) return {};
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'Origin' };
}

/** The answer to a preflight of an allowed origin. `passed`: further headers of the client that are passed on. */
export function preflightHeaders(
  origin: string,
  rawHeaders: readonly string[],
  passed: readonly string[],
): Readonly<Record<string, string>> {
  const asked = valuesOf(rawHeaders, 'access-control-request-headers').flatMap((value) => value.toLowerCase().split(','));
  const params = asked.map((name) => name.trim()).filter((name) => /^mcp-param-[\w!#$%&'*+.^`|~-]+$/.test(name));
  return {
    ...corsHeaders(origin),
    'access-control-allow-methods': METHODS,
    'access-control-allow-headers': [...REQUEST_HEADERS, ...passed, ...params].join(', '),
    'access-control-max-age': PREFLIGHT_AGE,
  };
}
