/**
 * Finds whose message an oversized line is (wire.md §2.13) by its top-level `id`, while the line is thrown away, so that
 * the request it answers or asks gets an error instead of silence (I9). Reads loosely: the line is never judged.
 */
import { idAt } from './envelope.ts';
import type { RequestId } from './id.ts';

export interface IdFinder {
  push(bytes: Uint8Array): void;
  found(): Sender;
}

/** `isRequest`: the message has a method, so it asks; without one it answers. */
export interface Sender {
  readonly id: RequestId | undefined;
  readonly isRequest: boolean;
}

/** More than an id may have (1 KiB), and its quotes. */
const MAX_VALUE = 1100;
const OBJECT = 123;
const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const COMMA = 44;

interface Reading {
  depth: number;
  inString: boolean;
  escaped: boolean;
  afterColon: boolean;
  key: number[];
  value: number[];
  id: RequestId | undefined;
  ids: number;
  isRequest: boolean;
  /** The message ended, or what came is no object: the rest is of no interest. */
  over: boolean;
}

/** Follows strings and depth only; remembers no more than one key and one value. */
export function createIdFinder(): IdFinder {
  const reading: Reading = {
    depth: 0,
    inString: false,
    escaped: false,
    afterColon: false,
    key: [],
    value: [],
    id: undefined,
    ids: 0,
    isRequest: false,
    over: false,
  };
  return {
    push(bytes) {
      for (let at = 0; at < bytes.length && !reading.over; at++) {
        if (reading.inString) at = skip(reading, bytes, at);
        const byte = bytes[at];
        if (byte === undefined) break;
        if (reading.inString) inside(reading, byte);
        else outside(reading, byte);
      }
    },
    found: () => ({ id: reading.id, isRequest: reading.isRequest }),
  };
}

/** Past what need not be kept of a string, in one step; answers where to go on. */
function skip(reading: Reading, bytes: Uint8Array, at: number): number {
  if (reading.escaped || (reading.depth === 1 && collected(reading).length < MAX_VALUE)) return at;
  const quote = bytes.indexOf(QUOTE, at);
  const backslash = bytes.subarray(at, quote < 0 ? undefined : quote).indexOf(BACKSLASH);
  if (backslash >= 0) return at + backslash;
  return quote < 0 ? bytes.length : quote;
}

function inside(reading: Reading, byte: number): void {
  if (reading.depth === 1) collect(reading, byte);
  if (reading.escaped) reading.escaped = false;
  else if (byte === BACKSLASH) reading.escaped = true;
  else if (byte === QUOTE) reading.inString = false;
}

function outside(reading: Reading, byte: number): void {
  if (byte === QUOTE) reading.inString = true;
  if (reading.depth === 0 && byte !== OBJECT) reading.over = !isSpace(byte);
  else if (byte === 125 || byte === 93) leave(reading);
  else if (byte === OBJECT || byte === 91) reading.depth++;
  else if (reading.depth !== 1) return;
  else if (byte === COMMA) closeMember(reading);
  else if (byte === COLON) reading.afterColon = true;
  else if (!isSpace(byte)) collect(reading, byte);
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 13;
}

function leave(reading: Reading): void {
  reading.depth--;
  if (reading.depth > 0) return;
  closeMember(reading);
  reading.over = true;
}

function closeMember(reading: Reading): void {
  const name = text(reading.key);
  // Of two ids neither is known to be meant.
  if (name === '"id"') reading.id = ++reading.ids === 1 && reading.value.length < MAX_VALUE ? readId(text(reading.value)) : undefined;
  if (name === '"method"') reading.isRequest ||= text(reading.value) !== 'null';
  reading.key = [];
  reading.value = [];
  reading.afterColon = false;
}

function collect(reading: Reading, byte: number): void {
  const into = collected(reading);
  if (into.length < MAX_VALUE) into.push(byte);
}

function collected(reading: Reading): number[] {
  return reading.afterColon ? reading.value : reading.key;
}

function text(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString();
}

function readId(raw: string): RequestId | undefined {
  try {
    JSON.parse(raw);
  } catch {
    return undefined;
  }
  return idAt(raw, { start: 0, end: raw.length });
}
