/** What carries the sessions of a running proxy: stdio, or a listener. */
import type { Reload } from '../run/rules.ts';

export interface Served {
  /** Resolves with the exit status once the proxy is done and all that can be delivered is. */
  readonly ended: Promise<number>;
  /** Of the one server that was started, where there is one. */
  readonly serverPid: number | undefined;
  /** Tells the agents what a reload means for them. */
  reloaded(event: Reload): void;
}
