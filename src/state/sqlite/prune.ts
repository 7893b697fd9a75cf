/** Removes what nobody needs any more, a few rows in a transaction and not in every one. */
import { PRUNE_EVERY } from '../lifetime.ts';
import { PRUNE_BATCH, type Statements } from './statements.ts';

/** Records carry arguments and results; fewer of them than of counters go at a time. */
const RECORD_BATCH = 20;

/** Sweeps once a second; goes on in the next transaction while there is more. */
export function pruner(): (statements: Statements, now: number) => void {
  let prunedAt = -Infinity;
  return ({ prune, approvals, claims }, now) => {
    if (Math.abs(now - prunedAt) < PRUNE_EVERY) return;
    const counters = Number(prune.run(now).changes);
    approvals.forgetEvents.run(now, RECORD_BATCH);
    const decided = Number(approvals.forgetApprovals.run(now, RECORD_BATCH).changes);
    const claimed = Number(claims.forgetClaims.run(now, RECORD_BATCH).changes);
    if (counters < PRUNE_BATCH && decided < RECORD_BATCH && claimed < RECORD_BATCH) prunedAt = now;
  };
}
