/** Every SQL statement of the store, prepared once for a connection. Those of records are in files of their own. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { APPROVAL_SQL } from './approval-statements.ts';
import { CHALLENGE_SQL } from './challenge-statements.ts';
import { CLAIM_SQL } from './claim-statements.ts';
import { prepareLazily } from './prepare.ts';

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

/** How many rows one transaction removes at most: enough to keep up, few enough not to be felt. */
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
