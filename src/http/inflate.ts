/** Bodies that came compressed although identity was asked for (wire.md §2.8): inflated before they are judged, or refused. */
import type { Gunzip, Inflate, InflateRaw } from 'node:zlib';
import { UpstreamFault } from './fault.ts';

type Unzip = Gunzip | Inflate | InflateRaw;

const GZIP: ReadonlySet<string> = new Set(['gzip', 'x-gzip']);
/** A zlib stream begins so, in the lower half of its first byte. */
const ZLIB = 8;

/**
 * The body as it is meant, piece by piece: whoever reads it bounds what it becomes. Where it breaks, all that came of it
 * comes before the fault. A body of no bytes is in no encoding.
 */
export function inflate(body: AsyncIterable<Uint8Array>, encoding: string | undefined): AsyncIterable<Uint8Array> {
  const name = encoding?.trim().toLowerCase() ?? '';
  return name === '' || name === 'identity' ? body : inflated(body, name);
}

async function* inflated(body: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let run: Run | undefined;
  try {
    for await (const piece of body) {
      run ??= begin(await openUnzip(name, piece));
      yield* run((unzip, done) => void unzip.write(piece, done));
    }
    // The stream shows by its end, and not by having taken ours, that nothing of it is missing.
    if (run) yield* run((unzip) => void unzip.end());
  } catch (error) {
    if (error instanceof UpstreamFault) throw error;
    throw new UpstreamFault('encoding', `answers with a body that is not the ${name} it says (${(error as Error).message})`, true, error);
  } finally {
    run?.close();
  }
}

/** Loaded only for servers that compress. */
async function openUnzip(name: string, { 0: first = 0 }: Uint8Array): Promise<Unzip> {
  const { createGunzip, createInflate, createInflateRaw } = await import('node:zlib');
  if (GZIP.has(name)) return createGunzip();
  // "deflate" is a zlib stream, and what many servers send by that name is not.
  if (name === 'deflate') return (first & 0x0f) === ZLIB ? createInflate() : createInflateRaw();
  throw new UpstreamFault('encoding', `answers in an encoding that was not asked for, ${JSON.stringify(name.slice(0, 40))}`, true);
}

type Done = (error?: Error | null) => void;

/** Does one thing with the stream, and gives all that comes out of it until that is done. */
interface Run {
  (start: (unzip: Unzip, done: Done) => void): AsyncGenerator<Uint8Array>;
  close(): void;
}

function begin(unzip: Unzip): Run {
  let error: Error | undefined;
  let isOver = false;
  let wake = () => {};
  const over = (reason?: Error) => {
    error ??= reason;
    isOver = true;
    wake();
  };
  unzip.on('readable', () => wake());
  // What follows its end is none of it, and is not taken.
  unzip.on('end', over).on('error', over).on('close', over);
  const run = async function* (start: (unzip: Unzip, done: Done) => void): AsyncGenerator<Uint8Array> {
    let isDone = isOver;
    const done: Done = (reason) => {
      isDone = true;
      if (reason) over(reason);
      else wake();
    };
    if (!isDone) start(unzip, done);
    for (;;) {
      const piece = unzip.read() as Uint8Array | null;
      if (piece !== null) yield piece;
      else if (error) throw error;
      else if (isDone || isOver) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  };
  return Object.assign(run, { close: () => void unzip.destroy() });
}
