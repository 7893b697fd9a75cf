/** Every SQL statement of the store by its name, and how they are prepared for a connection. Those of records stand with their rows. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { PRUNE_EVERY } from '../lifetime.ts';
import { APPROVAL_SQL } from './approvals.ts';
import { CHALLENGE_SQL } from './challenges.ts';
import { CLAIM_SQL } from './claims.ts';

export interface Statements {
  /** The namespace's number; its row is never removed, so the number holds as long as the file. */
  readonly ns: number;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly newest: StatementSync;
  readonly advance: StatementSync;
  readonly value: StatementSync;
  readonly write: StatementSync;
  readonly giveBack: StatementSync;
  readonly prune: StatementSync;
  readonly live: StatementSync;
  readonly control: StatementSync;
  readonly pause: StatementSync;
  readonly resume: StatementSync;
  readonly bump: StatementSync;
  readonly announce: StatementSync;
  readonly forget: StatementSync;
  readonly leave: StatementSync;
  readonly instances: StatementSync;
  readonly approvals: Readonly<Record<keyof typeof APPROVAL_SQL, StatementSync>>;
  readonly claims: Readonly<Record<keyof typeof CLAIM_SQL, StatementSync>>;
  readonly challenges: Readonly<Record<keyof typeof CHALLENGE_SQL, StatementSync>>;
}

/** One transaction removes so many rows at most: enough to keep up, few enough not to be felt. */
export const PRUNE_BATCH = 200;

const SQL = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  newest: 'SELECT newest FROM heads',
  advance: 'UPDATE heads SET newest = ?',
  value: 'SELECT micros FROM counters WHERE ns = ? AND id = ? AND unit = ? AND start = ?',
  write: `INSERT INTO counters (ns, id, unit, start, micros, keep_until) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET micros = excluded.micros`,
  giveBack: 'UPDATE counters SET micros = max(0, micros - ?) WHERE ns = ? AND id = ? AND unit = ? AND start = ?',
  prune: `DELETE FROM counters WHERE (ns, id, unit, start) IN
    (SELECT ns, id, unit, start FROM counters WHERE keep_until <= ? LIMIT ${PRUNE_BATCH})`,
  live: 'SELECT id, unit, start, micros FROM counters WHERE ns = ? AND micros > 0 AND keep_until > ? ORDER BY id, unit, start',
  control: 'SELECT heads.sequence, pauses.scope, pauses.policy, pauses.reason, pauses.since FROM heads LEFT JOIN pauses ON true',
  pause: `INSERT INTO pauses (scope, policy, reason, since) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET reason = excluded.reason, since = excluded.since`,
  resume: 'DELETE FROM pauses WHERE scope = ?',
  bump: 'UPDATE heads SET sequence = sequence + 1 RETURNING sequence',
  announce: `INSERT INTO instances (id, pid, host, namespace, policy, upstream, revision, started_at, confirmed, seen_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET pid = excluded.pid, host = excluded.host,
    namespace = excluded.namespace, policy = excluded.policy, upstream = excluded.upstream, revision = excluded.revision,
    started_at = excluded.started_at, confirmed = excluded.confirmed, seen_at = excluded.seen_at`,
  forget: 'DELETE FROM instances WHERE seen_at < ?',
  leave: 'DELETE FROM instances WHERE id = ?',
  instances: 'SELECT * FROM instances ORDER BY started_at, id',
} as const;

/** Stands for no namespace: nothing is counted or recorded under it. */
const NO_NAMESPACE = -1;

/**
 * Prepares them, and writes the namespace's row: a file that cannot be written is found out here. Without a namespace
 * only what people do with records can be done.
 */
export function prepareStatements(db: DatabaseSync, namespace: string | undefined): Statements {
  const prepared = Object.fromEntries(Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)]));
  return {
    ns: namespace === undefined ? NO_NAMESPACE : numberOf(db, namespace),
    ...(prepared as Record<keyof typeof SQL, StatementSync>),
    approvals: prepareLazily(db, APPROVAL_SQL),
    claims: prepareLazily(db, CLAIM_SQL),
    challenges: prepareLazily(db, CHALLENGE_SQL),
  };
}

function numberOf(db: DatabaseSync, namespace: string): number {
  db.prepare('INSERT INTO namespaces (name) VALUES (?) ON CONFLICT DO NOTHING').run(namespace);
  return (db.prepare('SELECT ns FROM namespaces WHERE name = ?').get(namespace) as { ns: number }).ns;
}

/** Answers with an object of the same names. */
export function prepareLazily<Name extends string>(
  db: DatabaseSync,
  sql: Readonly<Record<Name, string>>,
): Readonly<Record<Name, StatementSync>> {
  const prepared = {} as Record<Name, StatementSync>;
  for (const name of Object.keys(sql) as Name[]) {
    Object.defineProperty(prepared, name, {
      configurable: true,
      get() {
        const value = db.prepare(sql[name]);
        Object.defineProperty(prepared, name, { value });
        return value;
      },
    });
  }
  return prepared;
}

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
