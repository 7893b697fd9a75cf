/** The admin server (cli.md §3): loopback only, node:http, small answers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createListener, type Server as Listener } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '../core/store.ts';
import { bearsToken, checkSource } from './access.ts';
import { type AdminAnswer, refuse, send } from './answer.ts';
import { apiRoutes } from './api.ts';
import { openApproverGate } from './approver.ts';
import { readBody } from './body.ts';
import { type Connections, createConnections } from './connections.ts';
import type { AdminDeps } from './deps.ts';
import { openFeed } from './feed.ts';
import { pageRoutes } from './page/routes.ts';
import { type AdminRoute, matchRoute } from './route.ts';

const HOST = '127.0.0.1';
/** For the whole of a request, ms; its head, its body and its connection have their own bounds. */
const WHOLE = 20_000;

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
  const connections = createConnections(deps.monotonic);
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: WHOLE, keepAliveTimeout: 5_000 });
  server.on('clientError', (_, socket) => socket.destroy());
  // Bun's HTTP server reports a connection with its first request: those that ask nothing are seen by a listener of our own.
  const listener = createListener({ noDelay: true }, (socket) => {
    connections.enter(socket);
    if (!socket.destroyed) server.emit('connection', socket);
  });
  await listen(listener, port);
  const { port: bound } = listener.address() as AddressInfo;
  const routes = [...apiRoutes(deps, gate, feed), ...pageRoutes(deps, gate, bound)];
  server.on('request', (request, response) => void respond(request, response, { routes, deps, connections }));
  return {
    port: bound,
    origin: `http://${HOST}:${bound}`,
    close() {
      feed.close();
      return new Promise((resolve) => {
        listener.close(() => resolve());
        connections.closeAll();
      });
    },
  };
}

function listen(listener: Listener, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, HOST, () => {
      listener.off('error', reject);
      resolve();
    });
  });
}

interface Serving {
  readonly routes: readonly AdminRoute[];
  readonly deps: AdminDeps;
  readonly connections: Connections;
}

/** SECURITY: a refused guess holds its own connection, and that may give way to others meanwhile. */
async function respond(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { connections, deps } = serving;
  const { socket } = request;
  response.on('error', () => undefined);
  connections.hold(socket);
  const answer = await answerOf(request, serving).catch((error: unknown): AdminAnswer => fault(error, deps));
  if (answer.kind === 'stream') socket.setTimeout(0);
  if (answer.kind === 'json' && answer.after !== undefined) {
    connections.hold(socket);
    await pause(answer.after, undefined, { ref: false });
  }
  if (answer.kind !== 'stream') connections.rest(socket);
  if (!response.destroyed) send(response, answer);
}

async function answerOf(request: IncomingMessage, { routes, deps: { token }, connections }: Serving): Promise<AdminAnswer> {
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
  const { socket } = request;
  connections.keep(socket);
  const header = (name: string) => headerOf(request, name);
  return route.answer({ params, query: url.searchParams, header, body: body.value, isGone: () => socket.destroyed });
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

function fault(error: unknown, { warn }: AdminDeps): AdminAnswer {
  const why = error instanceof Error ? error.message : String(error);
  warn(`admin API: ${why}`);
  return error instanceof StoreError
    ? refuse('unavailable', `the state store does not answer: ${why}`)
    : refuse('internal', 'something failed; the log of the proxy says what');
}
