/** Lines to stderr that never wait for whoever reads it. */
import * as fs from 'node:fs';
import { Socket } from 'node:net';

export interface LineWriter {
  /** Takes a line without its line break. Returns at once, whether or not anyone reads. */
  write(line: string): void;
  /** Counts the lines that were given up so far. */
  dropped(): number;
  /** Waits until all lines are out, `ms` at most. */
  flush(ms: number): Promise<void>;
}

/** INVARIANT I11: bytes of lines that wait for a reader. */
const MOST_BYTES = 1_048_576;
const FIRST_RETRY_MS = 5;
const LAST_RETRY_MS = 80;

interface State {
  readonly outlet: Outlet;
  readonly backlog: Backlog;
  /** Those that wait until all is out. */
  readonly waiting: Set<() => void>;
  phase: 'idle' | 'due' | 'sending' | 'closed';
  /** Until the next try while nobody reads, ms. */
  pause: number;
  lost: number;
  /** Lines that were lost and not yet reported. */
  unsaid: number;
  /** Takes what a sending that did not answer at once has sent. */
  readonly settled: (taken: Taken) => void;
}

/**
 * Opens a writer on a file descriptor. Lines go out after the current turn of the event loop; those that find no
 * reader wait in up to 1 MiB of memory, and beyond that they are counted instead.
 */
export function openLineWriter(fd: number): LineWriter {
  const outlet = openOutlet(fd);
  const state: State = {
    outlet,
    backlog: openBacklog(outlet.piece),
    waiting: new Set(),
    phase: 'idle',
    pause: FIRST_RETRY_MS,
    lost: 0,
    unsaid: 0,
    settled(taken) {
      if (progress(state, taken)) run(state);
    },
  };
  process.on('exit', () => sendLast(state));
  return {
    write: (line) => write(state, line),
    dropped: () => state.lost + state.unsaid,
    flush: (ms) => (state.phase === 'idle' || state.phase === 'closed' ? Promise.resolve() : wait(state, ms)),
  };
}

function write(state: State, line: string): void {
  const bytes = Buffer.byteLength(line) + 1;
  if (state.phase === 'closed') state.lost++;
  else if (state.backlog.bytes() + bytes > MOST_BYTES) state.unsaid++;
  else {
    if (state.unsaid > 0) sayLoss(state);
    state.backlog.add(line, bytes);
    if (state.phase !== 'idle') return;
    state.phase = 'due';
    setImmediate(run, state);
  }
}

/** Sends until nothing is left; while nobody reads it tries again, less and less often. */
function run(state: State): void {
  for (let bytes = next(state); bytes.length > 0; bytes = next(state)) {
    state.phase = 'sending';
    const taken = state.outlet.send(bytes, state.settled);
    if (taken === undefined || !progress(state, taken)) return;
  }
  state.phase = 'idle';
  if (state.waiting.size > 0) release(state);
}

function next(state: State): Uint8Array {
  if (state.unsaid > 0 && state.backlog.bytes() === 0) sayLoss(state);
  return state.backlog.next();
}

/** Answers whether anything went out; else it is tried later, or given up. */
function progress(state: State, taken: Taken): boolean {
  if (taken > 0) {
    state.pause = FIRST_RETRY_MS;
    state.backlog.advance(taken);
  } else if (taken === 0) {
    state.phase = 'due';
    setTimeout(run, state.pause, state).unref();
    state.pause = Math.min(state.pause * 2, LAST_RETRY_MS);
  } else {
    state.phase = 'closed';
    state.lost += state.unsaid + state.backlog.clear();
    state.unsaid = 0;
    release(state);
  }
  return taken > 0;
}

function sayLoss(state: State): void {
  const line = `[INTERCEPT] WARN ${state.unsaid} lines dropped here: nobody read this stream`;
  state.lost += state.unsaid;
  state.unsaid = 0;
  state.backlog.add(line, line.length + 1);
}

/** At exit: sends what the stream takes at once. */
function sendLast(state: State): void {
  if (state.phase === 'sending') return;
  for (let bytes = next(state); bytes.length > 0; bytes = next(state)) {
    const taken = state.outlet.sendLast(bytes);
    if (taken <= 0) return;
    state.backlog.advance(taken);
  }
}

function release({ waiting }: State): void {
  for (const done of waiting) done();
}

/** Ends when all is out, or after `ms`. */
function wait({ waiting }: State, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      waiting.delete(done);
      resolve();
    }
    waiting.add(done);
  });
}

/** Lines on their way out, in order, by bytes. */
interface Backlog {
  add(line: string, bytes: number): void;
  bytes(): number;
  /** The next bytes to send: whole lines, or what is left of one; empty when there are none. */
  next(): Uint8Array;
  /** The first `count` of them went out. */
  advance(count: number): void;
  /** Forgets all of them; answers how many lines that were. */
  clear(): number;
}

const LINE_FEED = 10;

