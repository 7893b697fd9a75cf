/** The body of a client's POST (wire.md §2.8, §2.13, §5): JSON in UTF-8, as it is, of a bounded size, in reasonable time. */
import type { IncomingMessage } from 'node:http';
import { valuesOf } from './headers.ts';

export type BodyRead =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'refused'; readonly status: 408 | 413 | 415 | 503; readonly why: string }
  /** The client went away before it had sent all. */
  | { readonly kind: 'gone' };

export interface BodyLimits {
  readonly maxBytes: number;
  /** ms that may pass between two pieces. */
  readonly maxGap: number;
}

/** Bounds the bytes that one agent may have on their way to being judged (wire.md §2.13). */
export interface BodyBudget {
  /** Answers whether so many fit, and takes it. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** Pieces below this are joined as they come: each by itself takes several times its bytes. */
const SMALL = 4 * 1024;
const JOINED = 64 * 1024;
/** More pieces than this have to be worth what reading one costs, in bytes on the average. */
const MAX_PIECES = 65_536;
const MIN_AVERAGE = 64;

const TOO_SMALL = { kind: 'refused', status: 413, why: 'the body comes in too many small pieces: send it in larger ones' } as const;
const TOO_LARGE = { kind: 'refused', status: 413, why: 'the body is larger than allowed (--max-message)' } as const;

/** A budget of `most` bytes; a body alone always finds some. */
export function createBodyBudget(most: number): BodyBudget {
  let taken = 0;
  return {
    take(bytes) {
      if (taken > 0 && taken + bytes > most) return false;
      taken += bytes;
      return true;
    },
    give(bytes) {
      taken -= bytes;
    },
  };
}

/** Why a body with these headers is not read at all; undefined where it is. */
export function bodyRefusal(rawHeaders: readonly string[], maxBytes: number): Extract<BodyRead, { kind: 'refused' }> | undefined {
  const [type = ''] = valuesOf(rawHeaders, 'content-type');
  const fault = type === 'application/json' ? undefined : typeFault(type);
  if (fault !== undefined) return { kind: 'refused', status: 415, why: fault };
  const [encoding = 'identity'] = valuesOf(rawHeaders, 'content-encoding');
  if (encoding.toLowerCase() !== 'identity') return { kind: 'refused', status: 415, why: 'the body must not be compressed' };
  const [length = '0'] = valuesOf(rawHeaders, 'content-length');
  return Number(length) > maxBytes ? TOO_LARGE : undefined;
}

function typeFault(type: string): string | undefined {
  const [media = '', ...parameters] = type.toLowerCase().split(';');
  if (media.trim() !== 'application/json') return 'the body has to be application/json';
  const charsets = parameters.map((text) => text.trim()).filter((text) => text.startsWith('charset'));
  return charsets.every((text) => /^charset *= *"?utf-?8"?$/.test(text)) ? undefined : 'the body has to be in UTF-8';
}

/** Reads the body to its end. SECURITY: one that comes drop by drop holds neither memory nor a connection for long. */
export function readBody(request: IncomingMessage, { maxBytes, maxGap }: BodyLimits, budget: BodyBudget): Promise<BodyRead> {
  return new Promise((resolve) => {
    const pieces = createPieces();
    let length = 0;
    let isOver = false;
    const end = (read: BodyRead) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(gap);
      budget.give(length);
      request.pause();
      resolve(read);
    };
    const gap = setTimeout(() => end({ kind: 'refused', status: 408, why: 'the body came too slowly' }), maxGap);
    request.on('data', (piece: Uint8Array) => {
      if (isOver) return;
      gap.refresh();
      if (length + piece.length > maxBytes) return end(TOO_LARGE);
      if (pieces.count >= MAX_PIECES && length < pieces.count * MIN_AVERAGE) return end(TOO_SMALL);
      if (!budget.take(piece.length)) return end({ kind: 'refused', status: 503, why: 'too much waits to be judged' });
      length += piece.length;
      pieces.add(piece);
    });
    request.on('end', () => end({ kind: 'body', bytes: pieces.join() }));
    request.on('close', () => end({ kind: 'gone' }));
    request.on('error', () => end({ kind: 'gone' }));
  });
}

/** Pieces of one body. What they take until they are joined is what they hold, and no more than a buffer besides. */
function createPieces() {
  const whole: Uint8Array[] = [];
  let count = 0;
  let open: Uint8Array | undefined;
  let used = 0;
  const close = () => {
    if (open && used > 0) whole.push(open.slice(0, used));
    used = 0;
  };
  return {
    /** The number of bytes that came. */
    get count() {
      return count;
    },
    add(piece: Uint8Array) {
      count += 1;
      // Most bodies come in one piece.
      if (count === 1 || piece.length >= SMALL) {
        close();
        whole.push(piece);
        return;
      }
      if (open && used + piece.length > open.length) close();
      open ??= new Uint8Array(JOINED);
      open.set(piece, used);
      used += piece.length;
    },
    join(): Uint8Array {
      close();
      return whole.length === 1 ? (whole[0] as Uint8Array) : Buffer.concat(whole);
    },
  };
}
