/** Approval records in the tables: their SQL, with that of their events and of the approver secret, and what the shared rules read and write. */
import type { StatementSync } from 'node:sqlite';
import type { Approval } from '../../core/approval.ts';
import type { ApprovalHead, ApprovalRows } from '../rows.ts';

const HEAD =
  'id, state, timeout, created_at, expires_at, decided_at, decided_by, reason, attempts, retries, consumed_at, token, keep_until';
const OPEN = "state IN ('pending', 'approved')";
/** A record with its namespace's name. `state` reads as of now (the parameter `:now`). */
const shownWith = (args: string) => `approvals.id, namespaces.name AS namespace, tool, agent, rule, message, ${args}, evidence,
    CASE WHEN ${OPEN} AND expires_at <= :now THEN 'expired' ELSE state END AS state,
    timeout, created_at, expires_at, decided_at, decided_by, reason, attempts, retries, consumed_at`;
const SHOWN = shownWith('args');
/** The same with the beginning of its arguments (the parameter `:most`). */
const LISTED = shownWith('substr(args, 1, :most) AS args');
const RECORDS = 'approvals JOIN namespaces ON namespaces.ns = approvals.ns';
const EVENTS = `sequence, type, at, tries, ${SHOWN}`;
/** CROSS keeps this order: what is new, or due, is little; the records of a namespace are many. */
const OF_RECORDS = `CROSS JOIN approvals ON approvals.id = approval
    CROSS JOIN namespaces ON namespaces.ns = approvals.ns`;
/** The place of the record `:after` in a list. */
const AFTER = '(SELECT created_at, rowid FROM approvals WHERE id = :after)';
const NAMED = '(:namespace IS NULL OR namespaces.name = :namespace)';

