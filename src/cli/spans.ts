/** Times as people say them. */

const PARTS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
  [1, 's'],
] as const;

/** `2h 5m`, `40s`; from ms, never less than `0s`. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const first = PARTS.findIndex(([length]) => seconds >= length);
  const [large, small] = PARTS.slice(first, first + 2);
  if (first < 0 || !large) return '0s';
  const rest = small ? Math.floor((seconds % large[0]) / small[0]) : 0;
  return `${Math.floor(seconds / large[0])}${large[1]}${small && rest > 0 ? ` ${rest}${small[1]}` : ''}`;
}

/** `in 12m`, `3m 5s ago`. */
export function relative(instant: number, now: number): string {
  return instant > now ? `in ${spanOf(instant - now)}` : `${spanOf(now - instant)} ago`;
}

/** To the second, UTC. */
export function timeOf(instant: number): string {
  return new Date(instant).toISOString().replace(/\.\d+Z$/, 'Z');
}
