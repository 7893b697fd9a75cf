/**
 * One request on one connection, and its answer. HTTP/1.1 is read by the runtime, strictly; what its reader lets pass and
 * two others could read differently is a fault here (RFC 9112 §6). All that came before a fault is delivered before it.
 */
import { type ClientRequest, type IncomingMessage, request as openRequest } from 'node:http';
import type { Connection } from './connections.ts';
import { broken, cutOff, faultOfAnswer, quote, UpstreamFault } from './fault.ts';
import type { AnswerHeaders } from './headers.ts';

export interface Sending {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
  /** Called when all of it is with the operating system, or it failed. */
  readonly onSent: (() => void) | undefined;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly setCookies: readonly string[];
  /** Rejects with `UpstreamFault` where it ends before its end, after all that came. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

interface Exchange {
  readonly connection: Connection;
  readonly request: ClientRequest;
  readonly sending: Sending;
  readonly answered: PromiseWithResolvers<RawAnswer>;
  readonly giveUp: () => void;
  readonly body: Body;
  response: IncomingMessage | undefined;
  /** The connection may be kept so long for another request, ms; 0 where it ends with this one. */
  keptFor: number;
  /** Found before the answer was whole; thrown when all that came before it was. */
  fault: UpstreamFault | undefined;
  /** Bytes that the connection had brought before. */
  readonly readBefore: number;
  isOver: boolean;
  isSent: boolean;
  /** Heads that announced another. */
  interim: number;
  /** Nobody wants the rest: bytes of it that are still read. */
  rest: number | undefined;
  /** Of the pieces since `since`: how many, and their bytes. */
  pieces: number;
  bytes: number;
  since: number;
}

/** Bytes of a head. */
const MAX_HEAD = 64 * 1024;
const MAX_FIELDS = 256;
const MAX_INTERIM = 16;
/** So much is still read of a body that nobody wants, so that the connection can be used again: bytes, and ms. */
const REST = 64 * 1024;
const REST_TIME = 1_000;
/** So many pieces within so many ms have to be worth what reading one costs, in bytes on the average. */
const MAX_PIECES = 256 * 1024;
const PIECES_TIME = 60_000;
const MIN_AVERAGE = 64;

/** Sends a request. Rejects with `UpstreamFault`. */
export function ask(connection: Connection, sending: Sending): Promise<RawAnswer> {
  const { method, path, headers, signal, onSent } = sending;
  const options = { method, path, headers, setHost: false, insecureHTTPParser: false, maxHeaderSize: MAX_HEAD };
  const request = openRequest({ ...options, createConnection: () => connection.socket });
  const giveUp = () => {
    if (exchange.isOver) return;
    fail(exchange, new UpstreamFault('aborted', 'was given up', true));
    connection.socket.destroy();
  };
  const exchange: Exchange = {
    ...{
      connection,
      request,
      sending,
      giveUp,
      answered: Promise.withResolvers<RawAnswer>(),
      body: createBody(() => exchange.response, giveUp),
    },
    ...{ response: undefined, keptFor: 0, fault: undefined, isOver: false, isSent: false, interim: 0, rest: undefined },
    ...{ pieces: 0, bytes: 0, since: 0, readBefore: connection.socket.bytesRead },
  };
  connection.awaits = () => exchange.response?.complete !== true;
  signal.addEventListener('abort', giveUp);
  request.on('response', (response) => begin(exchange, response));
  request.on('information', () => {
    exchange.interim += 1;
    if (exchange.interim > MAX_INTERIM) refuse(exchange, broken(`more than ${MAX_INTERIM} heads that announce another`));
  });
  request.on('upgrade', () => refuse(exchange, broken(SWITCH)));
  request.on('error', (error) => {
    // What follows a whole answer is no part of it.
    if (!exchange.response?.complete) exchange.fault ??= faultOfAnswer(error, connection.socket.bytesRead > exchange.readBefore);
    if (!exchange.response) fail(exchange, exchange.fault as UpstreamFault);
  });
  request.on('close', () => close(exchange));
  if (onSent) request.once('finish', () => sent(exchange));
  request.end(sending.body);
  return exchange.answered.promise;
}

