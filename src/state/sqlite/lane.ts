/**
 * One lane for everything that needs the database's lock. While another process holds it, work waits here, in the
 * order it came, and the event loop goes on: SQLite's own waiting would block it.
 */
import { causeOf, MAKE_ROOM, remedyOf } from '../../core/fault.ts';
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
    return new StoreError(`the state store "${path}" stayed locked by another process for ${patience} ms`, {
      cause: error,
      help: 'see "intercept status" for what uses it; --state-timeout waits longer',
    });
  const [why, help] = FAULTS.get(resultCode(error) ?? 0) ?? [causeOf(error), remedyOf(error, path)];
  return new StoreError(`the state store "${path}" failed: ${why}`, { cause: error, help });
}

const NEW_STORE = 'put a backup back, or move it away to begin with an empty one';
const OWN_FILE = 'give this user the right to write it and its folder';

/** SQLite's errors in words, and what to do, by their primary code. */
const FAULTS: ReadonlyMap<number, readonly [why: string, help: string]> = new Map([
  [8, ['it may only be read', OWN_FILE]],
  [10, ['the disk fails, or is full', MAKE_ROOM]],
  [11, ['it is damaged', NEW_STORE]],
  [13, ['the disk is full', MAKE_ROOM]],
  [14, ['it cannot be opened', OWN_FILE]],
  [26, ['it is no database', NEW_STORE]],
]);

/** Doubles from the shortest to the longest wait; the jitter keeps waiting processes from meeting again. */
function backOff(tries: number): number {
  return Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** tries) * (0.5 + Math.random() / 2);
}
