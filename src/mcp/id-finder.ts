/**
 * Whose message an oversized line is (wire.md §2.13): its top-level `id`, found while the line is thrown away, so that
 * the request it answers or asks gets an error instead of silence (I9). Reads loosely: the line is never judged.
 */
import { idAt, type RequestId } from './id.ts';

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
const OPEN = new Set([123, 91]);
const CLOSE = new Set([125, 93]);
const SPACE = new Set([32, 9, 13]);

/** Follows strings and depth only; remembers no more than one key and one value. */
export function createIdFinder(): IdFinder {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let afterColon = false;
  let key: number[] = [];
  let value: number[] = [];
  let id: RequestId | undefined;
  let isRequest = false;
  /** The message ended, or what came is no object: the rest is of no interest. */
  let over = false;

  const close = () => {
    const name = text(key);
    if (name === '"id"' && value.length < MAX_VALUE) id ??= readId(text(value));
    if (name === '"method"') isRequest = true;
    key = [];
    value = [];
    afterColon = false;
  };
  const end = () => {
    close();
    over = true;
  };
  const collect = (byte: number) => {
    const into = afterColon ? value : key;
    if (into.length < MAX_VALUE) into.push(byte);
  };
  const inside = (byte: number) => {
    if (depth === 1) collect(byte);
    if (escaped) escaped = false;
    else if (byte === BACKSLASH) escaped = true;
    else if (byte === QUOTE) inString = false;
  };
  const outside = (byte: number) => {
    if (depth === 0 && byte !== OBJECT) over = !SPACE.has(byte);
    else if (CLOSE.has(byte) && --depth === 0) end();
    else if (OPEN.has(byte)) depth++;
    else if (depth === 1 && byte === COMMA) close();
    else if (depth === 1 && byte === COLON) afterColon = true;
    else if (depth === 1 && !SPACE.has(byte)) collect(byte);
    if (byte === QUOTE) inString = true;
  };
  /** Past what need not be kept of a string, in one step; answers where to go on. */
  const skip = (bytes: Uint8Array, at: number): number => {
    if (escaped || (depth === 1 && (afterColon ? value : key).length < MAX_VALUE)) return at;
    const quote = bytes.indexOf(QUOTE, at);
    const backslash = bytes.subarray(at, quote < 0 ? undefined : quote).indexOf(BACKSLASH);
    if (backslash >= 0) return at + backslash;
    return quote < 0 ? bytes.length : quote;
  };
  return {
    push(bytes) {
      for (let at = 0; at < bytes.length && !over; at++) {
        if (inString) at = skip(bytes, at);
        const byte = bytes[at];
        if (byte === undefined) break;
        if (inString) inside(byte);
        else outside(byte);
      }
    },
    found: () => ({ id, isRequest }),
  };
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
