/**
 * Server-sent events, read by their own grammar (wire.md §2.6; HTML standard §9.2): CR, LF or CRLF ends a line, a blank
 * line ends an event, a byte order mark may stand before everything.
 */
import { BOM, type FieldLine, fieldOf, findLineEnd, isMarked } from './sse-lines.ts';

/** Looks through bytes that are thrown away for what has to be known of them: whose message it was. */
export interface Look<S> {
  push(bytes: Uint8Array): void;
  found(): S;
}

export interface WholeEvent {
  readonly kind: 'event';
  /** The bytes that came, its blank line included. A comment that stands alone is an event of its own, so that it is passed on at once. */
  readonly raw: Uint8Array;
  /** Every reader finds the same lines in `raw`: none ended with a CR alone, or began with a byte order mark. */
  readonly plain: boolean;
  /** The data lines joined by LF; undefined where there are none, as in comments and in events that only carry an id. */
  readonly data: Uint8Array | undefined;
  /** The `event` field; empty means `message`. */
  readonly type: string;
  readonly id: string | undefined;
  /** ms. */
  readonly retry: number | undefined;
}

/** An event of more than the allowed size, thrown away as it came. */
export interface LongEvent<S> {
  readonly kind: 'too_long';
  readonly length: number;
  readonly sender: S;
}

export type SseEvent<S> = WholeEvent | LongEvent<S>;

export interface EventParser<S> {
  push(chunk: Uint8Array): SseEvent<S>[];
}

const LF = 10;
const COLON = 58;
/** An event may have so much besides its data, and so many lines. */
const OTHER_LINES = 64 * 1024;
const MAX_LINES = 64 * 1024;
const NOTHING = new Uint8Array(0);

interface Discarding<S> {
  readonly look: Look<S>;
  length: number;
  /** True where the line that goes on has bytes: an empty one ends the event. */
  inLine: boolean;
}

/** A part of an event, and how far it was read. Places count from the event's first byte. */
interface Reading<S> {
  readonly maxData: number;
  readonly look: () => Look<S>;
  readonly events: SseEvent<S>[];
  held: Uint8Array;
  length: number;
  lineStart: number;
  lines: FieldLine[];
  plain: boolean;
  /** The last line ended with a CR at the end of its chunk: an LF that follows belongs to it. */
  afterCr: boolean;
  /** So much of a byte order mark has come; undefined once the stream has begun. */
  mark: number | undefined;
  discarding: Discarding<S> | undefined;
}

/**
 * Parses a stream of events whose data have at most `maxData` bytes. An event within one chunk is a part of that
 * chunk; one that spans chunks is collected in a buffer that doubles, so the cost is linear whatever the chunks are.
 */
export function createEventParser<S>(maxData: number, look: () => Look<S>): EventParser<S> {
  const start = { held: NOTHING, length: 0, lineStart: 0, plain: true, afterCr: false, mark: 0, discarding: undefined };
  const reading: Reading<S> = { maxData, look, events: [], lines: [], ...start };
  return {
    push(chunk) {
      read(reading, withoutLf(reading, afterMark(reading, chunk)));
      return reading.events.splice(0);
    },
  };
}

/** Bytes that are parsed at once: a stream of empty lines has as many events. */
const PIECE = 64 * 1024;

/** Cuts what comes into pieces of which each is parsed soon. */
export async function* piecesOf(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body)
    if (chunk.length <= PIECE) yield chunk;
    else for (let at = 0; at < chunk.length; at += PIECE) yield chunk.subarray(at, at + PIECE);
}

/** The stream's bytes without its byte order mark. What only began like one is the stream's own. */
function afterMark<S>(reading: Reading<S>, chunk: Uint8Array): Uint8Array {
  if (reading.mark === undefined) return chunk;
  for (let at = 0; at < chunk.length; at++) {
    if (chunk[at] !== BOM[reading.mark]) {
      const begun = BOM.slice(0, reading.mark);
      reading.mark = undefined;
      return begun.length > 0 ? Buffer.concat([Uint8Array.from(begun), chunk.subarray(at)]) : chunk.subarray(at);
    }
    reading.mark++;
    if (reading.mark < BOM.length) continue;
    reading.mark = undefined;
    return chunk.subarray(at + 1);
  }
  return NOTHING;
}

/** The LF of a CRLF that two chunks share. Within an event it is kept, as a part of the line that it ended. */
function withoutLf<S>(reading: Reading<S>, piece: Uint8Array): Uint8Array {
  if (!reading.afterCr || piece.length === 0) return piece;
  reading.afterCr = false;
  if (piece[0] !== LF) return piece;
  if (reading.length > 0) {
    append(reading, piece.subarray(0, 1));
    reading.lineStart++;
  }
  return piece.subarray(1);
}

