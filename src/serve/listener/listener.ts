/** Serves agents over HTTP (`--transport http`; wire.md §1, §5): opens the port, routes requests to endpoints, and ends them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../../core/fault.ts';
import type { Log } from '../../engine/ports.ts';
import { openHttpClient } from '../../http/client.ts';
import { isLoopback } from '../../http/proxies.ts';
import { type HttpServer, openHttpServer, type ServedRequest } from '../../http/server.ts';
import { createTurns } from '../../http/turns.ts';
import { checkCommand, StartError } from '../../process/child.ts';
import { onSignals } from '../../process/exit.ts';
import { releaseUnpaid } from '../../proxy/payments/payments.ts';
import type { ListenOptions, Remote } from '../options.ts';
import { wordMask } from '../remote-secrets.ts';
import { notifyReload, type Opening, type Transport } from '../transport.ts';
import { type Agent, createAgents } from './agents.ts';
import { bridgeBackend, childBackend } from './backend.ts';
import { openDuplex } from './duplex.ts';
import type { DuplexParts } from './duplex-session.ts';
import type { Endpoint } from './front.ts';
import { MESSAGE_PATH, SSE_PATH, serveMessage, serveSse } from './legacy.ts';
import { openRelay } from './relay.ts';
import { createSessions, createUses, type Places } from './sessions.ts';
import { openWellKnown, WELL_KNOWN } from './well-known.ts';

/** The dependencies of a listener, whose clients are known by their requests. */
export interface Listening extends Omit<Opening, 'client'> {
  readonly listen: ListenOptions;
}

/** The endpoints by path. */
interface Routes {
  readonly mcp: Endpoint;
  /** Sessions of the listener's own, which HTTP+SSE always has. */
  readonly duplex: DuplexParts;
  readonly documents: ((request: ServedRequest) => Promise<void>) | undefined;
}

const PATH = '/mcp';
const HEALTH = '/healthz';
const PROBES: ReadonlySet<string> = new Set([HEALTH, '/readyz']);
/** Calls that run have so long when the proxy is asked to end, ms. */
const GRACE = 10_000;
const LOOK = 20;
const SWEEP = 1_000;

/** Listens in front of a remote server. Rejects with `StartError` where the address cannot be had. */
export async function listenBefore(remote: Remote, listening: Listening): Promise<Transport> {
  const { ports, served, options, listen } = listening;
  const { maxMessage } = options;
  const client = openHttpClient(remote.url, remote.headers);
  const documents = openWellKnown(client, PATH, listen.publicUrl);
  const authorization = !asksForToken(listen) && remote.headers.authorization === undefined;
  const rules = { passed: listen.passHeaders, authorization, host: listen.preserveHost };
  const inUse = (agent: Agent) => mcp.isUsedBy(agent);
  const agents = createAgents({ ports, served, name: options.agent, passed: authorization, named: listen.agentTokens.length > 0, inUse });
  const places: Places = { most: listen.maxSessions, kinds: [] };
  const duplex = duplexOf(
    { agents, places, joinBatches: true, openBackend: bridgeBackend(remote, rules, maxMessage, ports.log) },
    listening,
  );
  const own = openDuplex(duplex);
  const way = { client, rules, maxMessage, mask: wordMask(remote), turns: createTurns(), rewrite: documents.rewrite };
  const mcp = listen.upstreamSse ? own : both(openRelay(way, agents, places, own), own);
  const server = await openServer({ mcp, duplex, documents: documents.serve }, listening);
  announce(server, listen, Object.keys(remote.headers).length > 0, ports.log);
  if (authorization) ports.log.info(`a client's Authorization is passed on to ${remote.url.origin}, and to nobody else`);
  return runUntilOver(server, mcp, listening);
}

/** Listens in front of a command, which is started for each session. Rejects with `StartError`, also where the command is not to be found. */
export async function listenBeforeCommand(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  listening: Listening,
): Promise<Transport> {
  const { ports, served, options, listen } = listening;
  checkCommand(command[0] ?? '', env);
  const inUse = (agent: Agent) => mcp.isUsedBy(agent);
  const agents = createAgents({ ports, served, name: options.agent, passed: false, named: listen.agentTokens.length > 0, inUse });
  const places: Places = { most: listen.maxSessions, kinds: [] };
  const duplex = duplexOf({ agents, places, joinBatches: false, openBackend: childBackend(command, env, options.maxMessage) }, listening);
  const mcp = openDuplex(duplex);
  const server = await openServer({ mcp, duplex, documents: undefined }, listening);
  announce(server, listen, true, ports.log);
  return runUntilOver(server, mcp, listening);
}

type OwnParts = Pick<DuplexParts, 'agents' | 'openBackend' | 'joinBatches'> & { readonly places: Places };

function duplexOf({ places, ...own }: OwnParts, { options, listen }: Listening): DuplexParts {
  const sessions: DuplexParts['sessions'] = createSessions(places, () => parts.opening);
  const parts = {
    ...own,
    sessions,
    uses: createUses(),
    maxMessage: options.maxMessage,
    prefix: prefixOf(listen),
    opening: 0,
    ending: new Set<Promise<void>>(),
    pool: new Map(),
  };
  return parts;
}

