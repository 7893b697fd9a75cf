/** The end of what an agent says is not the end of what it asked for (wire.md §4). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxySession } from '../proxy/session.ts';

/** Requests that are under way when the agent's input ends have so long to be answered, ms. */
const PATIENCE = 60_000;
/** The interval between two looks at the open requests, ms. */
const LOOK = 20;

export interface LastAnswers {
  readonly session: Pick<ProxySession, 'openRequests'>;
  /** Answers true while somebody still reads what is written to the agent. */
  readonly isRead: () => boolean;
  /** A signal came, or the server is dead. */
  readonly isOver: () => boolean;
  /** ms that never step back. */
  readonly now?: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
}

/**
 * Resolves when every request was answered, at once where nobody reads the answers any more or a signal came, and after a
 * minute in any case: a one-shot pipe gets the answer to its call, and no server outlives its agent for long.
 */
export async function awaitLastAnswers({
  session,
  isRead,
  isOver,
  now = () => performance.now(),
  pause = sleep,
}: LastAnswers): Promise<void> {
  for (const end = now() + PATIENCE; session.openRequests() > 0 && !isOver() && now() < end && isRead(); ) await pause(LOOK);
}
