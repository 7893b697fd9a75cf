/**
 * Calls and other frames are judged by this. INVARIANT I8: read once for those that arrived together, and passed on, so
 * that each sees one policy throughout.
 */
import { INTERNAL_ERROR } from '../core/conclude.ts';
import type { Denial } from '../core/decision.ts';
import type { Facts } from '../core/facts.ts';
import { denial } from '../core/plan.ts';
import type { Pause } from '../core/store.ts';
import type { CallIdentity } from './arrival.ts';
import type { Client, Ports, Rulebook, Served } from './ports.ts';
import type { ToolMemory } from './tool-memory.ts';

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
  try {
    const pause = pauses.current(rulebook.policy.name);
    return pause instanceof Promise ? readLate(rulebook, pause) : { rulebook, pause, fault: undefined };
  } catch (error) {
    return unknown(rulebook, error);
  }
}

async function readLate(rulebook: Rulebook, pause: Promise<Pause | undefined>): Promise<Gate> {
  try {
    return { rulebook, pause: await pause, fault: undefined };
  } catch (error) {
    return unknown(rulebook, error);
  }
}

function unknown(rulebook: Rulebook, error: unknown): Gate {
  return { rulebook, pause: undefined, fault: error instanceof Error ? error.message : String(error) };
}

/** The client of the calls, and what is known of its server's tools. */
export interface Circumstances {
  readonly tools: Pick<ToolMemory, 'catalog'>;
  readonly client: Client;
  readonly identity: Pick<CallIdentity, 'fingerprint'>;
}

/** Every call is denied while the policy's file is gone (cli.md §1). */
export const NO_POLICY: Denial = denial('no_policy', '(policy)', 'No policy is in force, so no call passes until its file is back');

/** The facts that calls share, or why they are denied where policy or pause is not known. */
export function factsOf({ rulebook, pause, fault }: Gate, { tools, client, identity }: Circumstances): Facts | Denial {
  if (!rulebook) return NO_POLICY;
  if (fault !== undefined) return denial('state_error', '(state)', INTERNAL_ERROR, fault);
  const { policy, match } = rulebook;
  return { policy, match, catalog: tools.catalog, pause, credential: client.credential, fingerprint: identity.fingerprint };
}
