/** Waiting for a condition of another process, where no event tells of it. */
import { setTimeout as pause } from 'node:timers/promises';

/** How long anything in a test may take before it counts as not happening. */
export const PATIENCE_MS = 30_000;

/** Resolves with the first value of `look` that is not undefined; rejects, saying what was awaited, when time is up. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>, timeoutMs = PATIENCE_MS): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await pause(5);
  }
}
