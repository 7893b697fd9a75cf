/**
 * One pass over a JSON text: is it well formed, and where do the members stand that the caller asked for. A strict
 * scan also finds duplicate keys, at any depth and however they are escaped (wire.md §2.2).
 */
import { cutKey } from './intern.ts';
import { fail, failMany, openScan, type Scan, type Span, scanNumber, scanString, scanWord, skipSpace } from './token.ts';

/** A member of an object (the span is its value's), or an element of a top-level array (then `key` is ''). */
export interface Member extends Span {
  readonly key: string;
  readonly keyStart: number;
  /** Members of the value, where it is an object whose members were asked for. */
  readonly members: readonly Member[] | undefined;
}

/** What a text is, as a whole. */
export type Top = 'object' | 'array' | 'other';

/** How many messages one batch may hold: more could not be in flight, and each costs an answer. */
export const MAX_BATCH = 1024;
/** From this many keys on, a set finds duplicates faster than a look through the list. */
const MANY_KEYS = 12;

/**
 * Scans the whole text. Of an object (a message) or an array (a batch) it fills `into` with the members or elements,
 * as far as it came; undefined where the text is not sound.
 */
export function scanMessage(scan: Scan, into: Member[]): Top | undefined {
  const start = skipSpace(scan, 0);
  const top = topAt(scan.text, start);
  return endOfMessage(scan, top, scanTop(scan, start, top, into));
}

/** What a text is by the character that it begins with. */
export function topAt(text: string, start: number): Top {
  const code = text.charCodeAt(start);
  return code === 123 ? 'object' : code === 91 ? 'array' : 'other';
}

/** What was scanned up to `end`, where nothing stands behind it. */
export function endOfMessage(scan: Scan, top: Top, end: number): Top | undefined {
  if (end < 0) return undefined;
  const rest = skipSpace(scan, end);
  if (rest === scan.text.length) return top;
  fail(scan, 'syntax', rest);
  return undefined;
}

/** A scan of a text known to be valid. */
export function openLenient(text: string): Scan {
  return openScan(text, { strict: false, maxDepth: Number.POSITIVE_INFINITY, anySpace: true });
}

/** Members of the object that starts at `start` of a text known to be valid. */
export function membersAt(text: string, start: number): readonly Member[] {
  const into: Member[] = [];
  scanObject(openLenient(text), start, 1, into, false);
  return into;
}

/** Elements of the array that starts at `start` of a text known to be valid; the members of those that are objects. */
export function elementsAt(text: string, start: number): readonly Member[] {
  const into: Member[] = [];
  scanElements(openLenient(text), start, 1, into, Number.POSITIVE_INFINITY, false);
  return into;
}

/** Whether a value within a text known to be valid also holds to the strict rules: no duplicate key, no lone surrogate. */
export function isStrictValue(text: string, start: number): boolean {
  return scanValue(openScan(text, { strict: true, maxDepth: 256, anySpace: true }), start, 1) >= 0;
}

function scanTop(scan: Scan, at: number, top: Top, into: Member[]): number {
  if (top === 'object') return scanObject(scan, at, 1, into, true);
  return top === 'array' ? scanElements(scan, at, 1, into, MAX_BATCH, true) : scanValue(scan, at, 1);
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

function scanElements(scan: Scan, at: number, depth: number, into: Member[] | undefined, most: number, envelope: boolean): number {
  const { text } = scan;
  if (depth > scan.maxDepth) return fail(scan, 'too_deep', at);
  let i = skipSpace(scan, at + 1);
  if (text.charCodeAt(i) === 93) return i + 1;
  for (;;) {
    const start = i;
    const members: Member[] | undefined = into && text.charCodeAt(i) === 123 ? [] : undefined;
    i = members ? scanObject(scan, i, depth + 1, members, envelope) : scanValue(scan, i, depth + 1);
    if (i < 0) return i;
    if (into && into.push({ key: '', keyStart: start, start, end: i, members }) > most) return fail(scan, 'batch', start);
    i = skipSpace(scan, i);
    const code = text.charCodeAt(i);
    if (code === 93) return i + 1;
    if (code !== 44) return fail(scan, 'syntax', i);
    i = skipSpace(scan, i + 1);
  }
}

/** `envelope`: the members of `params` and `result` are collected too. */
function scanObject(scan: Scan, at: number, depth: number, into: Member[] | undefined, envelope: boolean): number {
  const { text } = scan;
  if (depth > scan.maxDepth) return fail(scan, 'too_deep', at);
  let i = skipSpace(scan, at + 1);
  if (text.charCodeAt(i) === 125) return i + 1;
  const keys = scan.strict ? openKeys() : undefined;
  for (;;) {
    const keyStart = i;
    if (text.charCodeAt(i) !== 34) return fail(scan, 'syntax', i);
    i = scanString(scan, i);
    if (i < 0) return i;
    const key = keys || into ? readKey(scan, keyStart, i) : '';
    if (keys && !isNewKey(keys, key)) return failKey(scan, key, keyStart);
    i = skipSpace(scan, i);
    if (text.charCodeAt(i) !== 58) return fail(scan, 'syntax', i);
    const start = skipSpace(scan, i + 1);
    const members: Member[] | undefined =
      envelope && text.charCodeAt(start) === 123 && (key === 'params' || key === 'result') ? [] : undefined;
    i = members ? scanObject(scan, start, depth + 1, members, false) : scanValue(scan, start, depth + 1);
    if (i < 0) return i;
    if (into && into.push({ key, keyStart, start, end: i, members }) > scan.maxMembers) return failMany(scan, scan.maxMembers, keyStart);
    i = skipSpace(scan, i);
    const code = text.charCodeAt(i);
    if (code === 125) return i + 1;
    if (code !== 44) return fail(scan, 'syntax', i);
    i = skipSpace(scan, i + 1);
  }
}

/** The key between two quotes, as it is meant. */
export function readKey(scan: Scan, start: number, end: number): string {
  return scan.escaped ? JSON.parse(scan.text.slice(start, end)) : cutKey(scan.text, start + 1, end - 1);
}

/** The keys of one object so far. */
export interface Keys {
  readonly list: string[];
  all: Set<string> | undefined;
}

/** No keys yet. */
export function openKeys(): Keys {
  return { list: [], all: undefined };
}

/** Takes a key in; answers whether it is the first of its name. */
export function isNewKey(keys: Keys, key: string): boolean {
  if (keys.all) {
    const before = keys.all.size;
    return keys.all.add(key).size > before;
  }
  if (keys.list.includes(key)) return false;
  if (keys.list.push(key) === MANY_KEYS) keys.all = new Set(keys.list);
  return true;
}

/** Notes the key that occurs twice. */
export function failKey(scan: Scan, key: string, at: number): -1 {
  scan.faultKey = key;
  return fail(scan, 'duplicate_key', at);
}
