/** Lines to stderr that never wait for whoever reads it. */
import { openBacklog } from './backlog.ts';
import { type Outlet, openOutlet, type Taken } from './outlet.ts';

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
  const waiters = openWaiters();
  const pump = openPump(outlet, { next: nextBytes, advance: backlog.advance, rest: waiters.release, lose: giveUp });
  let lost = 0;
  let untold = 0;

  function add(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (pump.state() === 'closed') lost++;
    else if (backlog.bytes() + bytes > MOST_BYTES) untold++;
    else {
      tellLoss();
      backlog.add(line, bytes);
      pump.start();
    }
  }

  function nextBytes(): Uint8Array {
    if (backlog.bytes() === 0) tellLoss();
    return backlog.next();
  }

  function giveUp(): void {
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

  process.on('exit', pump.last);
  return {
    write: add,
    dropped: () => lost + untold,
    flush: (ms) => (pump.state() === 'idle' || pump.state() === 'closed' ? Promise.resolve() : waiters.wait(ms)),
  };
}

/** What a pump sends. */
interface Supply {
  /** Empty where there is nothing. */
  next(): Uint8Array;
  advance(bytes: number): void;
  /** All is out. */
  rest(): void;
  /** The reader is gone for good. */
  lose(): void;
}

interface Pump {
  state(): 'idle' | 'due' | 'sending' | 'closed';
  /** Sends after the current turn, unless that is on its way already. */
  start(): void;
  /** At exit: what the stream takes at once. */
  last(): void;
}

/** Sends until the supply is empty; while nobody reads it tries again, less and less often. */
function openPump(outlet: Outlet, supply: Supply): Pump {
  let state: ReturnType<Pump['state']> = 'idle';
  let pause = FIRST_RETRY_MS;

  function run(): void {
    for (let bytes = supply.next(); bytes.length > 0; bytes = supply.next()) {
      state = 'sending';
      const taken = outlet.send(bytes, settle);
      if (taken === undefined || !progress(taken)) return;
    }
    state = 'idle';
    supply.rest();
  }

  function settle(taken: Taken): void {
    if (progress(taken)) run();
  }

  function progress(taken: Taken): boolean {
    if (taken > 0) {
      pause = FIRST_RETRY_MS;
      supply.advance(taken);
    } else if (taken === 0) later();
    else {
      state = 'closed';
      supply.lose();
    }
    return taken > 0;
  }

  function later(): void {
    state = 'due';
    setTimeout(run, pause).unref();
    pause = Math.min(pause * 2, LAST_RETRY_MS);
  }

  return {
    state: () => state,
    start() {
      if (state !== 'idle') return;
      state = 'due';
      setImmediate(run);
    },
    last() {
      if (state === 'sending') return;
      for (let bytes = supply.next(); bytes.length > 0; bytes = supply.next()) {
        const taken = outlet.sendLast(bytes);
        if (taken <= 0) return;
        supply.advance(taken);
      }
    },
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
