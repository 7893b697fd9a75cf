/** The one spelling of a large value, in slices (wire.md §2.13): what `canonicalText` writes, piece by piece. */
import { canonicalText, sortedMembers } from './fingerprint.ts';
import { isArray, isNumber, isObject, type Json, type JsonNumber, type JsonObject } from './json.ts';
import type { Slices } from './slices.ts';

/** Characters of one piece, and of what is written between two pauses. */
const SLICE = 16 * 1024;
/** An object of so few members is sorted at once. */
const FEW = 16;
/** Putting a member in its place costs this much, in characters that are compared. */
const MEMBER = 16;

/** Gives `take` the pieces in order; none ends within a character, so that each may be encoded by itself. */
export function* canonicalInSlices(value: Json, take: (piece: string) => void): Slices<void> {
  const out: Output = { text: '', take };
  yield* write(value, out);
  take(out.text);
}

interface Output {
  /** Text that was written and not taken. */
  text: string;
  readonly take: (piece: string) => void;
}

function* write(value: Json, out: Output): Slices<void> {
  if (typeof value === 'string') yield* writeString(value, out);
  else if (isArray(value)) yield* writeArray(value, out);
  else if (isObject(value)) yield* writeObject(value, out);
  else if (isNumber(value) && value.number.length > SLICE) yield* writeNumber(value, out);
  else out.text += canonicalText(value);
  if (out.text.length >= SLICE) yield* flush(out);
}

/** Most values are small, and are written at once. */
function isSmall(value: Json): boolean {
  if (typeof value === 'string') return value.length <= SLICE;
  return value === null || typeof value === 'boolean' || (isNumber(value) && value.number.length <= SLICE);
}

function* writeArray(items: readonly Json[], out: Output): Slices<void> {
  out.text += '[';
  for (let index = 0; index < items.length; index++) {
    const item = items[index] as Json;
    if (index > 0) out.text += ',';
    if (isSmall(item) && out.text.length < SLICE) out.text += canonicalText(item);
    else yield* write(item, out);
  }
  out.text += ']';
}

function* writeObject(members: JsonObject, out: Output): Slices<void> {
  out.text += '{';
  let isFirst = true;
  for (const [key, member] of members.size <= FEW ? sortedMembers(members) : yield* sortInSlices(members)) {
    if (!isFirst) out.text += ',';
    isFirst = false;
    if (key.length <= SLICE) out.text += JSON.stringify(key);
    else yield* writeString(key, out);
    out.text += ':';
    if (isSmall(member) && out.text.length < SLICE) out.text += canonicalText(member);
    else yield* write(member, out);
  }
  out.text += '}';
}

/** A number of megabytes is read in one go, in a turn of its own: that takes a part of what a turn may. */
function* writeNumber(number: JsonNumber, out: Output): Slices<void> {
  yield;
  out.text += canonicalText(number);
}

function* writeString(text: string, out: Output): Slices<void> {
  if (text.length <= SLICE) {
    out.text += JSON.stringify(text);
    return;
  }
  out.text += '"';
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = pieceEnd(text, start);
    out.text += JSON.stringify(text.slice(start, end)).slice(1, -1);
    yield* flush(out);
  }
  out.text += '"';
}

function* flush(out: Output): Slices<void> {
  yield;
  const { text } = out;
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = pieceEnd(text, start);
    out.take(text.slice(start, end));
    yield;
  }
  out.text = '';
}

/** Finds the end of a piece that begins here: not between the two halves of a character. */
function pieceEnd(text: string, start: number): number {
  const end = start + SLICE;
  if (end >= text.length) return text.length;
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code < 0xdc00 ? end + 1 : end;
}

type Entry = readonly [string, Json];

function* sortInSlices(members: JsonObject): Slices<readonly Entry[]> {
  let entries: Entry[] = [];
  for (const entry of members) if (entries.push(entry) % SLICE === 0) yield;
  for (let width = 1; width < entries.length; width *= 2) entries = yield* mergePairs(entries, width);
  return entries;
}

/** Merges each two neighbouring runs of so many members, each in order, into one. */
function* mergePairs(entries: readonly Entry[], width: number): Slices<Entry[]> {
  const merged: Entry[] = [];
  let cost = 0;
  for (let start = 0; start < entries.length; start += 2 * width) {
    const middle = Math.min(start + width, entries.length);
    const end = Math.min(start + 2 * width, entries.length);
    for (let left = start, right = middle; left < middle || right < end; ) {
      const takesLeft = right >= end || (left < middle && keyAt(entries, left) < keyAt(entries, right));
      const next = entries[takesLeft ? left++ : right++] as Entry;
      merged.push(next);
      cost += MEMBER + next[0].length;
      if (cost < SLICE) continue;
      cost = 0;
      yield;
    }
  }
  return merged;
}

function keyAt(entries: readonly Entry[], index: number): string {
  return (entries[index] as Entry)[0];
}
