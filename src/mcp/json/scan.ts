/**
 * One pass over a JSON text: whether it is well formed, and where the members stand that the caller asked for. Strict is for
 * what goes to a server (wire.md §2.2, §2.6): it also finds duplicate keys, at any depth and however they are escaped.
 * Lenient, for what comes from one, lets lone surrogates pass. A scan answers with the place where a thing ends; −1, and
 * it has a fault.
 */
import { COMMON_KEYS } from './keys.ts';
import type { Fault, Member, Scan, ScanRules, Top } from './scan-types.ts';

/** One batch may hold this many messages: more could not be in flight, and each costs an answer. */
export const MAX_BATCH = 1024;
/** From this many keys on, a set finds duplicates faster than a look through the list. */
export const MANY_KEYS = 12;

/** A scan of `text` that has not begun. `bytes`: those that the text was decoded from, where all of it is scanned. */
export function openScan(text: string, rules: ScanRules, bytes?: Uint8Array): Scan {
  return {
    text,
    strict: rules.strict,
    maxDepth: rules.maxDepth,
    anySpace: rules.anySpace,
    maxMembers: rules.maxMembers ?? Number.POSITIVE_INFINITY,
    bytes,
    isClean: bytes !== undefined,
    backslash: -1,
    fault: undefined,
    faultAt: 0,
    faultDetail: '',
    budget: Number.POSITIVE_INFINITY,
    escaped: false,
    keys: [],
    keyCount: 0,
  };
}

/**
 * Scans the whole text. Of an object (a message) or an array (a batch) it fills `into` with the members or elements,
 * as far as it came; undefined where the text is not sound.
 */
export function scanMessage(scan: Scan, into: Member[]): Top | undefined {
  const start = scan.text.charCodeAt(0) <= 32 ? skipSpace(scan, 0) : 0;
  const code = scan.text.charCodeAt(start);
  if (code === 123) return endOfMessage(scan, 'object', scanObject(scan, start, 1, into, true));
  if (code === 91) return endOfMessage(scan, 'array', scanElements(scan, start, 1, into, MAX_BATCH, true));
  return endOfMessage(scan, 'other', scanValue(scan, start, 1));
}

/** Ends the message where nothing stands behind `end`. */
export function endOfMessage(scan: Scan, top: Top, end: number): Top | undefined {
  if (end < 0) return undefined;
  const rest = end === scan.text.length ? end : skipSpace(scan, end);
  if (rest === scan.text.length) return top;
  fail(scan, 'syntax', rest);
  return undefined;
}

/** The end of the value at `at`. */
export function scanValue(scan: Scan, at: number, depth: number): number {
  switch (scan.text.charCodeAt(at)) {
    case 34:
      return scanString(scan, at);
    case 123:
      return scanObject(scan, at, depth, undefined, false);
    case 91:
      return scanElements(scan, at, depth, undefined, 0, false);
    case 116:
      return scanWord(scan, at, 'true');
    case 102:
      return scanWord(scan, at, 'false');
    case 110:
      return scanWord(scan, at, 'null');
    default:
      return scanNumber(scan, at);
  }
}

/** `envelope`: the elements are messages. */
export function scanElements(scan: Scan, at: number, depth: number, into: Member[] | undefined, most: number, envelope: boolean): number {
  const { text } = scan;
  if (depth > scan.maxDepth) return fail(scan, 'too_deep', at);
  let i = at + 1;
  if (text.charCodeAt(i) <= 32) i = skipSpace(scan, i);
  if (text.charCodeAt(i) === 93) return i + 1;
  for (;;) {
    const start = i;
    const isObject = text.charCodeAt(i) === 123;
    const members: Member[] | undefined = into && isObject ? [] : undefined;
    i = isObject ? scanObject(scan, i, depth + 1, members, envelope) : scanValue(scan, i, depth + 1);
    if (i < 0) return i;
    if (into && into.push({ key: '', keyStart: start, start, end: i, members }) > most) return fail(scan, 'batch', start);
    if (text.charCodeAt(i) <= 32) i = skipSpace(scan, i);
    const code = text.charCodeAt(i++);
    if (code === 93) return i;
    if (code !== 44) return fail(scan, 'syntax', i - 1);
    if (text.charCodeAt(i) <= 32) i = skipSpace(scan, i);
  }
}

