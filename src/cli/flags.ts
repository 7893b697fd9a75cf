/** The values of flags: durations, sizes, choices, numbers (cli.md §1). */
import { InvalidArgumentError } from 'commander';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(?:\d+(?:ms|[smhd]))+$/;
const DURATION_PART = /(\d+)(ms|[smhd])/g;
/** What a timer can wait, and more than anyone means. */
const LONGEST = 3_650 * UNITS.d;

const SIZE = /^(\d+)(B|KiB|MiB|GiB|kB|MB|GB)?$/;
const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, kB: 1000, MB: 1000 ** 2, GB: 1000 ** 3 } as const;

/** `30s`, `250ms`, `1h30m`; `0` where a flag takes it. In ms. */
export function parseDurationFlag(text: string): number {
  if (text === '0') return 0;
  if (!DURATION.test(text)) throw new InvalidArgumentError('write a duration such as 250ms, 30s, 10m, 2h or 30d');
  let total = 0;
  for (const [, count, unit] of text.matchAll(DURATION_PART)) total += Number(count) * UNITS[unit as keyof typeof UNITS];
  if (total > LONGEST) throw new InvalidArgumentError('that is over ten years');
  return total;
}

/** `10MiB`, `500kB`, or bytes. */
export function parseSizeFlag(text: string): number {
  const [, count, unit = 'B'] = SIZE.exec(text) ?? [];
  const bytes = Number(count) * BYTES[unit as keyof typeof BYTES];
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new InvalidArgumentError('write a size such as 10MiB, 512KiB or 10485760');
  return bytes;
}

/** One of some words. */
export function choiceFlag<T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new InvalidArgumentError(`write ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`);
    return found;
  };
}

/** A whole percentage. */
export function parsePercentFlag(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 100) throw new InvalidArgumentError('write a percentage from 0 to 100');
  return value;
}

/** Any text but the empty one, which is what an unset variable leaves behind. */
export function parseTextFlag(text: string): string {
  if (text === '') throw new InvalidArgumentError('it is empty');
  return text;
}

/** A port, 0 for any that is free. */
export function parsePortFlag(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('write a port from 0 to 65535');
  return Number(text);
}

/** A whole number of at least one. */
export function parseCountFlag(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('write a whole number of at least 1');
  return Number(text);
}

/** A flag that may be written several times. */
export function repeated(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), parseTextFlag(text)];
}
