/** The agent's side of a stdio session: our own standard input and output (wire.md §4). */
import { constants, fstatSync, readFileSync, readSync } from 'node:fs';
import { openInput, openOutput } from './runtime.ts';

/** Bytes from and to the agent. `write` answers false where the reader is slow: then stop until `onDrain` calls. */
export interface Downstream {
  /** Nothing is read before the first subscription. */
  onChunk(f: (chunk: Uint8Array) => void): void;
  /** The agent closed its end: nothing more will be asked. */
  onEnd(f: () => void): void;
  write(bytes: Uint8Array | string): boolean;
  onDrain(f: () => void): void;
  pause(): void;
  resume(): void;
  /** Answers true while somebody still reads, as far as the system shows without a write. */
  isRead(): boolean;
  /** Resolves when all that was written is with the operating system, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
  /** The agent is gone (EPIPE): what is written from now on is dropped. */
  onError(f: (error: Error) => void): void;
}

/** Opens this process's own stdin and stdout. */
export function openStdio(): Downstream {
  const input = openInput();
  const output = openOutput();
  const parent = process.ppid;
  return {
    onChunk: input.onChunk,
    onEnd: input.onEnd,
    write: output.write,
    onDrain: output.onDrain,
    pause: input.pause,
    resume: input.resume,
    isRead: () => isRead(parent),
    flush: (timeoutMs) => within(timeoutMs, output.flush()),
    onError: output.onError,
  };
}

const STDOUT = 1;

/**
 * A socket whose other end is closed has come to its end, and a process that lost its parent lost its agent. That nobody reads a
 * pipe any more, a system shows only by a write.
 */
function isRead(parent: number): boolean {
  if (process.ppid !== parent) return false;
  try {
    return !fstatSync(STDOUT).isSocket() || !neverBlocks() || readSync(STDOUT, Buffer.alloc(1)) > 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNRESET';
  }
}

/** SECURITY: a read that waits would hold up everything else. */
function neverBlocks(): boolean {
  const [, flags = '0'] = /^flags:\s*([0-7]+)/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8')) ?? [];
  return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
}

function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
