/** Idempotency claims in the table: what the shared rules read and write. */
import type { ClaimRecord } from '../../core/claim.ts';
import { claimAt, forgetAt } from '../claim.ts';
import type { ClaimRow, ClaimRows } from '../rows.ts';
import { given } from './approval-rows.ts';
import type { Statements } from './statements.ts';

/** How many results one transaction forgets at most; the next one goes on. */
const BOUND_BATCH = 50;

/** `ns`: the namespace whose claims these are; by default that of the connection. */
export function claimRows({ ns: own, claims: sql }: Statements, ns = own): ClaimRows {
  return {
    claim(key) {
      const row = sql.claim.get(ns, key) as Record<string, unknown> | undefined;
      return row && rowOf(row);
    },
    putClaim(row) {
      const { key, tool, agent, state, token, window, claimedAt, until, finishedAt, resolvedBy, resultBytes, args, result } = row;
      const named = [ns, key, tool, agent ?? null, state, token, window] as const;
      const ended = [finishedAt ?? null, resolvedBy ?? null, resultBytes ?? null] as const;
      sql.putClaim.run(...named, claimedAt, until, forgetAt(row), ...ended, args, result ?? null);
    },
    dropClaim: (key) => void sql.dropClaim.run(ns, key),
    endClaim({ key, token, window }, end) {
      if (!end) return Number(sql.dropHeldClaim.run(ns, key, token).changes) === 1;
      const { state, until, finishedAt, resultBytes, result } = end;
      const ended = [state, until, forgetAt({ state, until, window }), finishedAt ?? null, resultBytes ?? null, result ?? null] as const;
      return Number(sql.endClaim.run(...ended, state, ns, key, token).changes) === 1;
    },
    boundResults(bytes) {
      let { stored } = sql.stored.get() as { stored: number };
      if (stored <= bytes) return;
      for (const { place, bytes: size } of sql.oldestStored.all(BOUND_BATCH) as { place: number; bytes: number }[]) {
        if (stored <= bytes) return;
        sql.dropResult.run(place);
        stored -= size;
      }
    },
  };
}

function rowOf(row: Record<string, unknown>): ClaimRow {
  const { key, tool, args, state, token, window, claimedAt, until } = row as unknown as ClaimRow;
  const { agent, finishedAt, result, resultBytes, resolvedBy } = row;
  return {
    ...{ key, tool, args, state, token, window, claimedAt, until },
    agent: given<string>(agent),
    finishedAt: given<number>(finishedAt),
    result: given<string>(result),
    resultBytes: given<number>(resultBytes),
    resolvedBy: given<string>(resolvedBy),
  };
}

/** A claim as people see it now; none where it is over. */
export function claimOf(row: Record<string, unknown>, now: number): ClaimRecord[] {
  const { key, namespace, tool, args, claimedAt } = row as unknown as ClaimRecord;
  const standing = claimAt(row as unknown as ClaimRow, now);
  const agent = given<string>(row.agent);
  const ended = { resultBytes: given<number>(row.resultBytes), resolvedBy: given<string>(row.resolvedBy) };
  return standing ? [{ key, namespace, tool, agent, args, claimedAt, ...ended, ...standing }] : [];
}
