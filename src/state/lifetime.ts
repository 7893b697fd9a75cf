/** Computes how long a counter's row is kept, and how far a clock may step back (policy.md §6). */
import type { HoldRequest } from '../core/approval.ts';
import { StoreError } from '../core/store.ts';
import { renderWait, type Window, type WindowUnit, windowAt } from '../core/window.ts';

/** A clock this far behind the newest record may still count; further behind, it may not. */
export const CLOCK_TOLERANCE = 60_000;
/** The newest record's time is written only when it has advanced this much, which spares most transactions a write. */
export const MARK_STEP = 1_000;
/** A clock can step back this far and count on: what is over stays that much longer. */
export const STEP_BACK = CLOCK_TOLERANCE + 2 * MARK_STEP;
/** Forgotten windows are looked for this often. */
export const PRUNE_EVERY = 1_000;
/** A process that has not been seen this long has gone without saying so. */
export const FORGET_INSTANCE = 86_400_000;

/**
 * When a window's row may go: one window after it ended. A window of seconds stays longer than that, since a clock
 * that is within the tolerance could otherwise step back into a window that is already forgotten.
 */
export function keepUntil(unit: WindowUnit, window: Window): number {
  return Math.max(windowAt(unit, window.end).end, window.end + STEP_BACK);
}

/** Throws where this clock may not count: it says nothing, or lies too far behind what others already recorded. */
export function checkClock(now: number, newest: number): void {
  if (!Number.isSafeInteger(now)) throw new StoreError(`the clock says "${now}", which is no time in milliseconds`);
  const behind = newest - now;
  if (behind <= CLOCK_TOLERANCE) return;
  throw new StoreError(
    `the clock is ${renderWait(behind)} behind the newest record of the store (${new Date(newest).toISOString()}); set the clock of this host`,
  );
}

/** The time at which a call is settled: it ends whatever the clock says, and one that is far behind cuts no record short. */
export function settlingTime(now: number, newest: number): number {
  return newest - now > CLOCK_TOLERANCE ? newest : now;
}

/** `windowAt` that remembers the last window of each unit: most calls fall into the same one. */
export function windowFinder(): (unit: WindowUnit, now: number) => Window {
  const last = new Map<WindowUnit, Window>();
  return (unit, now) => {
    const known = last.get(unit);
    if (known && known.start <= now && now < known.end) return known;
    const found = windowAt(unit, now);
    last.set(unit, found);
    return found;
  };
}

const HOUR = 3_600_000;

/** Until when a record that a human decided is shown in lists, once it has ended at `end`. */
export function keepDecided(end: number, timeout: number): number {
  return end + Math.max(2 * timeout, 24 * HOUR);
}

/**
 * The same for a record as it is opened. What nobody decides is made by agents, not by people, and goes sooner, unless a
 * webhook is notified of it; with large arguments as soon as it ends, or an agent could fill the disk.
 */
export function keepOpened(end: number, { timeout, notify, args }: Pick<HoldRequest, 'timeout' | 'notify' | 'args'>): number {
  if (args.length > LARGE_ARGS) return end + STEP_BACK;
  return notify ? keepDecided(end, timeout) : end + Math.max(2 * timeout, 6 * HOUR);
}

const LARGE_ARGS = 65_536;
