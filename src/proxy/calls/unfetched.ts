/** Tasks that succeeded, and whose result nobody fetched in time (policy.md §9). */

import type { Outcome } from '../../engine/enforce-answer.ts';
import { settle } from '../settle.ts';
import type { Tasks } from './continuation.ts';

/** That they happened is known, and nothing else. `now`: epoch ms. */
export async function settleUnfetched(now: number, tasks: Tasks, settling: Parameters<typeof settle>[1]): Promise<void> {
  const calls = tasks.unfetched(now);
  if (calls.length === 0) return;
  const outcome: Outcome = { result: 'committed' };
  await settle(
    calls.map((call) => ({ call, outcome })),
    settling,
  );
}
