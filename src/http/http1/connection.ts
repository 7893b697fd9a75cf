/** One connection: a request at a time, and its answer. What comes when nobody asked ends it. */
import type { Socket } from 'node:net';
import { faultOf, UpstreamFault } from '../fault.ts';
import type { GiveUpSignal } from '../give-up.ts';
import type { AnswerHeaders } from '../headers.ts';
import type { AnswerHead } from './head.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { type AnswerReader, createAnswerReader } from './reader.ts';
import type { Writes } from './request.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly setCookies: readonly string[];
  /** Rejects with `UpstreamFault` where it ends before its end, after all that came. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

export interface Sending {
  readonly writes: Writes;
  readonly signal: GiveUpSignal;
  /** Called when all of it is with the operating system, or it failed. */
  readonly onSent?: (() => void) | undefined;
}

export interface Connection {
  /** Whether it can take a request. */
  readonly isFree: boolean;
  /** Sends a request. Rejects with `UpstreamFault`. */
  ask(sending: Sending): Promise<RawAnswer>;
  drop(): void;
}

/** What becomes of a connection. */
export interface ConnectionOwner {
  /** It can be used again for so long, ms. */
  free(connection: Connection, keptFor: number): void;
  /** It is of no use any more. */
  gone(connection: Connection): void;
}

interface Exchange {
  readonly reader: AnswerReader;
  readonly inbox: Inbox;
  readonly answered: PromiseWithResolvers<RawAnswer>;
  readonly sending: Sending;
  readonly giveUp: () => void;
  head: AnswerHead | undefined;
  isSent: boolean;
  /** Nobody wants the rest: bytes of it that are still read. */
  rest: number | undefined;
}

interface Line {
  readonly socket: Socket;
  readonly owner: ConnectionOwner;
  readonly connection: Connection;
  current: Exchange | undefined;
}

/** What is still read of a body that nobody wants, so that the connection can be used again: bytes, and ms. */
const REST = 64 * 1024;
const REST_TIME = 1_000;

/** Takes over a connection that was made. */
export function openConnection(socket: Socket, owner: ConnectionOwner): Connection {
  const line: Line = {
    ...{ socket, owner, current: undefined },
    connection: {
      get isFree() {
        return !line.current && socket.writable && !socket.readableEnded;
      },
      ask: (sending) => ask(line, sending),
      drop: () => void socket.destroy(),
    },
  };
  socket.on('data', (chunk: Buffer) => take(line, chunk));
  socket.on('end', () => end(line));
  socket.on('error', (error) => {
    // What had come, and waited because the connection was paused.
    for (let left = socket.read(); left !== null && line.current; left = socket.read()) take(line, left as Buffer);
    fail(line, faultOf(error, true));
  });
  socket.on('close', () => {
    fail(line, new UpstreamFault('broken', 'broke the connection', true));
    owner.gone(line.connection);
  });
  return line.connection;
}

function ask(line: Line, sending: Sending): Promise<RawAnswer> {
  const { socket } = line;
  const giveUp = () => {
    if (line.current !== exchange) return;
    fail(line, new UpstreamFault('aborted', 'was given up', true));
    socket.destroy();
  };
  const inbox = createInbox({ pause: () => void socket.pause(), resume: () => void socket.resume(), drop: giveUp });
  const reader = createAnswerReader({ head: (head) => begin(line, exchange, head), piece: (bytes) => pass(line, exchange, bytes) });
  const answered = Promise.withResolvers<RawAnswer>();
  const exchange: Exchange = { reader, inbox, answered, sending, giveUp, head: undefined, isSent: false, rest: undefined };
  line.current = exchange;
  sending.signal.addEventListener('abort', giveUp);
  write(socket, exchange);
  return answered.promise;
}

function write(socket: Socket, exchange: Exchange): void {
  const { writes, onSent } = exchange.sending;
  const done = onSent && (() => sent(exchange));
  const [first, second] = writes;
  if (second === undefined) socket.write(first, done);
  else {
    socket.write(first);
    socket.write(second, done);
  }
}

function sent(exchange: Exchange): void {
  if (exchange.isSent) return;
  exchange.isSent = true;
  exchange.sending.onSent?.();
}

/** SECURITY: what follows an answer on its connection is never the next one: such a connection is not used again. */
function take(line: Line, chunk: Buffer): void {
  const { current, socket } = line;
  if (!current) return void socket.destroy();
  try {
    const taken = current.reader.push(chunk);
    if (current.reader.isOver) finish(line, current, taken === chunk.length);
  } catch (fault) {
    fail(line, fault as UpstreamFault);
    socket.destroy();
  }
}

function begin(line: Line, exchange: Exchange, head: AnswerHead): void {
  exchange.head = head;
  const { inbox, answered } = exchange;
  const { status, headers, setCookies } = head;
  answered.resolve({ status, headers, setCookies, body: inbox, discard: () => discard(line, exchange) });
}

function pass({ socket }: Line, exchange: Exchange, bytes: Uint8Array): void {
  if (exchange.rest === undefined) exchange.inbox.push(bytes);
  else {
    exchange.rest -= bytes.length;
    if (exchange.rest < 0) socket.destroy();
  }
}

/** The answer is whole. A request that did not go out as a whole leaves a connection that nobody else can use. */
function finish(line: Line, exchange: Exchange, isClean: boolean): void {
  const { socket, owner, connection } = line;
  const keptFor = exchange.head?.keptFor ?? 0;
  release(line, exchange);
  exchange.inbox.end(undefined);
  if (isClean && keptFor > 0 && socket.writable && socket.writableLength === 0) owner.free(connection, keptFor);
  else socket.destroy();
}

function release(line: Line, exchange: Exchange): void {
  line.current = undefined;
  exchange.sending.signal.removeEventListener('abort', exchange.giveUp);
  sent(exchange);
}

/** Ends the exchange that is under way, if there is one. */
function fail(line: Line, fault: UpstreamFault): void {
  const { current } = line;
  if (!current) return;
  release(line, current);
  current.answered.reject(fault);
  current.inbox.end(fault);
}

/** The server will send nothing more. */
function end(line: Line): void {
  const { current, socket } = line;
  try {
    current?.reader.end();
    if (current) finish(line, current, false);
  } catch (fault) {
    fail(line, fault as UpstreamFault);
  }
  socket.destroy();
}

/** A short rest is read, so that the connection can be used again; a stream, or what was begun to be read, is dropped. */
function discard(line: Line, exchange: Exchange): void {
  exchange.inbox.forget();
  if (line.current !== exchange) return;
  const isStream = exchange.head?.headers['content-type']?.includes('event-stream') === true;
  if (isStream || exchange.inbox.isRead) exchange.giveUp();
  else {
    exchange.rest = REST;
    setTimeout(exchange.giveUp, REST_TIME).unref();
  }
}
