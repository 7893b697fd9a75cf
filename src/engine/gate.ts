/**
 * What calls and other frames are judged by. INVARIANT I8: read once for those that arrived together, and passed on, so
 * that each sees one policy throughout.
 */
import type { ToolCatalog } from '../core/catalog.ts';
import { INTERNAL_ERROR } from '../core/conclude.ts';
import type { Decision } from '../core/decision.ts';
import type { Facts } from '../core/facts.ts';
import { denial } from '../core/plan.ts';
import type { Pause } from '../core/store.ts';
import type { CallIdentity } from './identity.ts';
import type { Client, Ports, Rulebook, Served } from './ports.ts';

/** The policy in force and the pause. `fault`: neither can be known. */
export interface Gate {
  readonly rulebook: Rulebook | undefined;
  readonly pause: Pause | undefined;
  readonly fault: string | undefined;
}

/** Reads policy and pause; at once where the last reading of the pause is fresh. */
export function readGate({ rules }: Served, { pauses }: Ports): Gate | Promise<Gate> {
  const rulebook = rules.current;
  if (!rulebook) return { rulebook, pause: undefined, fault: 'no policy is in force' };
  const unknown = (error: unknown): Gate => ({
    rulebook,
    pause: undefined,
    fault: error instanceof Error ? error.message : String(error),
  });
  try {
    const pause = pauses.current(rulebook.policy.name);
    if (pause instanceof Promise) return pause.then((read): Gate => ({ rulebook, pause: read, fault: undefined }), unknown);
    return { rulebook, pause, fault: undefined };
  } catch (error) {
    return unknown(error);
  }
}

/** The facts that calls share, or the decision where the pause cannot be known. */
export function factsFor(
  { policy, match }: Rulebook,
  { pause, fault }: Gate,
  catalog: ToolCatalog | undefined,
  { credential }: Client,
  { fingerprint }: CallIdentity,
): Facts | Decision {
  if (fault !== undefined) return { outcome: 'deny', denial: denial('state_error', '(state)', INTERNAL_ERROR, fault), shadow: [] };
  return { policy, match, catalog, pause, credential, fingerprint };
}
