/** Values out of a large text, in slices (wire.md §2.13): what `readJson` reads, and so much at a time. */
import type { Json } from '../../core/json.ts';
import type { Slices } from '../../core/slices.ts';
import { cutKey } from './intern.ts';
import { type Cursor, readString, readValue, skipSpace, takeMark } from './json.ts';
import { endsWithin } from './token.ts';

/** Characters between two pauses. */
const SLICE = 32 * 1024;

/**
 * What may still be read of one frame: a value costs 1, a container as much as it takes in memory. Where nothing is left,
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
  const key = readString(cursor, cutKey);
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
