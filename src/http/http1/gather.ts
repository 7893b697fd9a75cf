/** Text up to a mark, out of bytes that come in any pieces. */
import { broken, unreadable } from './head.ts';

export interface Gathering {
  held: Buffer;
  length: number;
  /** What was found last. */
  text: string;
}

/** Bytes: of a head or trailers, and of the line before a chunk. */
export const MAX_HEAD = 64 * 1024;
export const MAX_LINE = 4 * 1024;
const LF = 10;
const CR = 13;
const NOTHING = Buffer.alloc(0);

export function createGathering(): Gathering {
  return { held: NOTHING, length: 0, text: '' };
}

/**
 * Reads `chunk` from `at` on up to the mark, which may have begun in what came before. Answers with what comes after it and
 * leaves the text before it in `text`; -1 where it has not come, then all of the chunk was taken. Throws `UpstreamFault`
 * where the text is longer than `most`. Linear in what comes, whatever the pieces are.
 */
export function gather(gathering: Gathering, chunk: Buffer, at: number, mark: Buffer, most: number): number {
  if (gathering.length > 0) return gatherMore(gathering, chunk, at, mark, most);
  const found = chunk.indexOf(mark, at);
  if (found < 0) {
    hold(gathering, chunk, at, Math.min(chunk.length, at + most + mark.length));
    return waitFor(gathering, 0, mark, most);
  }
  if (found - at > most) throw tooLong(most);
  gathering.text = chunk.toString('latin1', at, found);
  return found + mark.length;
}

function gatherMore(gathering: Gathering, chunk: Buffer, at: number, mark: Buffer, most: number): number {
  const before = gathering.length;
  const end = Math.min(chunk.length, at + most + mark.length - before);
  hold(gathering, chunk, at, end);
  const found = gathering.held.subarray(0, gathering.length).indexOf(mark, Math.max(0, before - mark.length + 1));
  if (found < 0) return waitFor(gathering, before, mark, most);
  gathering.text = gathering.held.toString('latin1', 0, found);
  gathering.length = 0;
  return at + found + mark.length - before;
}

function hold(gathering: Gathering, chunk: Buffer, from: number, to: number): void {
  const total = gathering.length + to - from;
  if (total > gathering.held.length) {
    const grown = Buffer.allocUnsafeSlow(Math.max(total, gathering.held.length * 2));
    gathering.held.copy(grown, 0, 0, gathering.length);
    gathering.held = grown;
  }
  chunk.copy(gathering.held, gathering.length, from, to);
  gathering.length = total;
}

/** A text of at most `most` would have ended, with its mark, in as many bytes; one whose lines LF alone ends never does. */
function waitFor({ held, length }: Gathering, before: number, mark: Buffer, most: number): -1 {
  for (let at = held.indexOf(LF, before); at >= 0 && at < length; at = held.indexOf(LF, at + 1))
    if (held[at - 1] !== CR) throw unreadable('\n', '');
  if (length >= most + mark.length) throw tooLong(most);
  return -1;
}

function tooLong(most: number): Error {
  return broken(most === 0 ? 'a chunk that does not end where it says' : `a head, or a line of one, of more than ${most} bytes`);
}
