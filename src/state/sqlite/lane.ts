/**
 * One lane for everything that needs the database's lock. While another process holds it, work waits here, in the
 * order it came, and the event loop goes on: SQLite's own waiting would block it.
 */
import { StoreError } from '../../core/store.ts';

export interface Lane {
  /** Runs the work now, or as soon as the lock is free; throws `StoreError` once the time-out, or `patience`, has passed. ms. */
  run<T>(work: () => T, patience?: number): Promise<T>;
  /** Refuses what waits, and whatever comes later. */
  close(): void;
}

interface Waiting {
  /** Answers whether the work is finished, one way or the other. */
  readonly attempt: (last: boolean) => boolean;
  readonly deadline: number;
}

const SHORTEST_WAIT = 0.2;
const LONGEST_WAIT = 5;

/** Opens the lane; `path` is for messages. */
export function openLane(path: string, timeoutMs: number): Lane {
  const queue: Waiting[] = [];
  let closed = false;

  const pump = (tries: number): void => {
    for (let head = queue[0]; head; head = queue[0]) {
      if (!head.attempt(closed || performance.now() >= head.deadline)) {
        setTimeout(pump, backOff(tries), tries + 1);
        return;
      }
      queue.shift();
      tries = 0;
    }
  };
  const wait = <T>(work: () => T, patience: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const attempt = (last: boolean): boolean => {
        try {
          resolve(work());
        } catch (error) {
          if (isBusy(error) && !last) return false;
          reject(storeError(error, path, patience));
        }
        return true;
      };
      queue.push({ attempt, deadline: performance.now() + patience });
      if (queue.length === 1) setTimeout(pump, backOff(0), 1);
    });

  return {
    async run(work, patience = timeoutMs) {
      if (closed) throw new StoreError(`the state store "${path}" is closed`);
      if (queue.length > 0) return wait(work, patience);
      try {
        return work();
      } catch (error) {
        if (isBusy(error) && patience > 0) return wait(work, patience);
        throw storeError(error, path, patience);
      }
    },
    close() {
      closed = true;
    },
  };
}

/** SQLite's primary result code; undefined for an error that is not SQLite's. */
export function resultCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** SQLITE_BUSY: another connection holds the lock that this one needs. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === 5;
}

/** SQLITE_IOERR: a transaction whose last sync failed is found in the log, whole, by whoever recovers that. */
export function mayHaveDone(error: unknown): boolean {
  return error instanceof StoreError && resultCode(error.cause) === 10;
}

function storeError(error: unknown, path: string, patience: number): StoreError {
  if (error instanceof StoreError) return error;
  if (isBusy(error))
    return new StoreError(`the state store "${path}" stayed locked by another process for ${patience} ms`, { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError(`the state store "${path}" failed: ${message}`, { cause: error });
}

/** Doubles from the shortest to the longest wait; the jitter keeps waiting processes from meeting again. */
function backOff(tries: number): number {
  return Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** tries) * (0.5 + Math.random() / 2);
}
