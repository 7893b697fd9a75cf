/** Delivered payment challenges of the memory store. */
import type { ChallengeRow, ChallengeRows } from '../rows.ts';

/** In the order in which they were delivered. */
export type ChallengeTable = Map<string, ChallengeRow>;

/** What the shared rules read and write. */
export function challengeRows(table: ChallengeTable): ChallengeRows {
  const all = (isWanted: (row: ChallengeRow) => boolean) => [...table.values()].filter(isWanted);
  return {
    challenge: (id) => table.get(id),
    putChallenge: (row) => void table.set(row.id, row),
    dropChallenge: (id) => void table.delete(id),
    countChallenges: (agent, now) => all((row) => row.until > now && (agent === undefined || row.agent === agent)).length,
    challengesFor: (call, now) => all((row) => row.call === call && row.until > now),
    overChallenges: (now, limit) => all(({ until }) => until <= now).slice(0, limit),
  };
}
