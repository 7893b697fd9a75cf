/** Delivered payment challenges (policy.md §8), the same over every adapter's rows. */
import { type DeliveredChallenge, MAX_ALL_CHALLENGES, MAX_OPEN_CHALLENGES } from '../core/challenge.ts';
import type { Reservation } from '../core/store.ts';
import type { ChallengeRow, StepRows } from './rows.ts';

/** One transaction ends so many of them. */
const CHALLENGE_BATCH = 200;

/** Keeps a challenge with what its dearest offer holds, inside a transaction. */
export function deliverChallenge(
  challenge: DeliveredChallenge,
  reservation: Reservation | undefined,
  id: string,
  rows: StepRows,
  now: number,
): 'kept' | 'too_many' {
  if (rows.countChallenges(challenge.agent, now) >= MAX_OPEN_CHALLENGES) return 'too_many';
  if (rows.countChallenges(undefined, now) >= MAX_ALL_CHALLENGES) return 'too_many';
  rows.putChallenge({ ...challenge, id, draws: reservation?.draws ?? [] });
  return 'kept';
}

/** The challenge that a call pays, where it may still be paid. */
export function payable(id: string, rows: StepRows, now: number): ChallengeRow | undefined {
  const row = rows.challenge(id);
  return row && row.until > now ? row : undefined;
}

/** INVARIANT I4: what a challenge held is given back with its row, in one transaction: once, whoever does it. */
export function expireChallenges(rows: StepRows, now: number): number {
  const over = rows.overChallenges(now, CHALLENGE_BATCH);
  for (const { id, draws } of over) {
    for (const draw of draws) if (draw.count !== 'attempts' && draw.micros > 0) rows.giveBack(draw);
    rows.dropChallenge(id);
  }
  return over.length;
}
