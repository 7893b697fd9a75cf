/** The lines of a file that may still be growing, in blocks: whatever the file holds, in constant memory (I11). */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** One line, without its line feed. `bytes` are good until the next block is asked for. */
export interface RawLine {
  readonly bytes: Buffer;
  /** Bytes of the file up to and with its line feed. */
  readonly end: number;
  /** Says why it is not whole: no line feed ends it yet, or it is longer than any record, and `bytes` are empty. */
  readonly fault?: 'torn' | 'long';
}

const LINE_FEED = 10;
/** So much is read at once where one file is read alone. */
const BLOCK = 1_048_576;
/** INVARIANT I11: no record is longer; more of a line is not kept. */
const LONGEST = 1_048_576;

interface Reading {
  memory: Buffer;
  /** Bytes in `memory` of a line that goes on in the next block. */
  held: number;
  /** The line is too long: its bytes are passed over. */
  long: boolean;
  /** The place in the file behind what was read. */
  at: number;
}

/** Reads lines from `start` on, split at line feeds alone. A file that is gone has none. The file is open only while a block is read. */
export async function* readBlocks(file: string, start = 0, size = BLOCK): AsyncGenerator<readonly RawLine[]> {
  const reading: Reading = { memory: Buffer.allocUnsafe(size), held: 0, long: false, at: start };
  for (;;) {
    if (reading.held === reading.memory.length) growMemory(reading);
    const { memory, held } = reading;
    const count = await readAt(file, memory.subarray(held), reading.at);
    if (count === 0) break;
    reading.at += count;
    const filled = memory.subarray(0, held + count);
    const { lines, from } = cut(filled, reading);
    if (lines.length > 0) yield lines;
    memory.copyWithin(0, from, filled.length);
    reading.held = filled.length - from;
  }
  const { memory, held, long, at } = reading;
  if (long || held > 0)
    yield [long ? { bytes: NOTHING, end: at, fault: 'long' } : { bytes: memory.subarray(0, held), end: at, fault: 'torn' }];
}

const NOTHING = Buffer.alloc(0);

/** Answers with what is whole among the bytes, and with where the rest begins. */
function cut(filled: Buffer, reading: Reading): { readonly lines: readonly RawLine[]; readonly from: number } {
  const lines: RawLine[] = [];
  const base = reading.at - filled.length;
  let from = 0;
  for (let at = filled.indexOf(LINE_FEED, reading.held); at >= 0; at = filled.indexOf(LINE_FEED, from)) {
    const end = base + at + 1;
    lines.push(reading.long ? { bytes: NOTHING, end, fault: 'long' } : { bytes: filled.subarray(from, at), end });
    reading.long = false;
    from = at + 1;
  }
  return { lines, from };
}

/** A line fills the memory: there is more of it up to a limit, and beyond that the line is passed over. */
function growMemory(reading: Reading): void {
  if (reading.long || reading.memory.length >= LONGEST) {
    reading.long = true;
    reading.held = 0;
    return;
  }
  const grown = Buffer.allocUnsafe(Math.min(reading.memory.length * 2, LONGEST));
  reading.memory.copy(grown, 0, 0, reading.held);
  reading.memory = grown;
}

async function readAt(file: string, memory: Buffer, at: number): Promise<number> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    // A pipe that stands there has nothing to say, and must not keep anyone waiting.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  try {
    return (await handle.read(memory, 0, memory.length, at)).bytesRead;
  } finally {
    await handle.close();
  }
}
