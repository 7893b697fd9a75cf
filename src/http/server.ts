/** The listener's HTTP server (wire.md §5): what comes in is checked before anything of it is read. `node:http` on Bun and Node alike. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BodyRead, bodyRefusal, type Room, readBody } from './body.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { checkRequest, type GuardRules } from './guard.ts';
import { createKeepAlive, type KeepAlive } from './keep-alive.ts';
import { isLoopback } from './loopback.ts';
import { openReply, type Reply } from './reply.ts';

/** A request that was let in. */
export interface ServedRequest {
  readonly method: string;
  /** As it is served here: without what stands before it for clients, and without a slash at its end. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly rawHeaders: readonly string[];
  /** Reads the body; a refusal is to be answered by the caller. */
  body(room: Room): Promise<BodyRead>;
  readonly reply: Reply;
}

export interface ServerOptions {
  readonly bind: string;
  readonly port: number;
  readonly guard: Pick<GuardRules, 'hosts' | 'origins' | 'token'>;
  /** What stands before every path for clients that reach it through another server, which may leave it there. */
  readonly prefix?: string;
  /** Paths that are asked for without a token: what they tell is nobody's secret. */
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
/** How often connections are looked at for these, ms. */
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
  const verdict = checkRequest({ method, target, rawHeaders }, options.untold?.has(path) ? { ...rules, token: undefined } : rules);
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
  const body = async (room: Room) => bodyRefusal(rawHeaders, options.maxBody) ?? (await readBody(request, limits, room));
  options.serve({
    ...{ method, path, rawHeaders, body, reply },
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

/** Where the body of this request ends nobody can tell. */
const CLOSE = { connection: 'close' } as const;
const CHALLENGE = { 'www-authenticate': 'Bearer realm="intercept"' } as const;

function preflight(origin: string | undefined, rawHeaders: readonly string[], reply: Reply, { passHeaders }: ServerOptions): void {
  const headers = origin === undefined ? { allow: 'GET, POST, DELETE, OPTIONS' } : preflightHeaders(origin, rawHeaders, passHeaders);
  reply.send(204, headers);
}
