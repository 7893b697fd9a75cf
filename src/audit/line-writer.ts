/** Lines to stderr that never wait for whoever reads it. */
import { openBacklog } from './backlog.ts';
import { openOutlet, type Taken } from './outlet.ts';

export interface LineWriter {
  /** Takes a line without its line break. Returns at once, whether or not anyone reads. */
  write(line: string): void;
  /** How many lines were given up so far. */
  dropped(): number;
  /** Waits until all lines are out, `ms` at most. */
  flush(ms: number): Promise<void>;
}

const MOST_BYTES = 1_048_576;
const FIRST_RETRY_MS = 5;
const LAST_RETRY_MS = 80;

/**
 * Opens a writer on a file descriptor. Lines go out after the current turn of the event loop; those that find no
 * reader wait in up to 1 MiB of memory, and beyond that they are counted instead.
 */
export function openLineWriter(fd: number): LineWriter {
  const outlet = openOutlet(fd);
  const backlog = openBacklog(outlet.piece);
  let state: 'idle' | 'due' | 'sending' | 'closed' = 'idle';
  let pause = FIRST_RETRY_MS;
  let lost = 0;
  let untold = 0;
  const waiters = openWaiters();

  function add(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (state === 'closed') lost++;
    else if (backlog.bytes() + bytes > MOST_BYTES) untold++;
    else {
      tellLoss();
      backlog.add(line, bytes);
      if (state === 'idle') due();
    }
  }

  function due(): void {
    state = 'due';
    setImmediate(pump);
  }

  function pump(): void {
    for (let bytes = nextBytes(); bytes.length > 0; bytes = nextBytes()) {
      state = 'sending';
      const taken = outlet.send(bytes, settle);
      if (taken === undefined || !progress(taken)) return;
    }
    state = 'idle';
    waiters.release();
  }

  function settle(taken: Taken): void {
    if (progress(taken)) pump();
  }

  function progress(taken: Taken): boolean {
    if (taken > 0) {
      pause = FIRST_RETRY_MS;
      backlog.advance(taken);
    } else if (taken === 0) later();
    else giveUp();
    return taken > 0;
  }

  function nextBytes(): Uint8Array {
    if (backlog.bytes() === 0) tellLoss();
    return backlog.next();
  }

  function later(): void {
    state = 'due';
    setTimeout(pump, pause).unref();
    pause = Math.min(pause * 2, LAST_RETRY_MS);
  }

  function giveUp(): void {
    state = 'closed';
    lost += untold + backlog.clear();
    untold = 0;
    waiters.release();
  }

  function tellLoss(): void {
    if (untold === 0) return;
    const line = `[INTERCEPT] WARN ${untold} lines dropped here: nobody read this stream`;
    lost += untold;
    untold = 0;
    backlog.add(line, line.length + 1);
  }

  function last(): void {
    if (state === 'sending') return;
    for (let bytes = nextBytes(); bytes.length > 0; bytes = nextBytes()) {
      const taken = outlet.sendLast(bytes);
      if (taken <= 0) return;
      backlog.advance(taken);
    }
  }

  process.on('exit', last);
  return {
    write: add,
    dropped: () => lost + untold,
    flush: (ms) => (state === 'idle' || state === 'closed' ? Promise.resolve() : waiters.wait(ms)),
  };
}

interface Waiters {
  /** Ends at the next release, or after `ms`. */
  wait(ms: number): Promise<void>;
  release(): void;
}

function openWaiters(): Waiters {
  const waiting = new Set<() => void>();
  return {
    wait: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(done, ms);
        function done(): void {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      }),
    release() {
      for (const done of [...waiting]) done();
    },
  };
}
