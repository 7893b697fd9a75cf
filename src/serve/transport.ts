/** The port that whatever carries sessions implements: stdio, the bridge and the listener. */
import type { Every } from '../core/ticker.ts';
import type { Client, Ports, Rulebook, Served } from '../engine/ports.ts';
import type { ProxySession } from '../proxy/session.ts';
import type { ProxyOptions } from './options.ts';

/** The dependencies of a transport, besides the server and how agents reach it. */
export interface Opening {
  readonly ports: Ports;
  readonly served: Served;
  /** The one client over stdio; behind a listener there are many. */
  readonly client: Client;
  readonly options: ProxyOptions;
  readonly every: Every;
}

/** The outcome of reloading a policy file that changed. */
export type Reload =
  | { readonly kind: 'taken'; readonly before: Rulebook | undefined; readonly after: Rulebook }
  | { readonly kind: 'rejected'; readonly why: string }
  | { readonly kind: 'missing'; readonly before: Rulebook | undefined };

/**
 * A transport that runs. For each agent it opens a session (`proxy/session.ts`), gives it the frames that agent and server
 * send, and carries to them what the session writes to its output.
 */
export interface Transport {
  /** Resolves with the exit status once the proxy is done and all that can be delivered is. */
  readonly ended: Promise<number>;
  /** The process id of the one server that was started; undefined where there is none. */
  readonly serverPid: number | undefined;
  /** The URL for agents; undefined over stdio. */
  readonly listens: string | undefined;
  /** Notifies the agents of a reload. */
  reloaded(event: Reload): void;
}

/** Notifies the agent of one session of a reload. */
export function notifyReload(event: Reload, session: ProxySession): void {
  if (event.kind !== 'rejected') session.policyChanged(event.before, event.kind === 'taken' ? event.after : undefined);
}
