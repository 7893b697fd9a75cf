/**
 * Framing of stdio (wire.md §2.6, §2.13): LF alone ends a line, one CR directly before it is dropped, blank lines are
 * nothing. SECURITY: a reader that also split on CR or U+2028 would see two messages where one was judged.
 */
import { createIdFinder, type IdFinder, type Sender } from './id-finder.ts';

export type Line =
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  /** A line of more than the allowed size, thrown away as it came; `sender`: whose message it was, where that can be told. */
  | { readonly kind: 'too_long'; readonly length: number; readonly sender: Sender };

export interface LineSplitter {
  push(chunk: Uint8Array): Line[];
  /** What came after the last LF is a line. */
  end(): Line[];
}

const LF = 10;
const CR = 13;
const FIRST_CAPACITY = 4096;

/**
 * Cuts a byte stream into lines of at most `maxBytes`. A line that lies within one chunk is a part of that chunk, not
 * a copy; one that spans chunks is collected in a buffer that doubles, so its cost is linear whatever the chunks are.
 */
export function createLineSplitter(maxBytes: number): LineSplitter {
  let held = new Uint8Array(0);
  let length = 0;
  let discarding: { readonly finder: IdFinder; length: number } | undefined;

  function hold(piece: Uint8Array): void {
    if (length + piece.length > held.length) {
      const grown = new Uint8Array(Math.max(FIRST_CAPACITY, held.length * 2, length + piece.length));
      grown.set(held.subarray(0, length));
      held = grown;
    }
    held.set(piece, length);
    length += piece.length;
  }

  function takeHeld(): Uint8Array {
    const bytes = held.subarray(0, length);
    held = new Uint8Array(0);
    length = 0;
    return bytes;
  }

  function finish(piece: Uint8Array, into: Line[]): void {
    if (discarding) {
      discard(piece);
      into.push(tooLong());
      return;
    }
    if (length > 0) hold(piece);
    const bytes = withoutCr(length > 0 ? takeHeld() : piece);
    if (bytes.length > maxBytes) {
      discard(bytes);
      into.push(tooLong());
    } else if (!isBlank(bytes)) into.push({ kind: 'line', bytes });
  }

  function discard(piece: Uint8Array): void {
    discarding ??= { finder: createIdFinder(), length: 0 };
    discarding.finder.push(piece);
    discarding.length += piece.length;
  }

  function tooLong(): Line {
    const sender = discarding?.finder.found() ?? { id: undefined, isRequest: false };
    const line: Line = { kind: 'too_long', length: discarding?.length ?? 0, sender };
    discarding = undefined;
    return line;
  }

  function keep(piece: Uint8Array): void {
    if (discarding) {
      discard(piece);
      return;
    }
    if (piece.length === 0) return;
    const total = length + piece.length;
    // The last byte may be the CR that the LF to come takes with it.
    const allowed = piece[piece.length - 1] === CR ? maxBytes + 1 : maxBytes;
    if (total <= allowed) {
      hold(piece);
      return;
    }
    discard(takeHeld());
    discard(piece);
  }

  return {
    push(chunk) {
      const lines: Line[] = [];
      let start = 0;
      for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
        finish(chunk.subarray(start, end), lines);
        start = end + 1;
      }
      keep(chunk.subarray(start));
      return lines;
    },
    end() {
      const lines: Line[] = [];
      const rest = takeHeld();
      // No LF came, so a CR at the end is the line's own.
      if (rest.length > maxBytes) discard(rest);
      if (discarding) lines.push(tooLong());
      else if (!isBlank(rest)) lines.push({ kind: 'line', bytes: rest });
      return lines;
    },
  };
}

/** A message as one line: what is valid JSON has control characters between tokens only, and there a space is as good. */
export function asLine(text: string): string {
  return text.replace(/[\t\n\r]/g, ' ');
}

function withoutCr(bytes: Uint8Array): Uint8Array {
  return bytes[bytes.length - 1] === CR ? bytes.subarray(0, -1) : bytes;
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 32 && byte !== 9) return false;
  return true;
}