function begin(exchange: Exchange, response: IncomingMessage): void {
  exchange.response = response;
  response.on('error', () => {});
  try {
    const { keptFor, ...head } = readHead(response);
    exchange.keptFor = keptFor;
    response.on('data', (piece: Buffer) => pass(exchange, piece));
    response.on('end', () => end(exchange, exchange.fault));
    response.on('close', () => {
      if (exchange.isOver) return;
      // What had come, and waited because nobody read.
      for (let left = response.read(); left !== null; left = response.read()) pass(exchange, left as Buffer);
      end(exchange, exchange.fault ?? cutOff(true));
    });
    exchange.answered.resolve({ ...head, body: exchange.body, discard: () => discard(exchange) });
  } catch (fault) {
    refuse(exchange, fault as UpstreamFault);
  }
}

function pass(exchange: Exchange, piece: Buffer): void {
  exchange.pieces += 1;
  exchange.bytes += piece.length;
  if (exchange.pieces > MAX_PIECES && isCrumbling(exchange)) refuse(exchange, broken('a body in too many small pieces'));
  else if (exchange.rest === undefined) exchange.body.push(piece);
  else {
    exchange.rest -= piece.length;
    if (exchange.rest < 0) exchange.connection.socket.destroy();
  }
}

/** SECURITY: each piece costs the same, however small it is (wire.md §2.13). */
function isCrumbling(exchange: Exchange): boolean {
  const now = performance.now();
  if (exchange.bytes < exchange.pieces * MIN_AVERAGE && now - exchange.since < PIECES_TIME) return true;
  exchange.pieces = exchange.bytes = 0;
  exchange.since = now;
  return false;
}

/** The answer is whole, or no more of it will come. A request that did not go out as a whole leaves a connection that nobody else can use. */
function end(exchange: Exchange, fault: UpstreamFault | undefined): void {
  if (exchange.isOver) return;
  release(exchange);
  exchange.body.end(fault);
  if (fault || !exchange.request.writableFinished) exchange.connection.socket.destroy();
}

/** The request is done with its connection. */
function close(exchange: Exchange): void {
  const { connection, response, keptFor, fault } = exchange;
  const { socket } = connection;
  if (!response) fail(exchange, fault ?? new UpstreamFault('broken', 'broke the connection', true));
  if (exchange.isOver && response?.complete && keptFor > 0 && socket.writable && socket.writableLength === 0) connection.free(keptFor);
  else socket.destroy();
}

function refuse(exchange: Exchange, fault: UpstreamFault): void {
  fail(exchange, fault);
  exchange.connection.socket.destroy();
}

function fail(exchange: Exchange, fault: UpstreamFault): void {
  if (exchange.isOver) return;
  exchange.keptFor = 0;
  release(exchange);
  exchange.answered.reject(fault);
  exchange.body.end(fault);
}

function release(exchange: Exchange): void {
  exchange.isOver = true;
  exchange.sending.signal.removeEventListener('abort', exchange.giveUp);
  sent(exchange);
}

function sent(exchange: Exchange): void {
  if (exchange.isSent) return;
  exchange.isSent = true;
  exchange.sending.onSent?.();
}

/** A short rest is read, so that the connection can be used again; a stream, or what was begun to be read, is dropped. */
function discard(exchange: Exchange): void {
  const { body, response, giveUp } = exchange;
  body.forget();
  if (exchange.isOver) return;
  if (body.isRead || response?.headers['content-type']?.includes('event-stream')) giveUp();
  else {
    exchange.rest = REST;
    setTimeout(giveUp, REST_TIME).unref();
  }
}

interface Body extends AsyncIterableIterator<Uint8Array> {
  /** True once anybody has begun to read. */
  readonly isRead: boolean;
  push(piece: Uint8Array): void;
  /** Nothing more will come; with a fault, which is thrown after all that came. */
  end(fault: Error | undefined): void;
  /** Forgets what waits, and what is still to come. */
  forget(): void;
}

/** INVARIANT I11: bytes that wait to be read before the server has to wait. */
const MOST = 64 * 1024;
const DONE = { done: true, value: undefined } as const;

