/** Delivered payment challenges in the table: their SQL, and what the shared rules read and write. */
import type { StatementSync } from 'node:sqlite';
import type { ChallengeRow, ChallengeRows } from '../rows.ts';

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

interface Prepared {
  readonly ns: number;
  readonly challenges: Readonly<Record<keyof typeof CHALLENGE_SQL, StatementSync>>;
}

export function challengeRows({ ns, challenges: sql }: Prepared): ChallengeRows {
  return {
    challenge(id) {
      const row = sql.challenge.get(ns, id);
      return row && challengeOf(row);
    },
    putChallenge: ({ id, call, agent, until, ...body }) => void sql.putChallenge.run(ns, id, call, agent, until, JSON.stringify(body)),
    dropChallenge: (id) => void sql.dropChallenge.run(ns, id),
    countChallenges(agent, now) {
      const row = agent === undefined ? sql.countOfAll.get(ns, now) : sql.countOfAgent.get(ns, agent, now);
      return (row as { open: number }).open;
    },
    challengesFor: (call, now) => sql.challengesFor.all(ns, call, now).map(challengeOf),
    overChallenges: (now, limit) => sql.overChallenges.all(ns, now, limit).map(challengeOf),
  };
}

/** A challenge as the table has it. */
export function challengeOf({ body, ...row }: Record<string, unknown>): ChallengeRow {
  return { ...(row as unknown as Pick<ChallengeRow, 'id' | 'call' | 'agent' | 'until'>), ...JSON.parse(body as string) };
}
