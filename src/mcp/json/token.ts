/**
 * The tokens of a JSON text: where one ends that begins at a place, or −1 and a fault in the scan. Strict is for what
 * goes to a server (wire.md §2.2, §2.6); lenient, for what comes from one, lets lone surrogates pass.
 */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Fault = 'syntax' | 'control_character' | 'lone_surrogate' | 'duplicate_key' | 'too_deep' | 'too_many' | 'batch';

export interface ScanRules {
  readonly strict: boolean;
  readonly maxDepth: number;
  /** Tab, LF and CR are white space too; else the space alone. */
  readonly anySpace: boolean;
  /** How many members an object may have whose members are kept; any number where it is absent. */
  readonly maxMembers?: number;
}

export interface Scan extends ScanRules {
  readonly maxMembers: number;
  readonly text: string;
  fault: Fault | undefined;
  faultAt: number;
  /** The key that occurs twice. */
  faultKey: string;
  /** How many members one object may have, where that is the fault. */
  faultMost: number;
  /** How many members may still be kept, of all objects together. */
  room: number;
  /** Whether the string scanned last has an escape. */
  escaped: boolean;
}

/** A scan of `text` that has not begun. */
export function openScan(text: string, rules: ScanRules): Scan {
  const { strict, maxDepth, anySpace, maxMembers = Number.POSITIVE_INFINITY } = rules;
  const sound = { fault: undefined, faultAt: 0, faultKey: '', faultMost: 0, escaped: false };
  return { text, strict, maxDepth, anySpace, maxMembers, room: Number.POSITIVE_INFINITY, ...sound };
}

/** The value of a string that stands at `span`, or undefined where no string stands there. */
export function stringAt(text: string, span: Span): string | undefined {
  if (text.charCodeAt(span.start) !== 34) return undefined;
  const inner = text.slice(span.start + 1, span.end - 1);
  return inner.includes('\\') ? JSON.parse(text.slice(span.start, span.end)) : inner;
}

/** Notes the first thing that is wrong; an unexpected character below U+0020 is named for what it is. */
export function fail(scan: Scan, fault: Fault, at: number): -1 {
  const code = scan.text.charCodeAt(at);
  scan.fault = fault === 'syntax' && code < 32 ? 'control_character' : fault;
  scan.faultAt = Math.min(at, scan.text.length);
  return -1;
}

/** Notes that an object has more members than it may. */
export function failMany(scan: Scan, most: number, at: number): -1 {
  scan.faultMost = most;
  return fail(scan, 'too_many', at);
}

/** The first place from `at` on that is no white space. */
export function skipSpace(scan: Scan, at: number): number {
  // Most tokens follow each other at once.
  return scan.text.charCodeAt(at) > 32 ? at : skipSpaces(scan, at);
}

function skipSpaces({ text, anySpace }: Scan, at: number): number {
  for (let i = at; ; i++) {
    const code = text.charCodeAt(i);
    if (code !== 32 && !(anySpace && (code === 10 || code === 13 || code === 9))) return i;
    if (i - at === LONG_RUN) return findFrom(text, i, anySpace ? /[^ \t\n\r]/g : /[^ ]/g);
  }
}

/** The end of `true`, `false` or `null`. */
export function scanWord(scan: Scan, at: number, word: string): number {
  return scan.text.startsWith(word, at) ? at + word.length : fail(scan, 'syntax', at);
}

/** The end of the string whose opening quote is at `at`. */
export function scanString(scan: Scan, at: number): number {
  const { text } = scan;
  let escaped = false;
  let i = at + 1;
  for (;;) {
    const code = text.charCodeAt(i);
    if (code === 34) break;
    if (code === 92) {
      escaped = true;
      i = scanEscape(scan, i);
      if (i < 0) return i;
    } else if (code >= 32) i++;
    else return fail(scan, 'syntax', i); // NaN, the end of the text, comes here too
  }
  scan.escaped = escaped;
  return i + 1;
}

/** Whether the string at `at` surely ends within so many characters: a quote behind a backslash may not be its end. */
export function endsWithin(text: string, at: number, most: number): boolean {
  const quote = text.indexOf('"', at + 1);
  return quote >= 0 && quote - at < most && text.charCodeAt(quote - 1) !== 92;
}

/** Goes on within a string, to the quote that ends it or at least to `limit`. */
export function stepInString(scan: Scan, at: number, limit: number): number {
  const { text } = scan;
  let i = at;
  while (i < limit) {
    const code = text.charCodeAt(i);
    if (code === 34) break;
    if (code === 92) {
      i = scanEscape(scan, i);
      if (i < 0) return i;
    } else if (code >= 32) i++;
    else return fail(scan, 'syntax', i);
  }
  return i;
}

/** The end of the escape whose backslash is at `at`. */
export function scanEscape(scan: Scan, at: number): number {
  const { text } = scan;
  const code = text.charCodeAt(at + 1);
  if (code !== 117) return isShortEscape(code) ? at + 2 : fail(scan, 'syntax', at);
  const unit = hexAt(text, at + 2);
  if (unit < 0) return fail(scan, 'syntax', at);
  if (!scan.strict || unit < 0xd800 || unit > 0xdfff) return at + 6;
  // SECURITY: parsers differ on half a pair (refuse, keep, U+FFFD), so two of them would read two names.
  if (unit > 0xdbff || text.charCodeAt(at + 6) !== 92 || text.charCodeAt(at + 7) !== 117) return fail(scan, 'lone_surrogate', at);
  const low = hexAt(text, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : fail(scan, 'lone_surrogate', at);
}

/** One of `"` `\` `/` `b` `f` `n` `r` `t`. */
function isShortEscape(code: number): boolean {
  return code === 110 || code === 34 || code === 92 || code === 116 || code === 114 || code === 47 || code === 98 || code === 102;
}

function hexAt(text: string, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) value = value * 16 + code - 48;
    else if ((code >= 97 && code <= 102) || (code >= 65 && code <= 70)) value = value * 16 + (code & 31) + 9;
    else return -1;
  }
  return value;
}

/** The end of a number, after JSON's grammar. */
export function scanNumber(scan: Scan, at: number): number {
  const { text } = scan;
  let i = text.charCodeAt(at) === 45 ? at + 1 : at;
  const whole = i;
  i = skipDigits(text, i);
  if (i === whole || (text.charCodeAt(whole) === 48 && i > whole + 1)) return fail(scan, 'syntax', at);
  if (text.charCodeAt(i) === 46) {
    const fraction = i + 1;
    i = skipDigits(text, fraction);
    if (i === fraction) return fail(scan, 'syntax', i);
  }
  if ((text.charCodeAt(i) | 32) !== 101) return i;
  const sign = text.charCodeAt(i + 1);
  const exponent = sign === 43 || sign === 45 ? i + 2 : i + 1;
  i = skipDigits(text, exponent);
  return i === exponent ? fail(scan, 'syntax', i) : i;
}

function skipDigits(text: string, at: number): number {
  let i = at;
  for (let code = text.charCodeAt(i); code >= 48 && code <= 57; code = text.charCodeAt(i)) {
    i++;
    if (i - at === LONG_RUN) return findFrom(text, i, /[^0-9]/g);
  }
  return i;
}

/** From so many characters of a kind on a pattern is faster than a loop. */
export const LONG_RUN = 1024;

/** Where the first character stands that the pattern finds, or the end of the text. */
export function findFrom(text: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.index ?? text.length;
}