/** `envelope`: it is a message, and the members of its `params` and `result` are collected too. */
export function scanObject(scan: Scan, at: number, depth: number, into: Member[] | undefined, envelope: boolean): number {
  const { text, strict, keyCount: firstKey } = scan;
  let all: Set<string> | undefined;
  if (depth > scan.maxDepth) return fail(scan, 'too_deep', at);
  let i = at + 1;
  if (text.charCodeAt(i) <= 32) i = skipSpace(scan, i);
  if (text.charCodeAt(i) === 125) return i + 1;
  for (;;) {
    const keyStart = i;
    if (text.charCodeAt(i) !== 34) return fail(scan, 'syntax', i);
    i = scanString(scan, i);
    if (i < 0) return i;
    let key = '';
    if (scan.escaped && (strict || into)) key = JSON.parse(text.slice(keyStart, i));
    else if (into) key = cutKey(text, keyStart + 1, i - 1);
    else if (strict) key = text.slice(keyStart + 1, i - 1);
    if (strict) {
      if (all ? all.has(key) : isKnownKey(scan, firstKey, key)) return fail(scan, 'duplicate_key', keyStart, key);
      if (all) all.add(key);
      else if (scan.keyCount - firstKey === MANY_KEYS) all = new Set(scan.keys.slice(firstKey, scan.keyCount));
    }
    if (text.charCodeAt(i) <= 32) i = skipSpace(scan, i);
    if (text.charCodeAt(i) !== 58) return fail(scan, 'syntax', i);
    if (text.charCodeAt(++i) <= 32) i = skipSpace(scan, i);
    const start = i;
    const code = text.charCodeAt(i);
    const members: Member[] | undefined = envelope && code === 123 && (key === 'params' || key === 'result') ? [] : undefined;
    if (code === 34) i = scanString(scan, i);
    else if (code === 123) i = scanObject(scan, i, depth + 1, members, false);
    else i = code <= 57 ? scanNumber(scan, i) : scanValue(scan, i, depth + 1);
    if (i < 0) return i;
    if (into && into.push({ key, keyStart, start, end: i, members }) > scan.maxMembers)
      return fail(scan, 'too_many', keyStart, scan.maxMembers);
    if (text.charCodeAt(i) <= 32) i = skipSpace(scan, i);
    const mark = text.charCodeAt(i++);
    if (mark === 125) {
      scan.keyCount = firstKey;
      return i;
    }
    if (mark !== 44) return fail(scan, 'syntax', i - 1);
    if (text.charCodeAt(i) <= 32) i = skipSpace(scan, i);
  }
}

/** Takes a key in of the object whose keys begin at `first`; answers whether it is there already. */
export function isKnownKey(scan: Scan, first: number, key: string): boolean {
  const { keys, keyCount } = scan;
  for (let i = first; i < keyCount; i++) if (keys[i] === key) return true;
  keys[scan.keyCount++] = key;
  return false;
}

/** The key scanned last, between two quotes, as it is meant. */
export function readKey(scan: Scan, start: number, end: number): string {
  return scan.escaped ? JSON.parse(scan.text.slice(start, end)) : cutKey(scan.text, start + 1, end - 1);
}

/** Notes the first thing that is wrong; an unexpected character below U+0020 is named for what it is. */
export function fail(scan: Scan, fault: Fault, at: number, detail: string | number = ''): -1 {
  const code = scan.text.charCodeAt(at);
  scan.fault = fault === 'syntax' && code < 32 ? 'control_character' : fault;
  scan.faultAt = Math.min(at, scan.text.length);
  scan.faultDetail = detail;
  return -1;
}

