/** One answer out of the bytes of a connection (RFC 9112 §6, §7): its head, the pieces of its body, its end. Knows no socket. */
import { UpstreamFault } from '../fault.ts';
import { createGathering, type Gathering, gather, MAX_HEAD, MAX_LINE } from './gather.ts';
import { type AnswerHead, broken, parseFields, parseHead, unreadable } from './head.ts';

/** What is told of an answer, in this order. */
export interface AnswerParts {
  head(head: AnswerHead): void;
  /** Never empty; a part of what was pushed. */
  piece(bytes: Uint8Array): void;
}

export interface AnswerReader {
  /** Whether the answer is whole. */
  readonly isOver: boolean;
  /** Takes bytes and answers with how many of them are the answer's. Throws `UpstreamFault`. */
  push(chunk: Buffer): number;
  /** The connection ended: throws `UpstreamFault` where the answer is not whole. */
  end(): void;
}

type Phase = 'head' | 'counted' | 'until_close' | 'chunk_line' | 'chunk' | 'chunk_end' | 'trailers' | 'over';

interface Reading {
  readonly parts: AnswerParts;
  readonly gathering: Gathering;
  phase: Phase;
  /** Bytes to come of the body, or of the chunk. */
  left: number;
  /** Heads that announce another. */
  interim: number;
  /** Bytes of trailers so far. */
  trailing: number;
}

const LINE_END = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 13;
const LF = 10;
const MAX_INTERIM = 16;
/** The size, what says something about the chunk, and no lone CR or LF that would end the line for another reader. */
const CHUNK_LINE = /^([0-9a-fA-F]{1,12})(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

export function createAnswerReader(parts: AnswerParts): AnswerReader {
  const reading: Reading = { parts, gathering: createGathering(), phase: 'head', left: 0, interim: 0, trailing: 0 };
  return {
    get isOver() {
      return reading.phase === 'over';
    },
    push(chunk) {
      let at = 0;
      while (at < chunk.length && reading.phase !== 'over') at = step(reading, chunk, at);
      return at;
    },
    end() {
      if (reading.phase === 'until_close') reading.phase = 'over';
      if (reading.phase === 'over') return;
      const isHead = reading.phase === 'head' && reading.gathering.length === 0;
      throw new UpstreamFault('broken', `broke the connection ${isHead ? 'before it answered' : 'in the middle of its answer'}`, true);
    },
  };
}

/** Reads on from `at`; answers with how far it got. */
function step(reading: Reading, chunk: Buffer, at: number): number {
  switch (reading.phase) {
    case 'head':
      return readHead(reading, chunk, at);
    case 'counted':
    case 'chunk':
      return readBytes(reading, chunk, at);
    case 'until_close':
      reading.parts.piece(at === 0 ? chunk : chunk.subarray(at));
      return chunk.length;
    case 'chunk_line':
      return readChunkLine(reading, chunk, at);
    case 'chunk_end':
      return readChunkEnd(reading, chunk, at);
    case 'trailers':
      return readTrailer(reading, chunk, at);
    case 'over':
      return at;
  }
}

function readHead(reading: Reading, chunk: Buffer, at: number): number {
  const next = gather(reading.gathering, chunk, at, HEAD_END, MAX_HEAD);
  if (next < 0) return chunk.length;
  const head = parseHead(reading.gathering.text);
  if (head.status < 200) {
    reading.interim += 1;
    if (reading.interim > MAX_INTERIM) throw broken(`more than ${MAX_INTERIM} heads that announce another`);
    return next;
  }
  reading.left = head.framing.kind === 'counted' ? head.framing.length : 0;
  reading.phase = phaseAfter(head);
  reading.parts.head(head);
  return next;
}

function phaseAfter({ framing }: AnswerHead): Phase {
  switch (framing.kind) {
    case 'none':
      return 'over';
    case 'counted':
      return framing.length === 0 ? 'over' : 'counted';
    case 'chunked':
      return 'chunk_line';
    case 'until_close':
      return 'until_close';
  }
}

function readBytes(reading: Reading, chunk: Buffer, at: number): number {
  const next = Math.min(chunk.length, at + reading.left);
  reading.left -= next - at;
  if (reading.left === 0) reading.phase = reading.phase === 'chunk' ? 'chunk_end' : 'over';
  reading.parts.piece(at === 0 && next === chunk.length ? chunk : chunk.subarray(at, next));
  return next;
}

function readChunkLine(reading: Reading, chunk: Buffer, from: number): number {
  const at = reading.gathering.length > 0 ? from : readSmallChunks(reading, chunk, from);
  if (at === chunk.length) return at;
  const next = gather(reading.gathering, chunk, at, LINE_END, MAX_LINE);
  if (next < 0) return chunk.length;
  const [, size] = CHUNK_LINE.exec(reading.gathering.text) ?? [];
  if (size === undefined) throw unreadable(reading.gathering.text, 'a chunk without a size that could be read');
  reading.left = Number.parseInt(size, 16);
  reading.phase = reading.left === 0 ? 'trailers' : 'chunk';
  return next;
}

/** Joins the small chunks that are whole: a server may write every byte as one, and a million of them are to cost little more than their bytes. */
function readSmallChunks({ parts }: Reading, chunk: Buffer, from: number): number {
  let joined: Buffer | undefined;
  let filled = 0;
  let at = from;
  for (;;) {
    const size = digitOf(chunk[at]);
    const end = at + 3 + size;
    if (size <= 0 || end + 2 > chunk.length) break;
    if (chunk[at + 1] !== CR || chunk[at + 2] !== LF || chunk[end] !== CR || chunk[end + 1] !== LF) break;
    joined ??= Buffer.allocUnsafe(chunk.length - at);
    for (let index = at + 3; index < end; index++) joined[filled++] = chunk[index] as number;
    at = end + 2;
  }
  if (joined) parts.piece(joined.subarray(0, filled));
  return at;
}

/** Of a hexadecimal digit its value, else -1. */
function digitOf(code = 0): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function readChunkEnd(reading: Reading, chunk: Buffer, at: number): number {
  const next = gather(reading.gathering, chunk, at, LINE_END, 0);
  if (next < 0) return chunk.length;
  reading.phase = 'chunk_line';
  return next;
}

/** SECURITY: what stands behind the body is no header of the answer, and goes nowhere. */
function readTrailer(reading: Reading, chunk: Buffer, at: number): number {
  const next = gather(reading.gathering, chunk, at, LINE_END, MAX_HEAD);
  if (next < 0) return chunk.length;
  const { text } = reading.gathering;
  reading.trailing += text.length + LINE_END.length;
  if (reading.trailing > MAX_HEAD) throw broken('trailers without an end');
  if (text === '') reading.phase = 'over';
  else parseFields([text], []);
  return next;
}
