/** Calls of which nobody will learn how they ended. */
import type { SentCall } from '../../engine/arrival.ts';
import type { Outcome } from '../../engine/enforce-answer.ts';
import { settle } from '../settle.ts';

/** SPEC: policy.md §6 — an unknown outcome stays spent. */
export async function keep(calls: readonly SentCall[], why: string, settling: Parameters<typeof settle>[1]): Promise<void> {
  if (calls.length === 0) return;
  const outcome: Outcome = { result: 'kept', error: why };
  await settle(
    calls.map((call) => ({ call, outcome })),
    settling,
  );
}
