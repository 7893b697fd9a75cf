/** The agent's side of a stdio session: our own standard input and output (wire.md §4). */
import type { Readable, Writable } from 'node:stream';

/** Bytes from and to the agent. `write` answers false where the reader is slow: then stop until `onDrain` calls. */
export interface Downstream {
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

/** Opens this process's own stdin and stdout. Nothing is read before `onChunk`. */
export function openStdio(): Downstream {
  return joinStreams(process.stdin, process.stdout);
}

/** The downstream over any two streams. Both runtimes write to a pipe or socket without blocking the event loop. */
export function joinStreams(input: Readable, output: Writable): Downstream {
  let failed = false;
  const failures: ((error: Error) => void)[] = [];
  const fail = (error: Error) => {
    if (failed) return;
    failed = true;
    for (const f of failures) f(error);
  };
  output.on('error', fail);
  return {
    onChunk: (f) => void input.on('data', f),
    onEnd: (f) => onceEnded(input, f),
    write: (bytes) => failed || output.write(bytes),
    onDrain: (f) => void output.on('drain', f),
    pause: () => void input.pause(),
    resume: () => void input.resume(),
    flush: (timeoutMs) => (failed ? Promise.resolve() : flushed(output, timeoutMs)),
    onError: (f) => void failures.push(f),
  };
}

/** A read error ends the input as its end does: nothing more will be asked. */
function onceEnded(input: Readable, f: () => void): void {
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    f();
  };
  input.on('end', end);
  input.on('close', end);
  input.on('error', end);
}

/** An empty write's callback comes after those of all writes before it, also where the stream failed meanwhile. */
function flushed(output: Writable, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    output.write('', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
