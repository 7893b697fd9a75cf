/** Every SQL statement of the store, prepared once for a connection. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

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
  readonly findHold: StatementSync;
  readonly countPending: StatementSync;
  readonly insertHold: StatementSync;
  readonly pending: StatementSync;
  readonly control: StatementSync;
  readonly pause: StatementSync;
  readonly resume: StatementSync;
  readonly bump: StatementSync;
  readonly announce: StatementSync;
  readonly forget: StatementSync;
  readonly leave: StatementSync;
  readonly instances: StatementSync;
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
  findHold: `SELECT id, expires_at FROM approvals
    WHERE ns = ? AND fingerprint = ? AND state = 'pending' AND expires_at > ? AND created_at > ? ORDER BY created_at DESC LIMIT 1`,
  countPending: "SELECT count(*) AS pending FROM approvals WHERE ns = ? AND agent IS ? AND state = 'pending' AND expires_at > ?",
  insertHold: `INSERT INTO approvals (id, ns, fingerprint, tool, agent, rule, message, args, timeout, created_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  pending: `SELECT id, tool, rule, agent, message, args, timeout, created_at, expires_at FROM approvals
    WHERE ns = (SELECT ns FROM namespaces WHERE name = ?) AND state = 'pending' AND expires_at > ? ORDER BY created_at, id`,
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

/** Prepares them, and writes the namespace's row: a file that cannot be written is found out here. */
export function prepareStatements(db: DatabaseSync, namespace: string): Statements {
  db.prepare('INSERT INTO namespaces (name) VALUES (?) ON CONFLICT DO NOTHING').run(namespace);
  const row = db.prepare('SELECT ns FROM namespaces WHERE name = ?').get(namespace) as { ns: number };
  const prepared = Object.fromEntries(Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)]));
  return { ns: row.ns, ...(prepared as Record<keyof typeof SQL, StatementSync>) };
}
