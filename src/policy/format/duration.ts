/** Durations (policy.md §2). */
const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PART = /(\d+)([smhd])/g;

/** `1h30m` in milliseconds; the text has passed the check of its shape. */
export function parseDuration(text: string): number {
  let total = 0;
  for (const [, count, unit] of text.matchAll(PART)) total += Number(count) * MS[unit as keyof typeof MS];
  return total;
}
