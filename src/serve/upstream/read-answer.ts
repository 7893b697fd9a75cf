/** The messages in an answer of the server: one JSON body, or a stream of events. */
import { createShare } from '../../core/slices.ts';
import type { UpstreamAnswer } from '../../http/client.ts';
import type { Look } from '../../http/sse.ts';
import { createEventParser, piecesOf, type WholeEvent } from '../../http/sse.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { Sender } from '../../mcp/messages/id-finder.ts';

/** One message of the server as bytes, or one that was thrown away because it is too long. */
export type Received =
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  | { readonly kind: 'too_long'; readonly length: number; readonly sender: Sender };

/** The fields of a server's event that are no message, rendered as an event. */
export interface NonMessageEvent {
  readonly bytes: Uint8Array;
  readonly hasId: boolean;
}

/** The position in a stream from which it can be resumed. */
export interface Place {
  lastId: string | undefined;
  /** ms that the server wants to be left alone before it is asked again. */
  retry: number | undefined;
}

export type AnswerKind = 'json' | 'events' | 'other';

/** Classifies a body by its `Content-Type`. */
export function kindOf({ headers }: UpstreamAnswer): AnswerKind {
  const given = headers['content-type'];
  if (given === 'application/json') return 'json';
  const type = given?.split(';')[0]?.trim().toLowerCase();
  if (type === 'text/event-stream') return 'events';
  return type === 'application/json' ? 'json' : 'other';
}

/** Bounds a message; `look` finds the sender of one that is longer. */
export interface Reading {
  readonly maxMessage: number;
  look(): Look<Sender>;
}

/** Ids that are longer cannot be sent back in a header, nor can those that have control characters. */
const MAX_EVENT_ID = 4096;
const UNFIT = /[^\t\x20-\x7e\x80-\uffff]/;

/** Reads events to the stream's end, each as it comes. Rejects with `UpstreamFault` where the stream breaks. */
export async function readEvents(
  { body }: UpstreamAnswer,
  { maxMessage, look }: Reading,
  take: (messages: readonly Received[]) => void | Promise<void>,
  place: Place,
  takeEvent: (event: WholeEvent) => void = () => {},
): Promise<void> {
  const parser = createEventParser(maxMessage, look);
  const share = createShare(
    () => performance.now(),
    () => new Promise((resolve) => setImmediate(resolve)),
  );
  for await (const piece of piecesOf(body)) {
    const messages: Received[] = [];
    for (const event of parser.push(piece)) {
      if (event.kind === 'too_long') messages.push(event);
      else if (isMessage(event)) messages.push({ kind: 'line', bytes: event.data });
      else takeEvent(event);
      if (event.kind === 'event') note(event, place);
      if (event.kind === 'event' && isMessage(event) && event.id !== undefined) takeEvent(event);
      const turn = share.next();
      if (turn) await turn;
    }
    if (messages.length > 0) await take(messages);
  }
}

function isMessage(event: WholeEvent): event is WholeEvent & { readonly data: Uint8Array } {
  return event.data !== undefined && event.data.length > 0 && (event.type === '' || event.type === 'message');
}

function note({ id, retry }: WholeEvent, place: Place): void {
  if (id !== undefined && id.length <= MAX_EVENT_ID && !UNFIT.test(id)) place.lastId = id === '' ? undefined : id;
  if (retry !== undefined) place.retry = retry;
}

/** The whole body, or undefined where it is larger than a message may be. */
export async function readBody(answer: UpstreamAnswer, maxBytes: number): Promise<Uint8Array | undefined> {
  const pieces = createPieces();
  for await (const chunk of answer.body) {
    pieces.add(chunk);
    if (pieces.length <= maxBytes) continue;
    answer.discard();
    return undefined;
  }
  return pieces.join();
}

/** The messages of a body: SPEC wire.md §2 — a BOM before it is what clients take off, too. */
export function withoutBom(body: Uint8Array): Uint8Array {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

/** Bytes that are collected in one block, however small the pieces are that they come in. */
const BLOCK = 64 * 1024;

/** Collects a body. A million pieces cost what they hold, not an object each; one that is alone is not copied. */
function createPieces() {
  const whole: Uint8Array[] = [];
  let block: Buffer | undefined;
  let filled = 0;
  let length = 0;
  const close = () => {
    if (block && filled > 0) whole.push(block.subarray(0, filled));
    block = undefined;
    filled = 0;
  };
  return {
    get length() {
      return length;
    },
    add(chunk: Uint8Array) {
      length += chunk.length;
      if (chunk.length >= BLOCK || length === chunk.length) {
        close();
        whole.push(chunk);
        return;
      }
      if (filled + chunk.length > BLOCK) close();
      block ??= Buffer.allocUnsafe(BLOCK);
      block.set(chunk, filled);
      filled += chunk.length;
    },
    join(): Uint8Array {
      close();
      return whole.length === 1 ? (whole[0] as Uint8Array) : Buffer.concat(whole, length);
    },
  };
}

/** Parses a body loosely, for the bridge's own use and not for judging; undefined where it is no JSON object or array. */
export function peek(bytes: Uint8Array): Peeked | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof value === 'object' && value !== null ? (value as Peeked) : undefined;
  } catch {
    return undefined;
  }
}

/** The fields of a message that the bridge reads itself. */
export interface Peeked {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly result?: { readonly protocolVersion?: unknown } | null;
  readonly error?: { readonly code?: unknown; readonly message?: unknown } | null;
}

/** Bytes up to which a body is looked at for an error that names no request. */
const SHORT = 64 * 1024;

/** An answer in which an error that names no request is one of the request that it came for; as it came where it is no such error. */
export function adopt(bytes: Uint8Array, [id, ...others]: readonly RequestId[]): Uint8Array {
  if (!id || others.length > 0 || bytes.length > SHORT || !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"error"'))
    return bytes;
  const peeked: unknown = peek(bytes);
  const [only, ...rest] = Array.isArray(peeked) ? peeked : [peeked];
  const adopted = rest.length === 0 ? withIdOf(id, only) : undefined;
  return adopted?.kind === 'line' ? adopted.bytes : bytes;
}

/**
 * An error that names no request is about the one whose POST it answers: with its id, it reaches whoever asked.
 * Undefined where the body is no such error.
 */
export function withIdOf(id: RequestId, peeked: Peeked | undefined): Received | undefined {
  const error = peeked?.error;
  if (typeof error !== 'object' || error === null || (peeked?.id !== undefined && peeked.id !== null)) return undefined;
  return { kind: 'line', bytes: Buffer.from(`{"jsonrpc":"2.0","id":${id.text},"error":${JSON.stringify(error)}}`) };
}
