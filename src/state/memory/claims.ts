/** Idempotency claims of the memory store. */
import type { ClaimRecord, Claims } from '../../core/claim.ts';
import { claimAt, resolveClaim } from '../claim.ts';
import type { ClaimRow, ClaimRows } from '../rows.ts';
import type { Transact } from './approvals.ts';

export type ClaimTable = Map<string, ClaimRow>;

/** The rows that the shared rules read and write. */
export function claimRows(table: ClaimTable): ClaimRows {
  return {
    claim: (key) => table.get(key),
    putClaim: (row) => void table.set(row.key, row),
    dropClaim: (key) => void table.delete(key),
    endClaim({ key, token }, end) {
      const row = table.get(key);
      if (row?.token !== token || row.state !== 'in_flight') return false;
      if (end) table.set(key, { ...row, ...end, args: end.state === 'done' ? '' : row.args });
      else table.delete(key);
      return true;
    },
    boundResults(bytes) {
      const stored = [...table.values()].filter(({ result }) => result !== undefined);
      stored.sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0));
      let total = stored.reduce((sum, { resultBytes = 0 }) => sum + resultBytes, 0);
      for (const row of stored) {
        if (total <= bytes) return;
        total -= row.resultBytes ?? 0;
        table.set(row.key, { ...row, result: undefined, resultBytes: undefined });
      }
    },
  };
}

/** The port for people. */
export function memoryClaims(table: ClaimTable, namespace: string, { look, change }: Transact): Claims {
  const rows = claimRows(table);
  const recordOf = (row: ClaimRow, now: number): ClaimRecord[] => {
    const standing = claimAt(row, now);
    if (!standing) return [];
    const { key, tool, agent, args, claimedAt, resultBytes, resolvedBy } = row;
    return [{ key, namespace, tool, agent, args, claimedAt, resultBytes, resolvedBy, ...standing }];
  };
  const starting = (start: string, now: number) =>
    [...table.values()].filter(({ key }) => start !== '' && key.startsWith(start)).flatMap((row) => recordOf(row, now));
  return {
    list: ({ state, namespace: only = namespace, limit = Infinity, argsLimit = Infinity }) =>
      look((now) => {
        const all = only === namespace ? [...table.values()].flatMap((row) => recordOf(row, now)) : [];
        const found = all.filter((claim) => state === undefined || claim.state === state);
        const listed = found.sort((a, b) => b.claimedAt - a.claimedAt).slice(0, limit);
        return listed.map((claim) => ({ ...claim, args: claim.args.slice(0, argsLimit) }));
      }),
    resolve: (start, verdict, by) =>
      change((now) => {
        const claims = starting(start, now).sort((a, b) => (a.key < b.key ? -1 : 1));
        const claim = claims.find(({ key }) => key === start) ?? claims[0];
        const row = claim && table.get(claim.key);
        if (!claim || !row) return { kind: 'unknown' };
        if (claims.length > 1 && claim.key !== start) return { kind: 'ambiguous', claims };
        if (!resolveClaim(row, verdict, by, rows, now)) return { kind: 'not_unknown', claim };
        const [after = claim] = starting(claim.key, now);
        return { kind: 'resolved', claim: after };
      }),
  };
}