// What a call that is held asks has no ORDER BY, and no parameter as LIMIT: SQLite would compile it anew for each call.
export const APPROVAL_SQL = {
  standing: `SELECT ${HEAD} FROM approvals WHERE ns = ? AND fingerprint = ? AND expires_at > ?
    AND state IN ('pending', 'approved', 'denied')`,
  countPending: "SELECT count(*) AS pending FROM approvals WHERE ns = ? AND agent_key = ? AND state = 'pending' AND expires_at > ?",
  countNamed: "SELECT count(*) AS pending FROM approvals WHERE ns = ? AND agent IS ? AND state = 'pending' AND expires_at > ?",
  denials: `SELECT decided_at FROM approvals WHERE ns = ? AND tool = ? AND agent_key = ? AND state = 'denied' AND decided_at > ?`,
  insertHold: `INSERT INTO approvals (id, ns, fingerprint, call, tool, agent, agent_key, state, timeout, created_at, expires_at,
    keep_until, retries, notify, rule, message, evidence, args) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  head: `SELECT ${HEAD} FROM approvals WHERE id = ?`,
  saveHead: `UPDATE approvals SET state = ?, expires_at = ?, decided_at = ?, decided_by = ?, reason = ?, attempts = ?, consumed_at = ?,
    token = ?, keep_until = ? WHERE id = ?`,
  siblings: `SELECT ${HEAD} FROM approvals WHERE (ns, call) = (SELECT ns, call FROM approvals WHERE id = ?) AND id <> ?
    AND state = 'pending' AND expires_at > ? ORDER BY created_at, rowid`,
  over: `SELECT ${HEAD} FROM approvals WHERE ${OPEN} AND expires_at <= ? ORDER BY expires_at, rowid LIMIT ?`,
  addEvent: `INSERT INTO approval_events (approval, type, at, due_at)
    SELECT id, ?, ?, CASE WHEN notify THEN ? END FROM approvals WHERE id = ?`,
  forgetEvents: `DELETE FROM approval_events WHERE approval IN
    (SELECT id FROM approvals WHERE keep_until <= ? ORDER BY keep_until LIMIT ?)`,
  forgetApprovals: 'DELETE FROM approvals WHERE rowid IN (SELECT rowid FROM approvals WHERE keep_until <= ? ORDER BY keep_until LIMIT ?)',

  listPending: `SELECT ${LISTED} FROM approvals INDEXED BY approvals_pending
    CROSS JOIN namespaces ON namespaces.ns = approvals.ns WHERE state = 'pending' AND expires_at > :now AND ${NAMED}
    AND (:after IS NULL OR (created_at, approvals.rowid) > ${AFTER}) ORDER BY created_at, approvals.rowid LIMIT :limit`,
  list: `SELECT * FROM (SELECT ${LISTED}, approvals.rowid AS place FROM ${RECORDS} WHERE ${NAMED})
    WHERE (:state IS NULL OR state = :state) AND (:after IS NULL OR (created_at, place) < ${AFTER}) ORDER BY created_at DESC, place DESC LIMIT :limit`,
  find: `SELECT ${LISTED} FROM ${RECORDS} WHERE approvals.id >= :start AND approvals.id < :start || '~' ORDER BY approvals.id`,
  newest: 'SELECT max(sequence) AS sequence FROM approval_events',
  events: `SELECT sequence, type, at, tries, ${LISTED} FROM approval_events ${OF_RECORDS} WHERE sequence > :after ORDER BY sequence LIMIT :limit`,
  dueEvents: `SELECT ${EVENTS} FROM approval_events INDEXED BY approval_events_due ${OF_RECORDS}
    WHERE due_at <= :now AND namespaces.name = :namespace ORDER BY sequence LIMIT :limit`,
  leaseEvent: 'UPDATE approval_events SET due_at = ?, owner = ?, tries = tries + 1 WHERE sequence = ?',
  settleEvent: 'UPDATE approval_events SET due_at = ?, owner = NULL WHERE sequence = ? AND due_at IS NOT NULL',
  secret: 'SELECT approver_secret AS secret FROM heads',
  protect: 'UPDATE heads SET approver_secret = ?',
} as const;

interface Prepared {
  readonly ns: number;
  readonly approvals: Readonly<Record<keyof typeof APPROVAL_SQL, StatementSync>>;
}

export function approvalRows({ ns, approvals: sql }: Prepared): ApprovalRows {
  return {
    standing: (fingerprint, now) =>
      sql.standing
        .all(ns, fingerprint, now)
        .map(headOf)
        .reverse()
        .sort((a, b) => b.createdAt - a.createdAt),
    countPending: (agentKey, now) => (sql.countPending.get(ns, agentKey, now) as { pending: number }).pending,
    countNamed: (agent, now) => (sql.countNamed.get(ns, agent ?? null, now) as { pending: number }).pending,
    denials: (agentKey, tool, since, limit) =>
      (sql.denials.all(ns, tool, agentKey, since) as { decided_at: number }[])
        .map((row) => row.decided_at)
        .sort((a, b) => b - a)
        .slice(0, limit),
    insertHold(hold, id, now, keepUntil) {
      const { fingerprint, call, tool, agent, agentKey, timeout, retries, notify, rule, message, evidence, args } = hold;
      const identity = [id, ns, fingerprint, call, tool, agent ?? null, agentKey] as const;
      const texts = [rule, message, JSON.stringify(evidence), args] as const;
      sql.insertHold.run(...identity, timeout, now, now + timeout, keepUntil, retries, notify ? 1 : 0, ...texts);
    },
    head(id) {
      const row = sql.head.get(id);
      return row && headOf(row);
    },
    saveHead({ id, state, expiresAt, decidedAt, decidedBy, reason, attempts, consumedAt, token, keepUntil }) {
      const decided = [decidedAt ?? null, decidedBy ?? null, reason ?? null] as const;
      sql.saveHead.run(state, expiresAt, ...decided, attempts, consumedAt ?? null, token ?? null, keepUntil, id);
    },
    siblings: (id, now) => sql.siblings.all(id, id, now).map(headOf),
    over: (now, limit) => sql.over.all(now, limit).map(headOf),
    addEvent: (type, id, at) => void sql.addEvent.run(type, at, at, id),
  };
}

export function headOf(row: Record<string, unknown>): ApprovalHead {
  const { id, state, timeout, attempts, retries } = row as Pick<ApprovalHead, 'id' | 'state' | 'timeout' | 'attempts' | 'retries'>;
  return { id, state, timeout, attempts, retries, ...timesOf(row), token: given<string>(row.token), keepUntil: row.keep_until as number };
}

/** A record as people see it. */
export function approvalOf(row: Record<string, unknown>): Approval {
  const { id, namespace, tool, rule, message, args, state, timeout, attempts, retries } = row as unknown as Approval;
  const evidence = JSON.parse(row.evidence as string) as Approval['evidence'];
  const texts = { id, namespace, tool, agent: given<string>(row.agent), rule, message, args, evidence };
  return { ...texts, state, timeout, attempts, retries, ...timesOf(row) };
}

function timesOf(
  row: Record<string, unknown>,
): Pick<ApprovalHead, 'createdAt' | 'expiresAt' | 'decidedAt' | 'decidedBy' | 'reason' | 'consumedAt'> {
  return {
    createdAt: row.created_at as number,
    expiresAt: row.expires_at as number,
    decidedAt: given<number>(row.decided_at),
    decidedBy: given<string>(row.decided_by),
    reason: given<string>(row.reason),
    consumedAt: given<number>(row.consumed_at),
  };
}

/** SQL's null is our undefined. */
export function given<T>(value: unknown): T | undefined {
  return value === null ? undefined : (value as T);
}
