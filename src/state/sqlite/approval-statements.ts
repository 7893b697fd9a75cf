/** The SQL of approval records, their events and the approver secret. */

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
  tell: `INSERT INTO approval_events (approval, type, at, due_at)
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
