/** Idempotency claims in the table: their SQL, and what the shared rules read and write. */
import type { StatementSync } from 'node:sqlite';
import type { ClaimRecord } from '../../core/claim.ts';
import { claimAt, forgetAt } from '../claim.ts';
import type { ClaimRow, ClaimRows } from '../rows.ts';
import { given } from './approvals.ts';

const ROW = `key, tool, agent, args, state, token, window, claimed_at AS claimedAt, until, finished_at AS finishedAt, result,
    result_bytes AS resultBytes, resolved_by AS resolvedBy`;
/** Without the result: what people see. A claim whose lease lapsed and whose window ended is none. */
const shownWith = (
  args: string,
) => `key, namespaces.name AS namespace, claims.ns AS ns, tool, agent, ${args}, state, window, claimed_at AS claimedAt, until,
    result_bytes AS resultBytes, resolved_by AS resolvedBy
    FROM claims JOIN namespaces ON namespaces.ns = claims.ns WHERE keep_until > :now AND until + CASE state WHEN 'in_flight' THEN window ELSE 0 END > :now`;

export const CLAIM_SQL = {
  claim: `SELECT ${ROW} FROM claims WHERE ns = ? AND key = ?`,
  putClaim: `INSERT INTO claims (ns, key, tool, agent, state, token, window, claimed_at, until, keep_until, finished_at, resolved_by,
    result_bytes, args, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (ns, key) DO UPDATE SET tool = excluded.tool, agent = excluded.agent, state = excluded.state, token = excluded.token,
    window = excluded.window, claimed_at = excluded.claimed_at, until = excluded.until, keep_until = excluded.keep_until,
    finished_at = excluded.finished_at, resolved_by = excluded.resolved_by, result_bytes = excluded.result_bytes,
    args = excluded.args, result = excluded.result`,
  dropClaim: 'DELETE FROM claims WHERE ns = ? AND key = ?',
  endClaim: `UPDATE claims SET state = ?, until = ?, keep_until = ?, finished_at = ?, result_bytes = ?, result = ?,
    args = CASE ? WHEN 'done' THEN '' ELSE args END WHERE ns = ? AND key = ? AND token = ? AND state = 'in_flight'`,
  dropHeldClaim: "DELETE FROM claims WHERE ns = ? AND key = ? AND token = ? AND state = 'in_flight'",
  stored: 'SELECT stored FROM heads',
  oldestStored: 'SELECT rowid AS place, result_bytes AS bytes FROM claims WHERE result_bytes IS NOT NULL ORDER BY finished_at LIMIT ?',
  dropResult: 'UPDATE claims SET result = NULL, result_bytes = NULL WHERE rowid = ?',
  forgetClaims: 'DELETE FROM claims WHERE rowid IN (SELECT rowid FROM claims WHERE keep_until <= ? ORDER BY keep_until LIMIT ?)',

  listClaims: `SELECT ${shownWith('substr(args, 1, :most) AS args')} AND (:namespace IS NULL OR namespaces.name = :namespace) AND (:state IS NULL OR :state =
    CASE WHEN state = 'in_flight' AND until <= :now THEN 'unknown' ELSE state END) ORDER BY claimed_at DESC, claims.rowid DESC LIMIT :limit`,
  findClaims: `SELECT ${shownWith('args')} AND substr(key, 1, length(:start)) = :start ORDER BY key`,
} as const;

/** One transaction forgets so many results at most; the next one goes on. */
const BOUND_BATCH = 50;

interface Prepared {
  readonly ns: number;
  readonly claims: Readonly<Record<keyof typeof CLAIM_SQL, StatementSync>>;
}

/** `ns`: the namespace whose claims these are; by default that of the connection. */
export function claimRows({ ns: own, claims: sql }: Prepared, ns = own): ClaimRows {
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

/** A claim as the tables have it. */
export function rowOf(row: Record<string, unknown>): ClaimRow {
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
