/**
 * The door to what is served on this machine alone (cli.md §3): loopback, node:http, one table of routes, small answers.
 * The admin API stands behind it, and so does each page that a command opens for one person.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createListener, type Server as Listener } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { bearsToken, checkSource } from './access.ts';
import { type AdminAnswer, refuse, send } from './answer.ts';
import { readBody } from './body.ts';
import { type Connections, createConnections } from './connections.ts';
import { type AdminRoute, matchRoute } from './route.ts';

const HOST = '127.0.0.1';
/** For the whole of a request, ms; its head, its body and its connection have their own bounds. */
const WHOLE = 20_000;

export interface DoorOptions {
  /** 0 is any. */
  readonly port: number;
  /** `port` keeps the cookies of two doors on one host apart. */
  routes(port: number): readonly AdminRoute[];
  /** Routes with the access `token` ask for it. */
  readonly token: string;
  readonly monotonic: () => number;
  /** Answers for a route that failed. */
  fault(error: unknown): AdminAnswer;
  /** Bytes of a body. */
  readonly mostBody: number;
}

export interface Door {
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Listens on the port. Rejects where that port is taken. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const connections = createConnections(options.monotonic);
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: WHOLE, keepAliveTimeout: 5_000 });
  server.on('clientError', (_, socket) => socket.destroy());
  // Bun's HTTP server reports a connection with its first request: those that ask nothing are seen by a listener of our own.
  const listener = createListener({ noDelay: true }, (socket) => {
    connections.enter(socket);
    if (!socket.destroyed) server.emit('connection', socket);
  });
  await listen(listener, options.port);
  const { port } = listener.address() as AddressInfo;
  const routes = options.routes(port);
  server.on('request', (request, response) => void respond(request, response, { routes, options, connections }));
  return {
    port,
    origin: `http://${HOST}:${port}`,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        connections.closeAll();
      }),
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
  readonly options: DoorOptions;
  readonly connections: Connections;
}

/** SECURITY: a refused guess holds its own connection, and that may give way to others meanwhile. */
async function respond(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { connections, options } = serving;
  const { socket } = request;
  response.on('error', () => undefined);
  connections.hold(socket);
  const answer = await answerOf(request, serving).catch(options.fault);
  if (answer.kind === 'stream') socket.setTimeout(0);
  if (answer.kind === 'json' && answer.after !== undefined) {
    connections.hold(socket);
    await pause(answer.after, undefined, { ref: false });
  }
  if (answer.kind !== 'stream') connections.rest(socket);
  if (!response.destroyed) send(response, answer);
}

async function answerOf(request: IncomingMessage, { routes, options, connections }: Serving): Promise<AdminAnswer> {
  const url = parseTarget(request.url);
  if (!url) return refuse('bad_request', 'the request names no path');
  const match = matchRoute(routes, request.method ?? '', url.pathname);
  const refused = checkSource(request, match.kind === 'route' && match.route.access === 'open');
  if (refused) return refused;
  if (match.kind === 'none') return refuse('not_found', `there is nothing at ${JSON.stringify(url.pathname.slice(0, 100))}`);
  if (match.kind === 'other_method')
    return refuse('method_not_allowed', `use ${match.allowed.join(' or ')}`, { allow: match.allowed.join(', ') });
  const { route, params } = match;
  if (route.access === 'token' && !bearsToken(request, options.token))
    return refuse('unauthorized', 'the admin token is missing or wrong', { 'www-authenticate': 'Bearer realm="intercept"' });
  const body = await readBody(request, options.mostBody);
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
