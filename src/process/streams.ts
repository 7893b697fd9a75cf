/** Bytes in and out as the transport sees them, over Node's streams. */
import type { Readable, Writable } from 'node:stream';

/** A source of bytes. Nothing is read before the first `onChunk`. */
export interface ByteSource {
  onChunk(f: (chunk: Uint8Array) => void): void;
  /** Called once, at the end; a read error ends the source as its end does: nothing more will come. */
  onEnd(f: () => void): void;
  pause(): void;
  resume(): void;
  close(): void;
}

/** A sink for bytes, which never blocks the event loop. `write` answers false where the reader is slow: then stop until `onDrain` calls. */
export interface ByteSink {
  write(bytes: Uint8Array | string): boolean;
  onDrain(f: () => void): void;
  /** Called once, when the reader is gone (EPIPE): what is written from then on is dropped. */
  onError(f: (error: Error) => void): void;
  /** Closes the sink once all that was written is with the operating system. */
  end(): void;
  /** Resolves when all that was written is with the operating system. */
  flush(): Promise<void>;
}

/** A source over a stream of Node's. */
export function sourceOf(stream: Readable): ByteSource {
  const ended = once(['end', 'close', 'error'], stream);
  return {
    onChunk: (f) => void stream.on('data', f),
    onEnd: (f) => void ended.then(f),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    close: () => void stream.destroy(),
  };
}

/** A sink over a stream of Node's, which writes to pipes and sockets without waiting. */
export function sinkOf(stream: Writable): ByteSink {
  const failed = once(['error'], stream);
  return {
    // `writable` turns false at once where the stream failed or ended; its events come later.
    write: (bytes) => !stream.writable || stream.write(bytes),
    onDrain: (f) => void stream.on('drain', f),
    onError: (f) => void failed.then((error) => f(error as Error)),
    end: () => void stream.end(),
    // An empty write's callback comes after those of all writes before it, also where the stream failed meanwhile.
    flush: () => new Promise((resolve) => stream.write('', () => resolve())),
  };
}

/** The listeners stay, so that a second error is not an uncaught one. */
function once(names: readonly string[], stream: Readable | Writable): Promise<unknown> {
  return new Promise((resolve) => {
    for (const name of names) stream.on(name, resolve);
  });
}
