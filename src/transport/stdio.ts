/** The agent's side of a stdio session: our own standard input and output (wire.md §4). */
import { openInput, openOutput } from './runtime.ts';

/** Bytes from and to the agent. `write` answers false where the reader is slow: then stop until `onDrain` calls. */
export interface Downstream {
  /** Nothing is read before the first. */
  onChunk(f: (chunk: Uint8Array) => void): void;
  /** The agent closed its end: nothing more will be asked. */
  onEnd(f: () => void): void;
  write(bytes: Uint8Array | string): boolean;
  onDrain(f: () => void): void;
  pause(): void;
  resume(): void;
  /** Resolves when all that was written is with the operating system, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
  /** The agent is gone (EPIPE): what is written from now on is dropped. */
  onError(f: (error: Error) => void): void;
}

/** Opens this process's own stdin and stdout. */
export function openStdio(): Downstream {
  const input = openInput();
  const output = openOutput();
  return {
    onChunk: input.onChunk,
    onEnd: input.onEnd,
    write: output.write,
    onDrain: output.onDrain,
    pause: input.pause,
    resume: input.resume,
    flush: (timeoutMs) => within(timeoutMs, output.flush()),
    onError: output.onError,
  };
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
