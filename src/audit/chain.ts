/** Chains and encodes the lines of an audit file (cli.md §2). */
import { hash } from 'node:crypto';
import { escapeUnseen } from './escape.ts';

/** `prev` of a file's first record. */
export const NO_LINE = '0'.repeat(64);

/** The hash that the next line's `prev` holds: of the line's UTF-8 bytes, without its line feed. */
export function hashLine(line: string | Uint8Array): string {
  return hash('sha256', line);
}

/** The bytes of records that are written together: encoded once, into memory that is used again. */
export interface Page {
  clear(): void;
  /** Adds a line and its line feed; answers with the line's hash. */
  add(line: string): string;
  bytes(): Uint8Array;
}

const FIRST_CAPACITY = 65_536;
/** A page that one record made huge is given up afterwards (I11). */
const KEPT_CAPACITY = 1_048_576;
const LF = 10;
const DELETE = 0x7f;

/** Opens an empty page. */
export function openPage(): Page {
  const encoder = new TextEncoder();
  let memory = Buffer.alloc(FIRST_CAPACITY);
  let length = 0;

  /** Answers where the line ends. */
  function encode(line: string): number {
    const most = length + line.length * 3 + 1;
    if (most > memory.length) {
      const grown = Buffer.alloc(Math.max(memory.length * 2, most));
      memory.copy(grown, 0, 0, length);
      memory = grown;
    }
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
      // JSON has no raw control characters; of ASCII only DEL is left to be unseen. Other lines are looked at one by one.
      if (end - start !== line.length || memory.subarray(start, end).includes(DELETE)) end = encode(escapeUnseen(line));
      memory[end] = LF;
      length = end + 1;
      return hashLine(memory.subarray(start, end));
    },
    bytes: () => memory.subarray(0, length),
  };
}
