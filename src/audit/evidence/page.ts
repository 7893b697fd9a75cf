/** The bytes of records that are written together: encoded once, into memory that is used again. */
import { escapeUnseen } from '../escape.ts';

export interface Page {
  clear(): void;
  /** Adds a line and its line feed; answers with the line's bytes, good until the next `add`. */
  add(line: string): Uint8Array;
  bytes(): Uint8Array;
}

const FIRST_CAPACITY = 65_536;
/** A page that one record made huge is given up afterwards. */
const KEPT_CAPACITY = 1_048_576;
const LF = 10;
const DELETE = 0x7f;

export function openPage(): Page {
  const encoder = new TextEncoder();
  let memory = Buffer.alloc(FIRST_CAPACITY);
  let length = 0;

  function reserve(bytes: number): void {
    if (length + bytes <= memory.length) return;
    const grown = Buffer.alloc(Math.max(memory.length * 2, length + bytes));
    memory.copy(grown, 0, 0, length);
    memory = grown;
  }

  /** Where the line ends; its characters are those that JSON and ASCII share, or they are looked at one by one. */
  function encode(line: string): number {
    reserve(line.length * 3 + 1);
    return length + encoder.encodeInto(line, memory.subarray(length)).written;
  }

  return {
    clear() {
      length = 0;
      if (memory.length > KEPT_CAPACITY) memory = Buffer.alloc(FIRST_CAPACITY);
    },
    add(line) {
      const start = length;
      let end = encode(line);
      // JSON has no raw control characters; of ASCII only DEL is left to be unseen.
      if (end - start !== line.length || memory.subarray(start, end).includes(DELETE)) end = encode(escapeUnseen(line));
      memory[end] = LF;
      length = end + 1;
      return memory.subarray(start, end);
    },
    bytes: () => memory.subarray(0, length),
  };
}
