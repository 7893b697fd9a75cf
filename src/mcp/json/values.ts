/** Builds and writes JSON values (core's `Json`) from and to text: numbers keep their text, objects are Maps. */
import { isArray, isNumber, isObject, type Json } from '../../core/json.ts';
import type { Slices } from '../../core/slices.ts';
import { cutKey, findFrom, LONG_RUN } from './scan.ts';
import type { Span } from './scan-types.ts';
/** Reads the value that begins at `start` of a text that a scan has found valid. The later of two equal keys wins. */
export function readJson(text: string, start = 0): Json {
  return readValue({ text, at: start });
}

/** Writes a value as JSON text without white space; numbers as they arrived. */
export function renderJson(value: Json): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (isArray(value)) return `[${value.map(renderJson).join(',')}]`;
  if (isObject(value)) return `{${Array.from(value, ([key, item]) => `${JSON.stringify(key)}:${renderJson(item)}`).join(',')}}`;
  return value.number;
}

/** A plain JavaScript value as JSON: what JSON.stringify would leave out is left out, and what it would make null of is a fault. */
export function fromPlain(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return { number: `${value}` };
  if (Array.isArray(value)) return value.map((item) => fromPlain(item ?? null));
  if (typeof value === 'object')
    return new Map(Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, fromPlain(item)]])));
  throw new TypeError(`"${String(value)}" (${typeof value}) is not a JSON value`);
}

/** The value as JavaScript has it: numbers become doubles, objects own properties only. */
export function toPlain(value: Json): unknown {
  if (isArray(value)) return value.map(toPlain);
  if (isObject(value)) return Object.fromEntries(Array.from(value, ([key, item]) => [key, toPlain(item)]));
  return isNumber(value) ? Number(value.number) : value;
}

/** The value of a string that stands at `span`, or undefined where no string stands there. */
export function stringAt(text: string, span: Span): string | undefined {
  if (text.charCodeAt(span.start) !== 34) return undefined;
  const inner = text.slice(span.start + 1, span.end - 1);
  return inner.includes('\\') ? JSON.parse(text.slice(span.start, span.end)) : inner;
}

/** True where the string at `at` surely ends within so many characters: a quote behind a backslash may not be its end. */
export function endsWithin(text: string, at: number, most: number): boolean {
  const quote = text.indexOf('"', at + 1);
  return quote >= 0 && quote - at < most && text.charCodeAt(quote - 1) !== 92;
}

/** A place in a text, and the text. */
export interface Cursor {
  readonly text: string;
  at: number;
}

/** The value at the cursor, which goes behind it. */
export function readValue(cursor: Cursor): Json {
  const { text } = cursor;
  if (text.charCodeAt(cursor.at) <= 32) skipSpace(cursor);
  switch (text.charCodeAt(cursor.at)) {
    case 34:
      return readString(cursor);
    case 123:
      return readObject(cursor);
    case 91:
      return readArray(cursor);
    case 116:
      cursor.at += 4;
      return true;
    case 102:
      cursor.at += 5;
      return false;
    case 110:
      cursor.at += 4;
      return null;
    default:
      return readNumber(cursor);
  }
}

/** The cursor goes to the next token. */
export function skipSpace(cursor: Cursor): void {
  const { text, at } = cursor;
  while (text.charCodeAt(cursor.at) <= 32) {
    cursor.at++;
    if (cursor.at - at === LONG_RUN) cursor.at = findFrom(text, cursor.at, /[^\0- ]/g);
  }
}

/** The next mark (`,` `:` or a closing bracket) is read; by it the caller knows whether to go on. */
export function takeMark(cursor: Cursor): number {
  if (cursor.text.charCodeAt(cursor.at) <= 32) skipSpace(cursor);
  return cursor.text.charCodeAt(cursor.at++);
}

/** The string at the cursor. `isKey`: it is likely to be one of those that nearly every message has. */
export function readString(cursor: Cursor, isKey = false): string {
  const { text, at } = cursor;
  let end = text.indexOf('"', at + 1);
  while (text.charCodeAt(end - 1) === 92 && isEscaped(text, at, end)) end = text.indexOf('"', end + 1);
  if (end < 0) throw new RangeError(`the string at offset ${at} does not end`);
  cursor.at = end + 1;
  const inner = isKey ? cutKey(text, at + 1, end) : text.slice(at + 1, end);
  return inner.includes('\\') ? JSON.parse(text.slice(at, end + 1)) : inner;
}

/** True where an odd number of backslashes stands before the quote. Each stands before one quote, so all looks together are linear. */
function isEscaped(text: string, start: number, quote: number): boolean {
  let at = quote;
  while (at - 1 > start && text.charCodeAt(at - 1) === 92) at--;
  return (quote - at) % 2 === 1;
}

function readNumber(cursor: Cursor): Json {
  const { text, at } = cursor;
  let end = at;
  let code = text.charCodeAt(end);
  // Digits, `+`, `-`, `.`, `E`, `e`.
  while ((code >= 48 && code <= 57) || code === 46 || code === 45 || code === 43 || (code | 32) === 101) {
    end++;
    if (end - at === LONG_RUN) end = findFrom(text, end, /[^-+.0-9Ee]/g);
    code = text.charCodeAt(end);
  }
  if (end === at) throw new RangeError(`no JSON value at offset ${at}`);
  cursor.at = end;
  return (end === at + 1 && DIGITS[text.charCodeAt(at) - 48]) || { number: text.slice(at, end) };
}

