/** Delivered payment challenges in the table: what the shared rules read and write. */
import type { ChallengeRow, ChallengeRows } from '../rows.ts';
import type { Statements } from './statements.ts';

export function challengeRows({ ns, challenges: sql }: Pick<Statements, 'ns' | 'challenges'>): ChallengeRows {
  return {
    challenge(id) {
      const row = sql.challenge.get(ns, id);
      return row && rowOf(row);
    },
    putChallenge: ({ id, call, agent, until, ...body }) => void sql.putChallenge.run(ns, id, call, agent, until, JSON.stringify(body)),
    dropChallenge: (id) => void sql.dropChallenge.run(ns, id),
    countChallenges(agent, now) {
      const row = agent === undefined ? sql.countOfAll.get(ns, now) : sql.countOfAgent.get(ns, agent, now);
      return (row as { open: number }).open;
    },
    challengesFor: (call, now) => sql.challengesFor.all(ns, call, now).map(rowOf),
    overChallenges: (now, limit) => sql.overChallenges.all(ns, now, limit).map(rowOf),
  };
}

function rowOf({ body, ...row }: Record<string, unknown>): ChallengeRow {
  return { ...(row as unknown as Pick<ChallengeRow, 'id' | 'call' | 'agent' | 'until'>), ...JSON.parse(body as string) };
}
