/** The SQL of delivered payment challenges. */

export const CHALLENGE_SQL = {
  challenge: 'SELECT id, call, agent, until, body FROM challenges WHERE ns = ? AND id = ?',
  putChallenge: `INSERT INTO challenges (ns, id, call, agent, until, body) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (ns, id) DO UPDATE SET until = excluded.until, body = excluded.body`,
  dropChallenge: 'DELETE FROM challenges WHERE ns = ? AND id = ?',
  countOfAgent: 'SELECT count(*) AS open FROM challenges WHERE ns = ? AND agent = ? AND until > ?',
  countOfAll: 'SELECT count(*) AS open FROM challenges WHERE ns = ? AND until > ?',
  challengesFor: 'SELECT id, call, agent, until, body FROM challenges WHERE ns = ? AND call = ? AND until > ? ORDER BY rowid',
  overChallenges: 'SELECT id, call, agent, until, body FROM challenges WHERE ns = ? AND until <= ? ORDER BY until LIMIT ?',
} as const;
