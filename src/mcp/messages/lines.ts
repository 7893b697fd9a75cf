/**
 * Framing of stdio (wire.md §2.6, §2.13): LF alone ends a line, one CR directly before it is dropped, blank lines are
 * nothing. SECURITY: a reader that also split on CR or U+2028 would see two messages where one was judged.
 */
import { createIdFinder, type IdFinder, type Sender } from './id-finder.ts';

export type Line =
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  /** A line of more than the allowed size, thrown away as it came; `sender`: whose message it was, where that is known. */
  | { readonly kind: 'too_long'; readonly length: number; readonly sender: Sender };

export interface LineSplitter {
  push(chunk: Uint8Array): readonly Line[];
  /** Ends the input: what came after the last LF is a line. */
  end(): readonly Line[];
}

const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const FIRST_CAPACITY = 4096;
/** Bytes that are taken one by one. */
const FEW = 16;
const NOTHING: readonly Line[] = [];

/** A line of which a part has come. */
interface Partial {
  held: Uint8Array;
  length: number;
  /** Set once the line is too long: then it is only looked through. */
  discarding: { readonly finder: IdFinder; length: number } | undefined;
}

/**
 * Cuts a byte stream into lines of at most `maxBytes`. A line that lies within one chunk is a part of that chunk, not
 * a copy; one that spans chunks is collected in a buffer that doubles, so its cost is linear whatever the chunks are.
 */
export function createLineSplitter(maxBytes: number): LineSplitter {
  const partial: Partial = { held: new Uint8Array(0), length: 0, discarding: undefined };
  return {
    push(chunk) {
      if (chunk.length <= FEW && takeFew(partial, chunk)) return NOTHING;
      const lines: Line[] = [];
      let start = 0;
      for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
        finish(partial, chunk.subarray(start, end), maxBytes, lines);
        start = end + 1;
      }
      if (start < chunk.length) keep(partial, chunk.subarray(start), maxBytes);
      return lines;
    },
    end() {
      const rest = takeHeld(partial);
      // No LF came, so a CR at the end is the line's own.
      if (rest.length > maxBytes) discard(partial, rest);
      if (partial.discarding) return [tooLong(partial)];
      return isBlank(rest) ? [] : [{ kind: 'line', bytes: rest }];
    },
  };
}

function finish(partial: Partial, piece: Uint8Array, maxBytes: number, into: Line[]): void {
  if (partial.discarding) discard(partial, piece);
  else if (partial.length > 0) hold(partial, piece, maxBytes);
  let bytes = partial.length > 0 ? takeHeld(partial) : piece;
  if (bytes[bytes.length - 1] === CR) bytes = bytes.subarray(0, -1);
  if (!partial.discarding && bytes.length > maxBytes) discard(partial, bytes);
  if (partial.discarding) into.push(tooLong(partial));
  else if ((bytes[0] ?? 0) > SPACE || !isBlank(bytes)) into.push({ kind: 'line', bytes });
}

function keep(partial: Partial, piece: Uint8Array, maxBytes: number): void {
  // The last byte may be the CR that the LF to come takes with it.
  const allowed = piece[piece.length - 1] === CR ? maxBytes + 1 : maxBytes;
  if (!partial.discarding && partial.length + piece.length <= allowed) {
    hold(partial, piece, maxBytes);
    return;
  }
  if (partial.length > 0) discard(partial, takeHeld(partial));
  discard(partial, piece);
}

/** Takes a few bytes that fit and end nothing, without making anything: who writes byte by byte costs little more. */
function takeFew(partial: Partial, piece: Uint8Array): boolean {
  const { held, length } = partial;
  if (partial.discarding || length + piece.length > held.length) return false;
  for (let at = 0; at < piece.length; at++) {
    const byte = piece[at] as number;
    if (byte === LF) return false;
    held[length + at] = byte;
  }
  partial.length = length + piece.length;
  return true;
}

function hold(partial: Partial, piece: Uint8Array, maxBytes: number): void {
  const total = partial.length + piece.length;
  if (total > partial.held.length) {
    // Twice the size, but no more than a line may have with its CR: beside the buffer that it replaces, that is twice the line.
    const capacity = Math.max(FIRST_CAPACITY, Math.min(partial.held.length * 2, maxBytes), total);
    const grown = new Uint8Array(capacity);
    grown.set(partial.held.subarray(0, partial.length));
    partial.held = grown;
  }
  partial.held.set(piece, partial.length);
  partial.length = total;
}

function takeHeld(partial: Partial): Uint8Array {
  const bytes = partial.held.subarray(0, partial.length);
  partial.held = new Uint8Array(0);
  partial.length = 0;
  return bytes;
}

function discard(partial: Partial, piece: Uint8Array): void {
  partial.discarding ??= { finder: createIdFinder(), length: 0 };
  partial.discarding.finder.push(piece);
  partial.discarding.length += piece.length;
}

function tooLong(partial: Partial): Line {
  const sender = partial.discarding?.finder.found() ?? { id: undefined, isRequest: false };
  const line: Line = { kind: 'too_long', length: partial.discarding?.length ?? 0, sender };
  partial.discarding = undefined;
  return line;
}

/** A message as one line: what is valid JSON has control characters between tokens only, and there a space is as good. */
export function asLine(text: string): string {
  return text.replace(/[\t\n\r]/g, ' ');
}

/** A frame as one line, where it came in a body that may have line breaks between its tokens. Most have none, and stay as they are. */
export function oneLine(frame: Uint8Array | string): Uint8Array | string {
  if (typeof frame === 'string') return asLine(frame);
  if (!frame.includes(LF) && !frame.includes(CR)) return frame;
  const line = frame.slice();
  for (let at = 0; at < line.length; at++) if (line[at] === LF || line[at] === CR) line[at] = SPACE;
  return line;
}

function isBlank(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== SPACE && bytes[at] !== TAB) return false;
  return true;
}
