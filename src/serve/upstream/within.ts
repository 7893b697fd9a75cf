/** Bounded waiting. */
import { setTimeout as sleep } from 'node:timers/promises';

/** ms that a stream may take to open before what waits for it goes on without it. */
export const OPENING = 2_000;

/** Resolves with the work, or when the time is up. */
export function within(ms: number, work: Promise<unknown>): Promise<unknown> {
  const stop = new AbortController();
  const late = sleep(ms, undefined, { ref: false, signal: stop.signal }).catch(() => undefined);
  return Promise.race([work, late]).finally(() => stop.abort());
}