/** The body between the runtime, which pushes, and whoever reads. `drop` is called when nobody will read the rest. */
function createBody(source: () => IncomingMessage | undefined, drop: () => void): Body {
  let waiting: Uint8Array[] = [];
  let size = 0;
  let isRead = false;
  let isForgotten = false;
  let over: { readonly fault: Error | undefined } | undefined;
  let reader: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;
  /** All that waits, as one piece: many small ones cost more than copying them. */
  const take = (): IteratorResult<Uint8Array> => {
    const value = waiting.length === 1 ? (waiting[0] as Uint8Array) : Buffer.concat(waiting);
    waiting = [];
    size = 0;
    source()?.resume();
    return { done: false, value };
  };
  const settle = () => {
    if (!reader || (size === 0 && !over)) return;
    const { resolve, reject } = reader;
    reader = undefined;
    if (size > 0) resolve(take());
    else if (over?.fault) reject(over.fault);
    else resolve(DONE);
  };
  const body: Body = {
    get isRead() {
      return isRead;
    },
    push(piece) {
      if (isForgotten) return;
      waiting.push(piece);
      size += piece.length;
      if (reader) settle();
      else if (size >= MOST) source()?.pause();
    },
    end(fault) {
      over ??= { fault };
      settle();
    },
    forget() {
      isForgotten = true;
      take();
    },
    next() {
      isRead = true;
      if (size > 0) return Promise.resolve(take());
      if (over) return over.fault ? Promise.reject(over.fault) : Promise.resolve(DONE);
      // Who asks twice without waiting is answered one after the other.
      if (reader) return reader.promise.then(() => body.next());
      reader = Promise.withResolvers();
      return reader.promise;
    },
    return() {
      if (!over) drop();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]: () => body,
  };
  return body;
}

const SWITCH = 'another protocol, unasked (101)';
/** SECURITY: of two values each reader takes another. */
const SINGLE: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'content-type', 'content-encoding', 'location', 'mcp-session-id'],
]);
/** Digits that a number holds exactly. */
const LENGTH = /^\d{1,15}$/;
/** An idle connection is kept so long, ms: where the server does not say, a little less than the 5 s after which many servers close theirs. */
const KEPT = 4_000;
const MAX_KEPT = 60_000;
/** The answer has a way to go, ms. */
const MARGIN = 1_000;

function readHead({ statusCode: status = 0, httpVersion, rawHeaders }: IncomingMessage) {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw broken(`something else than HTTP/1.1, ${quote(`HTTP/${httpVersion}`)}`);
  if (status < 100) throw broken(`the status ${String(status).padStart(3, '0')}, which HTTP does not have`);
  if (status === 101) throw broken(SWITCH);
  if (rawHeaders.length > MAX_FIELDS * 2) throw broken(`more than ${MAX_FIELDS} headers`);
  const headers: Record<string, string> = Object.create(null);
  const setCookies: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    const before = headers[name];
    if (name === 'set-cookie') setCookies.push(value);
    else if (before === undefined) headers[name] = value;
    else if (!SINGLE.has(name)) headers[name] = `${before}, ${value}`;
    else if (before !== value) throw broken(`two values of the header ${quote(name)}`);
  }
  checkFraming(headers, httpVersion);
  return { status, headers, setCookies, keptFor: keptFor(status, headers, httpVersion) };
}

/** SPEC: RFC 9112 §6.3. SECURITY: both a length and chunks, or a coding that is not known, end where each reader thinks. */
function checkFraming({ 'transfer-encoding': coding, 'content-length': length }: AnswerHeaders, version: string): void {
  if (coding !== undefined && length !== undefined) throw broken('both a length and a transfer coding');
  if (length !== undefined && !LENGTH.test(length)) throw broken(`a length that is none, ${quote(length)}`);
  if (coding !== undefined && (version !== '1.1' || coding.toLowerCase() !== 'chunked'))
    throw broken(`a transfer coding that was not asked for, ${quote(coding)}`);
}

function keptFor(status: number, headers: AnswerHeaders, version: string): number {
  const { 'transfer-encoding': coding, 'content-length': length, connection, 'keep-alive': offer } = headers;
  const hasBody = status !== 204 && status !== 304;
  // SECURITY: where a body is announced that there cannot be, its bytes would be taken for the next answer.
  if (hasBody ? coding === undefined && length === undefined : coding !== undefined || Number(length ?? 0) > 0) return 0;
  const options =
    connection
      ?.toLowerCase()
      .split(',')
      .map((text) => text.trim()) ?? [];
  if (options.includes('close') || (version !== '1.1' && !options.includes('keep-alive'))) return 0;
  const [, seconds] = /(?:^|[\s,])timeout=(\d{1,6})/i.exec(offer ?? '') ?? [];
  return seconds === undefined ? KEPT : Math.max(0, Math.min(Number(seconds) * 1_000 - MARGIN, MAX_KEPT));
}
