/** Calendar windows in UTC (policy.md §6): the week starts on Monday. */
export type WindowUnit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month';

export const WINDOW_UNITS: readonly WindowUnit[] = ['second', 'minute', 'hour', 'day', 'week', 'month'];

/** A window of time, epoch ms; `end` is the first instant after it. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

const LENGTHS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const;
/** The epoch was a Thursday; the Monday before it is three days earlier. */
const MONDAY = -3 * LENGTHS.day;

/** The window of `unit` that `now` (epoch ms) falls into. */
export function windowAt(unit: WindowUnit, now: number): Window {
  if (unit === 'month') return monthAt(now);
  const length = LENGTHS[unit];
  const origin = unit === 'week' ? MONDAY : 0;
  const start = origin + Math.floor((now - origin) / length) * length;
  return { start, end: start + length };
}

function monthAt(now: number): Window {
  const date = new Date(now);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) };
}

const WAITS = ['second', 'minute', 'hour', 'day'] as const;

/** A time to wait (ms) as people say it, rounded up (§6): `42 seconds`, `6 minutes`; the largest unit that it holds twice. */
export function renderWait(wait: number): string {
  let text = '1 second';
  // Rounded at each step, so that 119.5 seconds are 2 minutes and not 120 seconds.
  let left = Math.ceil(wait / LENGTHS.second) * LENGTHS.second;
  for (const unit of WAITS) {
    if (left < 2 * LENGTHS[unit]) break;
    const count = Math.ceil(left / LENGTHS[unit]);
    text = `${count} ${unit}s`;
    left = count * LENGTHS[unit];
  }
  return text;
}
