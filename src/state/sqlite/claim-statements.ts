/** The SQL of idempotency claims. */

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