function read<S>(reading: Reading<S>, piece: Uint8Array): void {
  const rest = reading.discarding ? throwAway(reading, reading.discarding, piece) : piece;
  if (rest.length === 0) return;
  readLines(reading, rest);
  if (reading.length > reading.maxData + OTHER_LINES || reading.lines.length > MAX_LINES) discard(reading);
}

/** Takes in the piece behind what is held, and cuts off every event that is whole. */
function readLines<S>(reading: Reading<S>, piece: Uint8Array): void {
  const scanned = reading.length;
  const bytes = scanned > 0 ? append(reading, piece) : piece;
  let start = 0;
  for (let line = findLineEnd(bytes, scanned); line; line = findLineEnd(bytes, line.next, line)) {
    reading.afterCr = line.alone && line.next === bytes.length;
    const from = start + reading.lineStart;
    if (line.alone || isMarked(bytes, from)) reading.plain = false;
    reading.lineStart = line.next - start;
    const field = fieldOf(bytes, from, line.at);
    if (field) reading.lines.push({ name: field.name, from: field.from - start, to: field.to - start });
    const isComment = from === start && bytes[from] === COLON;
    if (from < line.at && !isComment) continue;
    reading.events.push(finish(reading, bytes.subarray(start, line.next)));
    start = line.next;
  }
  // Events that are whole are parts of this buffer, which is left to them.
  if (start > 0 || scanned === 0) hold(reading, bytes.slice(start));
}

function append<S>(reading: Reading<S>, piece: Uint8Array): Uint8Array {
  const total = reading.length + piece.length;
  if (total > reading.held.length) {
    const grown = new Uint8Array(Math.max(total, reading.held.length * 2));
    grown.set(reading.held.subarray(0, reading.length));
    reading.held = grown;
  }
  reading.held.set(piece, reading.length);
  reading.length = total;
  return reading.held.subarray(0, total);
}

function hold<S>(reading: Reading<S>, rest: Uint8Array): void {
  reading.held = rest;
  reading.length = rest.length;
}

function finish<S>(reading: Reading<S>, raw: Uint8Array): SseEvent<S> {
  const { lines, plain } = reading;
  Object.assign(reading, { lines: [], plain: true, lineStart: 0 });
  const data = joined(lines.filter(({ name }) => name === 'data').map(({ from, to }) => raw.subarray(from, to)));
  if (data && data.length > reading.maxData) return tooLong(data, reading.look());
  const last = (name: FieldLine['name'], isTaken: (text: string) => boolean) => {
    const texts = lines.filter((line) => line.name === name).map(({ from, to }) => Buffer.from(raw.subarray(from, to)).toString());
    return texts.findLast(isTaken);
  };
  const retry = last('retry', (text) => /^\d+$/.test(text));
  return {
    kind: 'event',
    raw,
    plain,
    data,
    type: last('event', () => true) ?? '',
    id: last('id', (text) => !text.includes('\0')),
    retry: retry === undefined ? undefined : Number(retry),
  };
}

function tooLong<S>(data: Uint8Array, look: Look<S>): LongEvent<S> {
  look.push(data);
  return { kind: 'too_long', length: data.length, sender: look.found() };
}

function joined(parts: readonly Uint8Array[]): Uint8Array | undefined {
  if (parts.length < 2) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length + 1, -1)).fill(LF);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length + 1;
  }
  return whole;
}

/** From here on the event is only looked through, from its first data line on. */
function discard<S>(reading: Reading<S>): void {
  const bytes = reading.held.subarray(0, reading.length);
  const look = reading.look();
  const open = fieldOf(bytes, reading.lineStart, bytes.length);
  const first = [...reading.lines, ...(open ? [open] : [])].find(({ name }) => name === 'data');
  if (first) look.push(bytes.subarray(first.from));
  reading.discarding = { look, length: bytes.length, inLine: reading.lineStart < bytes.length };
  Object.assign(reading, { lines: [], plain: true, lineStart: 0 });
  hold(reading, NOTHING);
}

/** Throws away what belongs to the event that is too long; answers with what comes after it. */
function throwAway<S>(reading: Reading<S>, state: Discarding<S>, piece: Uint8Array): Uint8Array {
  let lineStart = 0;
  for (let line = findLineEnd(piece, 0); line; line = findLineEnd(piece, line.next, line)) {
    reading.afterCr = line.alone && line.next === piece.length;
    const isEmpty = line.at === lineStart && !state.inLine;
    state.inLine = false;
    lineStart = line.next;
    if (!isEmpty) continue;
    state.look.push(piece.subarray(0, line.at));
    reading.events.push({ kind: 'too_long', length: state.length + line.next, sender: state.look.found() });
    reading.discarding = undefined;
    return piece.subarray(line.next);
  }
  state.look.push(piece);
  state.length += piece.length;
  if (lineStart < piece.length) state.inLine = true;
  return NOTHING;
}