/** Opens an empty backlog that gives out whole lines up to `piece` bytes, or a single longer one. */
export function openBacklog(piece: number): Backlog {
  let waiting = '';
  let waitingBytes = 0;
  let current = Buffer.alloc(0);
  let sent = 0;

  function turn(): void {
    current = Buffer.from(waiting);
    sent = 0;
    waiting = '';
    waitingBytes = 0;
  }

  return {
    add(line, bytes) {
      waiting += `${line}\n`;
      waitingBytes += bytes;
    },
    bytes: () => current.length - sent + waitingBytes,
    next() {
      if (sent === current.length && waiting !== '') turn();
      return current.subarray(sent, pieceEnd(current, sent, piece));
    },
    advance(count) {
      sent += count;
    },
    clear() {
      const lines = countLines(current.subarray(sent)) + countLines(Buffer.from(waiting));
      waiting = '';
      turn();
      return lines;
    },
  };
}

function pieceEnd(bytes: Buffer, start: number, piece: number): number {
  if (bytes.length - start <= piece) return bytes.length;
  const last = bytes.lastIndexOf(LINE_FEED, start + piece - 1);
  return (last >= start ? last : bytes.indexOf(LINE_FEED, start)) + 1;
}

function countLines(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => count + (byte === LINE_FEED ? 1 : 0), 0);
}

/** So many bytes went out; 0: none now; -1: none ever again. */
type Taken = number;

/** Writes to a descriptor that other processes share, without waiting: the part that differs between runtimes. */
interface Outlet {
  /** So much is sent at once. */
  readonly piece: number;
  /** Sends some of the bytes; answers at once, or with undefined and later by `settled`. Never waits for a reader. */
  send(bytes: Uint8Array, settled: (taken: Taken) => void): Taken | undefined;
  /** The process ends in this turn: sends what can be sent without waiting. */
  sendLast(bytes: Uint8Array): Taken;
}

/** POSIX writes up to this much to a pipe in one piece: the lines of a child that shares it do not cut ours. */
const PIPE_PIECE = 4096;
const THREAD_PIECE = 65_536;

/** Opens an outlet on `fd`, whatever it is. */
function openOutlet(fd: number): Outlet {
  const kind = kindOf(fd);
  if (kind === 'closed') return CLOSED;
  if (kind === 'file') return directOutlet(fd, THREAD_PIECE);
  const own = kind === 'socket' ? undefined : reopen(fd);
  if (own !== undefined) return directOutlet(own, PIPE_PIECE);
  return kind !== 'terminal' && makeNonBlocking(fd) ? directOutlet(fd, PIPE_PIECE) : threadOutlet(fd);
}

function kindOf(fd: number): 'closed' | 'file' | 'pipe' | 'socket' | 'terminal' {
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isFIFO()) return 'pipe';
    if (stat.isSocket()) return 'socket';
    // Of the devices, only terminals make a writer wait (Ctrl-S).
    return stat.isCharacterDevice() && stat.rdev !== NULL_DEVICE ? 'terminal' : 'file';
  } catch {
    return 'closed';
  }
}

/** Linux: major 1, minor 3. */
const NULL_DEVICE = 0x103;

/**
 * A description of our own for the same pipe or terminal: being non-blocking is a trait of the description, and the
 * one we were given is shared with the server, which would see its own writes fail. Sockets do not open this way.
 */
function reopen(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

/**
 * Node makes the shared description non-blocking as soon as anything touches `process.stderr`, and would wait for a
 * stuck thread when it exits. So there the description itself is used; under Bun, which does neither, it stays as it is.
 */
function makeNonBlocking(fd: number): boolean {
  if (process.versions.bun !== undefined) return false;
  try {
    const socket = new Socket({ fd, readable: false, writable: true });
    socket.on('error', () => {});
    socket.unref();
    return true;
  } catch {
    return false;
  }
}

function directOutlet(fd: number, piece: number): Outlet {
  const send = (bytes: Uint8Array): Taken => {
    try {
      return fs.writeSync(fd, bytes);
    } catch (error) {
      return takenBy(error);
    }
  };
  return { piece, send, sendLast: send };
}

/** A blocking write in a thread of the pool, one at a time. */
function threadOutlet(fd: number): Outlet {
  return {
    piece: THREAD_PIECE,
    send(bytes, settled) {
      fs.write(fd, bytes, (error, count) => settled(error ? takenBy(error) : count));
      return undefined;
    },
    sendLast(bytes) {
      fs.write(fd, bytes, () => {});
      // The thread needs a moment that the event loop no longer has. It may be stuck, so nobody waits for it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      return 0;
    },
  };
}

const CLOSED: Outlet = { piece: PIPE_PIECE, send: () => -1, sendLast: () => -1 };

function takenBy(error: unknown): Taken {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EAGAIN' || code === 'EINTR' || code === 'ENOSPC' ? 0 : -1;
}