/** The first place from `at` on that is no white space. */
export function skipSpace({ text, anySpace }: Scan, at: number): number {
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
  let i = at + 1;
  let code = text.charCodeAt(i);
  for (const near = at + WALK; code !== 34 && code !== 92 && code >= 32 && i < near; ) code = text.charCodeAt(++i);
  scan.escaped = false;
  return code === 34 ? i + 1 : scanRest(scan, i);
}

/** The end of the string that `at` is within. INVARIANT I11: no place is searched twice for a quote, or for a backslash. */
function scanRest(scan: Scan, at: number): number {
  const { text } = scan;
  let i = at;
  let quote = 0;
  for (let walk = WALK; scan.isClean && i >= 0; walk *= 2) {
    if (quote >= 0 && quote < i) quote = text.indexOf('"', i);
    if (scan.backslash < i) scan.backslash = placeOf(text, '\\', i);
    const next = quote < 0 ? scan.backslash : Math.min(quote, scan.backslash);
    if (next - i > WALK) {
      if (scan.bytes && hasControl(scan.bytes)) scan.isClean = false;
      scan.bytes = undefined;
      if (!scan.isClean) break;
      i = next;
      walk = WALK;
    }
    // Where escapes stand close to each other, ever longer walks are faster than searches.
    i = stepInString(scan, i, next + walk);
    if (text.charCodeAt(i) === 34) return i + 1;
  }
  if (i >= 0) i = stepInString(scan, i, Number.POSITIVE_INFINITY);
  return i < 0 ? i : i + 1;
}

/** True where a byte, and so a character, is below U+0020: in UTF-8 no other character has such a byte. */
function hasControl(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    // A byte below 0x20 borrows, which sets its highest bit; so may the byte above it, but no byte does without such a one.
    if ((((a - 0x20202020) & ~a) | ((b - 0x20202020) & ~b)) & 0x80808080) return true;
  }
  for (; at < bytes.length; at++) if ((bytes[at] as number) < 32) return true;
  return false;
}

/** Characters through which a walk is faster than a search. */
const WALK = 48;

/** Where the character stands next, or the end of the text. */
function placeOf(text: string, character: string, at: number): number {
  const place = text.indexOf(character, at);
  return place < 0 ? text.length : place;
}

/** Goes on within a string, to the quote that ends it or at least to `limit`. */
export function stepInString(scan: Scan, at: number, limit: number): number {
  const { text } = scan;
  let i = at;
  while (i < limit) {
    const code = text.charCodeAt(i);
    if (code === 34) break;
    if (code === 92) {
      scan.escaped = true;
      i = scanEscape(scan, i);
      if (i < 0) return i;
    } else if (code >= 32) i++;
    else return fail(scan, 'syntax', i); // NaN, the end of the text, comes here too
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
  const whole = text.charCodeAt(at) === 45 ? at + 1 : at;
  let i = whole;
  for (let code = text.charCodeAt(i); code >= 48 && code <= 57 && i - whole < FEW; ) code = text.charCodeAt(++i);
  if (i - whole === FEW) i = skipDigits(text, i);
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

/** Digits that most numbers do not have. */
const FEW = 16;

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

/** By length, and then by the first character: what is left to compare is nearly always one key. */
const BY_LENGTH = Array.from({ length: 43 }, (_, length) => COMMON_KEYS.filter((key) => key.length === length));

/** The part of the text between two places; one of the common keys as that key's constant. */
export function cutKey(text: string, start: number, end: number): string {
  const candidates = BY_LENGTH[end - start];
  if (candidates === undefined || candidates.length === 0) return text.slice(start, end);
  const first = text.charCodeAt(start);
  for (let i = 0; i < candidates.length; i++) {
    const key = candidates[i] ?? '';
    if (key.charCodeAt(0) === first && text.startsWith(key, start)) return key;
  }
  return text.slice(start, end);
}