/** Numbers of one digit, which may come by the million. */
const DIGITS: readonly Json[] = Array.from({ length: 10 }, (_, digit) => ({ number: `${digit}` }));

function readArray(cursor: Cursor): Json {
  const items: Json[] = [];
  cursor.at++;
  skipSpace(cursor);
  if (cursor.text.charCodeAt(cursor.at) === 93) {
    cursor.at++;
    return items;
  }
  do items.push(readValue(cursor));
  while (takeMark(cursor) === 44);
  return items;
}

function readObject(cursor: Cursor): Json {
  const { text } = cursor;
  const members = new Map<string, Json>();
  cursor.at++;
  if (text.charCodeAt(cursor.at) <= 32) skipSpace(cursor);
  if (text.charCodeAt(cursor.at) === 125) {
    cursor.at++;
    return members;
  }
  for (;;) {
    if (text.charCodeAt(cursor.at) <= 32) skipSpace(cursor);
    const key = readString(cursor, true);
    if (text.charCodeAt(cursor.at) <= 32) skipSpace(cursor);
    cursor.at++;
    members.set(key, readValue(cursor));
    if (text.charCodeAt(cursor.at) <= 32) skipSpace(cursor);
    if (text.charCodeAt(cursor.at++) !== 44) return members;
  }
}

/** Characters between two pauses. */
const SLICE = 32 * 1024;

/**
 * Bounds what may still be read of one frame: a value costs 1, a container as much as it takes in memory. Where nothing is left,
 * nothing is read. INVARIANT I11: ten megabytes of `{}` would be a gigabyte of objects, and each of its collections a pause.
 */
export interface Allowance {
  left: number;
}

const CONTAINER = 4;

/** A container whose end has not come; of an object also the key whose value is read. */
type Open = { readonly items: Json[] } | { readonly members: Map<string, Json>; key: string };

/** Reads the value that begins at `start` of a text that a scan has found valid; undefined where it takes more than is left. */
export function* readJsonInSlices(text: string, start: number, allowance: Allowance): Slices<Json | undefined> {
  const cursor: Cursor = { text, at: start };
  const stack: Open[] = [];
  for (let pausedAt = start; ; ) {
    if (cursor.at - pausedAt > SLICE) {
      pausedAt = cursor.at;
      yield;
    }
    skipSpace(cursor);
    const code = text.charCodeAt(cursor.at);
    allowance.left -= code === 123 || code === 91 ? CONTAINER : 1;
    if (allowance.left < 0) return undefined;
    let value = begin(cursor, stack);
    if (value === undefined) continue;
    if (value === LONG) value = yield* readLongString(cursor);
    const whole = place(value, cursor, stack);
    if (whole !== undefined) return whole;
  }
}

/** Stands for a string that is read in slices itself. */
const LONG = Symbol('long');

/** A whole value, if one stands here; nothing where a container begins, which is open then. */
function begin(cursor: Cursor, stack: Open[]): Json | typeof LONG | undefined {
  const { text } = cursor;
  const code = text.charCodeAt(cursor.at);
  if (code === 34) return endsWithin(text, cursor.at, SLICE) ? readValue(cursor) : LONG;
  if (code !== 123 && code !== 91) return readValue(cursor);
  cursor.at++;
  skipSpace(cursor);
  const isEmpty = text.charCodeAt(cursor.at) === (code === 123 ? 125 : 93);
  if (isEmpty) {
    cursor.at++;
    return code === 123 ? new Map() : [];
  }
  if (code === 91) stack.push({ items: [] });
  else stack.push({ members: new Map(), key: readKey(cursor) });
  return undefined;
}

function readKey(cursor: Cursor): string {
  skipSpace(cursor);
  const key = readString(cursor, true);
  takeMark(cursor);
  return key;
}

/** Puts the value where it belongs, and what ends with it; answers with the outermost value once that is whole. */
function place(value: Json, cursor: Cursor, stack: Open[]): Json | undefined {
  let whole = value;
  for (let open = stack.at(-1); open; open = stack.at(-1)) {
    if ('items' in open) open.items.push(whole);
    else open.members.set(open.key, whole);
    if (takeMark(cursor) === 44) {
      if ('key' in open) open.key = readKey(cursor);
      return undefined;
    }
    whole = 'items' in open ? open.items : open.members;
    stack.pop();
  }
  return whole;
}

/** Reads the string at the cursor of a text known to be valid, and undoes the escapes of so much at a time. */
export function* readLongString(cursor: Cursor): Slices<string> {
  const { text } = cursor;
  const pieces: string[] = [];
  let from = cursor.at + 1;
  for (let at = from; ; ) {
    const code = text.charCodeAt(at);
    if (code === 34 || at - from >= SLICE) {
      const piece = text.slice(from, at);
      pieces.push(piece.includes('\\') ? JSON.parse(`"${piece}"`) : piece);
      from = at;
      if (code !== 34) yield;
    }
    if (code === 34) break;
    if (Number.isNaN(code)) throw new RangeError(`the string at offset ${cursor.at} does not end`);
    at += code !== 92 ? 1 : text.charCodeAt(at + 1) === 117 ? 6 : 2;
  }
  cursor.at = from + 1;
  return pieces.join('');
}
