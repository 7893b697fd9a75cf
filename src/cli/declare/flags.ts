/** The rows of a command's table: how a flag is written, read and explained, and what stands where it is not written (cli.md §1). */
import { InvalidArgumentError } from 'commander';
import { didYouMean } from '../../policy/nearest.ts';
import { type OwnPlaces, ownPlaces } from '../../run/own-folders.ts';
import type { StateFlags } from '../../run/state-location.ts';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(?:\d+(?:ms|[smhd]))+$/;
const DURATION_PART = /(\d+)(ms|[smhd])/g;
/** The longest time that a timer can wait, and more than anyone means. */
const LONGEST = 3_650 * UNITS.d;

const SIZE = /^(\d+)(B|KiB|MiB|GiB|kB|MB|GB)?$/;
const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, kB: 1000, MB: 1000 ** 2, GB: 1000 ** 3 } as const;

/** One flag. Its name is its key in the table: `stateDir` is `--state-dir`. */
export interface Flag<T> {
  readonly short?: string;
  /** The name of its value in errors; undefined for a switch. */
  readonly value?: string;
  /** Follows its name in help: a value to be written, or its default. */
  readonly shown?: string;
  /** Without it, it shares its line of help with others. */
  readonly about?: string | undefined;
  /** May be written again, for one more. */
  readonly isRepeatable?: boolean;
  /** All that its value can be. */
  readonly choices?: readonly string[];
  /** A line of help that is written out names it. */
  readonly isMentioned?: boolean;
  /** Without it, it is a switch. `before` is what was read where it is written again. */
  readonly parse?: (text: string, before: unknown) => T;
  /** The value where the flag is not written. */
  readonly fallback: T;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;
/** The values that a table's flags were read as. */
export type Values<F> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };
/** Those that were written. */
export type Written<F> = Partial<Values<F>>;

/** A flag without a value. */
export function set(about?: string): Flag<boolean> {
  return { about, fallback: false };
}

/** A text that must not be empty. */
export function text(value: string, shown: string, about?: string): Flag<string | undefined> {
  return { value, shown, about, parse: parseTextFlag, fallback: undefined };
}

/** Any text. */
export function words(value: string, shown: string, about?: string): Flag<string | undefined> {
  return { value, shown, about, parse: (written) => written, fallback: undefined };
}

/** A value with a default, which is written as the user would. */
export function given<T>(parse: (text: string) => T, value: string, fallback: string, about?: string): Flag<T> {
  return { value, shown: fallback, about, parse, fallback: parse(fallback) };
}

/** One of some words. */
export function choice<T extends string>(
  value: string,
  choices: readonly T[],
  fallback: NoInfer<T>,
  shown: string,
  about?: string,
): Flag<T> {
  const parse = (written: string) => {
    const found = choices.find((each) => each === written);
    if (found !== undefined) return found;
    const near = didYouMean(written, choices);
    throw new InvalidArgumentError(near ?? `write ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`);
  };
  return { value, shown, about, parse, choices, fallback };
}

/** A text that may be written several times. */
export function several(value: string, shown: string, about?: string): Flag<readonly string[]> {
  const parse = (written: string, before: unknown) => [...(Array.isArray(before) ? before : []), parseTextFlag(written)];
  return { value, shown, about, parse, isRepeatable: true, fallback: [] };
}

/** Flags that a line of help names which is written out. */
export function mentioned<F extends Flags>(flags: F): F {
  return Object.fromEntries(Object.entries(flags).map(([key, flag]) => [key, { ...flag, isMentioned: true }])) as unknown as F;
}

/** Fills in what was not written. */
export function valuesOf<F extends Flags>(flags: F, written: Written<F>): Values<F> {
  return Object.fromEntries(Object.entries(flags).map(([key, { fallback }]) => [key, written[key] ?? fallback])) as Values<F>;
}

/** `stateDir` is `--state-dir`. */
export function longOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `30s`, `250ms`, `1h30m`; `0` where a flag takes it. In ms. */
export function parseDurationFlag(text: string): number {
  if (text === '0') return 0;
  if (!DURATION.test(text)) throw new InvalidArgumentError('write a duration such as 250ms, 30s, 10m, 2h or 30d');
  let total = 0;
  for (const [, count, unit] of text.matchAll(DURATION_PART)) total += Number(count) * UNITS[unit as keyof typeof UNITS];
  if (total > LONGEST) throw new InvalidArgumentError('write at most 3650d, which is ten years');
  return total;
}

const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A duration before now, or a time, which is UTC unless it says otherwise. In epoch ms. */
export function parseSinceFlag(text: string): number {
  const [whole, zone] = TIME.exec(text) ?? [];
  if (whole === undefined && DURATION.test(text)) return Date.now() - parseDurationFlag(text);
  if (whole === undefined) throw new InvalidArgumentError('write a duration such as 30s, 2h or 7d, or a time such as 2026-03-01T12:00');
  const at = Date.parse(zone === undefined && whole.includes('T') ? `${whole}Z` : whole);
  if (Number.isNaN(at)) throw new InvalidArgumentError('there is no such time');
  return at;
}

/** `10MiB`, `500kB`, or bytes. */
export function parseSizeFlag(text: string): number {
  const [, count, unit = 'B'] = SIZE.exec(text) ?? [];
  const bytes = Number(count) * BYTES[unit as keyof typeof BYTES];
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new InvalidArgumentError('write a size such as 10MiB, 512KiB or 10485760');
  return bytes;
}

/** A whole percentage. */
export function parsePercentFlag(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 100) throw new InvalidArgumentError('write a percentage from 0 to 100');
  return value;
}

/** Any text but the empty one, which is what an unset variable leaves behind. */
export function parseTextFlag(text: string): string {
  if (text === '') throw new InvalidArgumentError('write a value, or leave the flag out; a variable in it may not be set');
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

/** Every command finds the state by these flags: another kind of store is one more row. */
export const STATE = {
  stateDir: text('folder', 'DIR', 'where state is kept, else ~/.intercept/state'),
  stateDsn: text('address', 'URL', 'a Redis or Valkey server that keeps it instead'),
  ...mentioned({
    stateDsnFile: text('file', 'FILE', 'its address, from a file'),
    stateCa: text('file', 'FILE', "whom to trust for the server's certificate"),
    stateCert: text('file', 'FILE', 'the certificate to show to the server'),
    stateKey: text('file', 'FILE', 'its key'),
  }),
};
/** A line of help for those flags of `STATE` that it does not list one by one. */
export const STATE_FILES = '  --state-dsn-file, --state-ca, --state-cert, --state-key FILE   of that server';
export const STATE_PREFIX = { statePrefix: text('text', 'TEXT', 'keeps counters of equal policy names apart') };
export const JSON_OUT = { json: set('for programs') };

/** Home and state, once it is known that they are this user's alone. */
export function placesOf(flags: StateFlags, env: Readonly<Record<string, string | undefined>>): OwnPlaces {
  return ownPlaces(flags, env);
}
