/** Writing to a descriptor that other processes share, without waiting: the part that differs between runtimes. */
import * as fs from 'node:fs';
import { Socket } from 'node:net';

/** How many bytes went out; 0: none now; -1: none ever again. */
export type Taken = number;

export interface Outlet {
  /** How much is sent at once. */
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
export function openOutlet(fd: number): Outlet {
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
