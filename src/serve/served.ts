/** What carries the sessions of a running proxy: stdio, or a listener. */
import type { Rulebook } from '../engine/deps.ts';

/** What became of a policy file that changed. */
export type Reload =
  | { readonly kind: 'taken'; readonly before: Rulebook | undefined; readonly after: Rulebook }
  | { readonly kind: 'rejected'; readonly why: string }
  | { readonly kind: 'missing'; readonly before: Rulebook | undefined };

export interface Served {
  /** Resolves with the exit status once the proxy is done and all that can be delivered is. */
  readonly ended: Promise<number>;
  /** Of the one server that was started, where there is one. */
  readonly serverPid: number | undefined;
  /** Tells the agents what a reload means for them. */
  reloaded(event: Reload): void;
}
