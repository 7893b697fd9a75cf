/** The admin server (cli.md §3): loopback only, node:http, small answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StoreError } from '../core/store.ts';
import { type Answer, refuse, send } from './answer.ts';
import { apiRoutes } from './api.ts';
import { openApproverGate } from './approver.ts';
import { readBody } from './body.ts';
import type { AdminDeps } from './deps.ts';
import { openFeed } from './feed.ts';
import { bearsToken, checkSource } from './guard.ts';
import { pageRoutes } from './page/routes.ts';
import { matchRoute, type Route } from './route.ts';

const HOST = '127.0.0.1';
/** ms: for a request's head, for the whole of it, and between two requests of a connection. */
const HEAD = 10_000;
const WHOLE = 20_000;
const IDLE = 30_000;
const MOST_CONNECTIONS = 128;

export interface AdminServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Listens on the port; 0 is any. Rejects where that port is taken. */
export async function openAdminServer(deps: AdminDeps, port: number): Promise<AdminServer> {
  const feed = openFeed(deps.approvals, deps.warn);
  const gate = openApproverGate(deps);
  const server = createServer({ maxHeaderSize: 16_384, headersTimeout: HEAD, requestTimeout: WHOLE, keepAliveTimeout: 5_000 });
  server.maxConnections = MOST_CONNECTIONS;
  await listen(server, port);
  const { port: bound } = server.address() as AddressInfo;
  const routes = [...apiRoutes(deps, gate, feed), ...pageRoutes(deps, gate, bound)];
  server.on('request', (request, response) => void respond(request, response, routes, deps));
  return {
    port: bound,
    origin: `http://${HOST}:${bound}`,
    close() {
      feed.close();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => {
      server.off('error', reject);
      server.on('clientError', (_, socket) => socket.destroy());
      // SECURITY: a reader that takes nothing of its answer is let go; event streams are bounded by their own measure.
      server.on('connection', (socket) => socket.setTimeout(IDLE, () => socket.destroy()));
      resolve();
    });
  });
}

async function respond(request: IncomingMessage, response: ServerResponse, routes: readonly Route[], deps: AdminDeps): Promise<void> {
  response.on('error', () => undefined);
  const answer = await answerOf(request, routes, deps).catch((error: unknown): Answer => fault(error, deps));
  if (response.destroyed) return;
  if (answer.kind === 'stream') request.socket.setTimeout(0);
  send(response, answer);
}

async function answerOf(request: IncomingMessage, routes: readonly Route[], { token }: AdminDeps): Promise<Answer> {
  const url = parseTarget(request.url);
  if (!url) return refuse('bad_request', 'the request names no path');
  const match = matchRoute(routes, request.method ?? '', url.pathname);
  const refused = checkSource(request, match.kind === 'route' && match.route.access === 'open');
  if (refused) return refused;
  if (match.kind === 'none') return refuse('not_found', `there is nothing at ${JSON.stringify(url.pathname.slice(0, 100))}`);
  if (match.kind === 'other_method')
    return refuse('method_not_allowed', `use ${match.allowed.join(' or ')}`, { allow: match.allowed.join(', ') });
  const { route, params } = match;
  if (route.access === 'token' && !bearsToken(request, token))
    return refuse('unauthorized', 'the admin token is missing or wrong', { 'www-authenticate': 'Bearer realm="intercept"' });
  const body = await readBody(request);
  if (body.kind === 'refused') return body.answer;
  return route.answer({ params, query: url.searchParams, header: (name) => headerOf(request, name), body: body.value });
}

function parseTarget(target: string | undefined): URL | undefined {
  if (!target?.startsWith('/') || target.startsWith('//')) return undefined;
  try {
    return new URL(target, 'http://localhost');
  } catch {
    return undefined;
  }
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function fault(error: unknown, { warn }: AdminDeps): Answer {
  const why = error instanceof Error ? error.message : String(error);
  warn(`admin API: ${why}`);
  return error instanceof StoreError
    ? refuse('unavailable', `the state store does not answer: ${why}`)
    : refuse('internal', 'something failed; the log of the proxy says what');
}
