/** `--transport http`: agents reach the proxy over HTTP (wire.md §1, §5). What is listened on, who is told what, and how it ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyDeps } from '../../proxy/deps.ts';
import { StartError } from '../../transport/child.ts';
import { openHttpClient } from '../../transport/http/client.ts';
import { isLoopback } from '../../transport/http/loopback.ts';
import { type HttpServer, openHttpServer, type ServedRequest } from '../../transport/http/server.ts';
import { onSignals } from '../../transport/signals.ts';
import type { ListenOptions } from '../listen-options.ts';
import type { ProxyOptions } from '../options.ts';
import type { Remote } from '../remote-options.ts';
import type { Served } from '../served.ts';
import { createAgents } from './agents.ts';
import type { Endpoint } from './endpoint.ts';
import { openRelay } from './relay.ts';
import { openWellKnown, WELL_KNOWN } from './well-known.ts';

export interface Listening {
  readonly deps: ProxyDeps;
  readonly options: ProxyOptions;
  readonly listen: ListenOptions;
}

/** What is served, by path. */
interface Routes {
  readonly mcp: Endpoint;
  readonly documents: ((request: ServedRequest) => Promise<void>) | undefined;
}

const PATH = '/mcp';
/** How long calls that run have when the proxy is asked to end, ms. */
const GRACE = 10_000;
const LOOK = 20;
const SWEEP = 1_000;

/** Listens in front of a remote server. Rejects with `StartError` where the address cannot be had. */
export async function listenBefore(remote: Remote, { deps, options, listen }: Listening): Promise<Served> {
  const client = openHttpClient(remote.url, remote.headers);
  const documents = openWellKnown(client, PATH);
  const authorization = listen.token === undefined && remote.headers.authorization === undefined;
  const rules = { passed: listen.passHeaders, authorization, host: listen.preserveHost };
  const agents = createAgents(deps, authorization, (agent) => mcp.isUsedBy(agent));
  const way = { client, rules, maxMessage: options.maxMessage, rewrite: documents.rewrite };
  const mcp = openRelay(way, agents, listen.maxSessions);
  const server = await openServer({ mcp, documents: documents.serve }, { deps, options, listen });
  announce(server, listen, Object.keys(remote.headers).length > 0, deps.log);
  if (authorization) deps.log.info(`a client's Authorization is passed on to ${remote.url.origin}, and to nobody else`);
  return served(server, mcp, deps);
}

async function openServer(routes: Routes, { deps, options, listen }: Listening): Promise<HttpServer> {
  const { bind, port, hosts, origins, token, passHeaders } = listen;
  const serve = (request: ServedRequest) =>
    void route(request, routes).catch((error: unknown) => {
      deps.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
      if (error instanceof Error && error.stack) deps.log.debug(error.stack);
      request.reply.refuse(500, 'internal fault');
    });
  const refused = (why: string) => deps.log.warn(`refused a request: ${why}`);
  const guard = { hosts, origins, token: token?.value };
  try {
    return await openHttpServer({ bind, port, guard, passHeaders, maxBody: options.maxMessage, serve, refused });
  } catch (cause) {
    throw new StartError(`cannot listen on ${bind} port ${port}: ${(cause as Error).message}`, { cause });
  }
}

async function route(request: ServedRequest, { mcp, documents }: Routes): Promise<void> {
  if (request.path === PATH) await mcp.serve(request);
  else if (documents && request.path.startsWith(WELL_KNOWN)) await documents(request);
  else request.reply.refuse(404, `nothing is served here: MCP is at ${PATH}`);
}

/** `holdsSecrets`: whoever calls uses what only the operator should have. */
function announce(server: HttpServer, { bind, token }: ListenOptions, holdsSecrets: boolean, log: ProxyDeps['log']): void {
  log.info(`listening on ${server.url}${PATH}`);
  if (holdsSecrets && token === undefined && isLoopback(bind))
    log.warn('any user of this machine can call it, with what the server trusts us with: --token-env asks them for a token');
}

function served(server: HttpServer, mcp: Endpoint, { monotonic, log }: ProxyDeps): Served {
  const sweeping = setInterval(() => void mcp.sweep(monotonic()), SWEEP);
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
    clearInterval(sweeping);
    unsubscribe();
    return 0;
  };
  return {
    ended: end(),
    serverPid: undefined,
    reloaded(event) {
      if (event.kind === 'rejected') return;
      for (const session of mcp.sessions()) session.policyChanged(event.before, event.kind === 'taken' ? event.after : undefined);
    },
  };
}
