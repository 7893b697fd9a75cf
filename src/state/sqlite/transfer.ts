/** Reads the whole content of a state file, and writes one (`state/move.ts`). */
import type { DatabaseSync } from 'node:sqlite';
import type { CounterRef, Pause } from '../../core/store.ts';
import type { MovedState } from '../move.ts';
import { headOf } from './approvals.ts';
import { challengeOf } from './challenges.ts';
import { rowOf } from './claims.ts';

const OWNED = 'JOIN namespaces ON namespaces.ns =';
const SQL = {
  counters: `SELECT name AS namespace, id, unit, start, micros FROM counters ${OWNED} counters.ns`,
  records: `SELECT name AS namespace, approvals.* FROM approvals ${OWNED} approvals.ns ORDER BY created_at, approvals.rowid`,
  claims: `SELECT name AS namespace, key, tool, agent, args, state, token, window, claimed_at AS claimedAt, until,
    finished_at AS finishedAt, result, result_bytes AS resultBytes, resolved_by AS resolvedBy FROM claims ${OWNED} claims.ns
    ORDER BY claimed_at, claims.rowid`,
  challenges: `SELECT name AS namespace, id, call, agent, until, body FROM challenges ${OWNED} challenges.ns ORDER BY challenges.rowid`,
  pauses: 'SELECT policy, reason, since FROM pauses',
  secret: 'SELECT approver_secret AS secret FROM heads',
} as const;

type Row = Record<string, unknown> & { readonly namespace: string };

export function dumpFile(db: DatabaseSync): MovedState {
  const rows = (name: keyof typeof SQL) => db.prepare(SQL[name]).all() as Row[];
  return {
    counters: rows('counters').map(({ namespace, id, unit, start, micros }) => ({
      namespace,
      counter: { id, unit } as CounterRef,
      start: start as number,
      micros: micros as number,
    })),
    records: rows('records').map(({ namespace, ...row }) => {
      const { fingerprint, call, tool, agent, agent_key, notify, rule, message, evidence, args } = row as Record<string, string>;
      const names = {
        fingerprint,
        call,
        tool,
        agent: agent ?? undefined,
        agentKey: agent_key,
        notify: Number(notify) === 1,
        rule,
        message,
        args,
      };
      type Hold = MovedState['records'][number]['hold'];
      return { namespace, head: headOf(row), hold: { ...names, evidence: JSON.parse(evidence as string) } as Hold };
    }),
    claims: rows('claims').map(({ namespace, ...row }) => ({ namespace, row: rowOf(row) })),
    challenges: rows('challenges').map(({ namespace, ...row }) => ({ namespace, row: challengeOf(row) })),
    pauses: rows('pauses').map(
      ({ policy, reason, since }): Pause => ({
        policy: (policy as string | null) ?? undefined,
        reason: reason as string,
        since: since as number,
      }),
    ),
    secret: (db.prepare(SQL.secret).get() as { secret: string | null }).secret ?? undefined,
  };
}