/** Exchanges are relayed where the server speaks the same transport; sessions of HTTP+SSE stand beside them. */
function both(relay: Endpoint, duplex: Endpoint): Endpoint {
  return {
    serve: relay.serve,
    sessions: () => [...relay.sessions(), ...duplex.sessions()],
    isBusy: () => relay.isBusy() || duplex.isBusy(),
    isUsedBy: (agent) => relay.isUsedBy(agent) || duplex.isUsedBy(agent),
    sweep: async (now) => void (await Promise.all([relay.sweep(now), duplex.sweep(now)])),
    end: async (why) => void (await Promise.all([relay.end(why), duplex.end(why)])),
  };
}

async function openServer(routes: Routes, { ports, served, options, listen }: Listening): Promise<HttpServer> {
  const { bind, port, hosts, origins, token, agentTokens: named, passHeaders } = listen;
  let server: HttpServer | undefined;
  const isReady = () => served.rules.current !== undefined && server?.isStopping === false;
  const serve = (request: ServedRequest) =>
    void route(request, routes, isReady).catch((error: unknown) => {
      ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
      if (error instanceof Error && error.stack) ports.log.debug(error.stack);
      request.reply.refuse(500, 'internal fault');
    });
  const refused = (why: string) => ports.log.warn(`refused a request: ${why}`);
  const guard = { hosts, origins, token: token?.value, named };
  try {
    const probes = { prefix: prefixOf(listen), untold: PROBES };
    server = await openHttpServer({ ...probes, bind, port, guard, passHeaders, maxBody: options.maxMessage, serve, refused });
    return server;
  } catch (cause) {
    throw new StartError(`cannot listen: port ${port} of ${bind} ${reasonOf(cause)}`, {
      cause,
      help: 'name another with --port, or leave it out to get a free one',
    });
  }
}

async function route(request: ServedRequest, { mcp, duplex, documents }: Routes, isReady: () => boolean): Promise<void> {
  if (PROBES.has(request.path)) probe(request, request.path === HEALTH || isReady());
  else if (request.path === PATH) await mcp.serve(request);
  else if (request.path === SSE_PATH) await serveSse(request, duplex);
  else if (request.path === MESSAGE_PATH) await serveMessage(request, duplex);
  else if (documents && request.path.startsWith(WELL_KNOWN)) await documents(request);
  else request.reply.refuse(404, `nothing is served here: MCP is at ${PATH}`);
}

/** Answers whether the proxy lives, or can serve, and nothing else (wire.md §5). */
function probe({ method, reply }: ServedRequest, isWell: boolean): void {
  if (method === 'GET' || method === 'HEAD')
    reply.send(isWell ? 200 : 503, { 'content-type': 'text/plain' }, isWell ? 'ok\n' : 'not ready\n');
  else reply.refuse(405, 'the method is not allowed', { headers: { allow: 'GET, HEAD' } });
}

/** Nobody comes in without a token of the listener's own; a client's `Authorization` is then for the listener, and goes no further. */
function asksForToken({ token, agentTokens }: ListenOptions): boolean {
  return token !== undefined || agentTokens.length > 0;
}

function prefixOf({ publicUrl }: ListenOptions): string {
  return publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
}

/** `holdsSecrets`: whoever calls uses what only the operator should have. */
function announce(server: HttpServer, listen: ListenOptions, holdsSecrets: boolean, log: Log): void {
  const { bind, publicUrl } = listen;
  const known = publicUrl === undefined ? '' : `; clients use ${publicUrl}${PATH} and ${publicUrl}${SSE_PATH}`;
  log.info(`listening on ${server.url}${PATH} and ${server.url}${SSE_PATH}${known}`);
  if (holdsSecrets && !asksForToken(listen) && isLoopback(bind))
    log.warn('any user of this machine can call it, with what the server trusts us with: --token-env asks them for a token');
}

function runUntilOver(server: HttpServer, mcp: Endpoint, { ports, served, every }: Listening): Transport {
  const { monotonic, log } = ports;
  const sweep = () => {
    const now = monotonic();
    server.beat(now);
    return Promise.all([mcp.sweep(now), releaseUnpaid(served, ports)]).catch((error: unknown) =>
      log.error(`internal fault: ${String(error)}`),
    );
  };
  server.beat(monotonic());
  const stopSweep = every(SWEEP, () => void sweep());
  const over = Promise.withResolvers<void>();
  let signals = 0;
  const unsubscribe = onSignals(() => {
    signals += 1;
    over.resolve();
  });
  const end = async () => {
    await over.promise;
    log.info('stopping: no new calls are taken, those that run have 10 s');
    server.stop();
    for (const until = monotonic() + GRACE; mcp.isBusy() && signals < 2 && monotonic() < until; ) await sleep(LOOK);
    await mcp.end('the proxy was stopped');
    server.close();
    stopSweep();
    unsubscribe();
    return 0;
  };
  return {
    ended: end(),
    serverPid: undefined,
    listens: `${server.url}${PATH}`,
    reloaded(event) {
      for (const session of mcp.sessions()) notifyReload(event, session);
    },
  };
}
