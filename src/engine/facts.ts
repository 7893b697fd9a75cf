/** What calls are judged by, read once for those that arrived together. */
import type { ToolCatalog } from '../core/catalog.ts';
import { INTERNAL_ERROR } from '../core/conclude.ts';
import type { Decision } from '../core/decision.ts';
import type { Facts } from '../core/facts.ts';
import { denial } from '../core/plan.ts';
import type { CallIdentity } from './identity.ts';
import { attempt, type Later, then } from './later.ts';
import type { Client, PauseWatch, Rulebook } from './ports.ts';

/** The facts all calls share, or the decision where the pause cannot be known. */
export function factsFor(
  { policy, match }: Rulebook,
  catalog: ToolCatalog | undefined,
  pauses: PauseWatch,
  { credential }: Client,
  { fingerprint }: CallIdentity,
): Later<Facts | Decision> {
  return attempt<Facts | Decision>(
    () => then(pauses.current(policy.name), (pause) => ({ policy, match, catalog, pause, credential, fingerprint })),
    (error) => ({ outcome: 'deny', denial: denial('state_error', '(state)', INTERNAL_ERROR, reasonOf(error)), shadow: [] }),
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
