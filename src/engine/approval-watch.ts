/** Follows the records that calls are kept open for (policy.md §12): one look at the store for all of them. */
import type { Approvals } from '../core/approval.ts';

/** ms between looks at the store while a call waits. */
const LOOK = 200;
/** Events that are read at once. */
const BATCH = 100;

/** A record that is followed. */
export interface Followed {
  /** Resolves once the record is not pending any more. */
  readonly changed: Promise<void>;
  readonly hasChanged: boolean;
  /** Nobody waits for it any longer. */
  stop(): void;
}

export interface ApprovalWatch {
  /** Follows the record from now on; it may have been decided already. One whose time runs out is the caller's to see. */
  follow(id: string): Followed;
}

interface Waiter {
  readonly resolve: () => void;
  hasChanged: boolean;
}

export interface ApprovalWatchOptions {
  readonly approvals: Pick<Approvals, 'find' | 'newest' | 'events'>;
  readonly log: { debug(text: string): void };
}

/** Watches nothing, and has no timer, before a record is followed. One for all sessions of a process, whose held calls it is bounded by. */
export function watchApprovals({ approvals, log }: ApprovalWatchOptions): ApprovalWatch {
  const waiters = createWaiters();
  const reader = createReader(approvals, waiters);
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  const lost = (error: unknown) => {
    reader.forget();
    log.debug(`state: approvals could not be looked at: ${error instanceof Error ? error.message : String(error)}`);
  };
  const run = () => {
    if (looking) return;
    looking = true;
    void reader
      .look()
      .catch(lost)
      .finally(() => {
        looking = false;
        if (!waiters.isEmpty()) timer = setTimeout(run, LOOK).unref();
        else reader.forget();
      });
  };
  return {
    follow(id) {
      const followed = waiters.add(id, () => {
        if (!waiters.isEmpty() || looking) return;
        clearTimeout(timer);
        reader.forget();
      });
      if (reader.isReading()) void reader.check(id).catch(lost);
      else {
        clearTimeout(timer);
        run();
      }
      return followed;
    },
  };
}

/** Reads what is new. */
function createReader(approvals: ApprovalWatchOptions['approvals'], waiters: Waiters) {
  /** The newest event that was seen; undefined where records have to be looked at themselves. */
  let last: number | undefined;
  const check = async (id: string) => {
    const found = (await approvals.find(id, 0)).find((approval) => approval.id === id);
    if (found?.state !== 'pending') waiters.notify(id);
  };
  const readEvents = async (after: number) => {
    for (let from = after; ; ) {
      const events = await approvals.events(from, BATCH, 0);
      for (const { type, approval, sequence } of events) {
        if (type !== 'approval.requested') waiters.notify(approval.id);
        from = sequence;
      }
      last = from;
      if (events.length === 0) return;
    }
  };
  return {
    check,
    isReading: () => last !== undefined,
    /** Looks at the records themselves next time, and so finds what happened until then. */
    forget() {
      last = undefined;
    },
    async look() {
      const newest = await approvals.newest();
      if (last === undefined) {
        last = newest;
        for (const id of waiters.ids()) await check(id);
      } else if (newest > last) await readEvents(last);
    },
  };
}

type Waiters = ReturnType<typeof createWaiters>;

/** Keeps who follows which record. */
function createWaiters() {
  const followed = new Map<string, Set<Waiter>>();
  return {
    isEmpty: () => followed.size === 0,
    ids: () => [...followed.keys()],
    add(id: string, onStop: () => void): Followed {
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter: Waiter = { resolve, hasChanged: false };
      const all = followed.get(id) ?? new Set();
      followed.set(id, all.add(waiter));
      return {
        changed: promise,
        get hasChanged() {
          return waiter.hasChanged;
        },
        stop() {
          all.delete(waiter);
          if (all.size === 0 && followed.get(id) === all) followed.delete(id);
          onStop();
        },
      };
    },
    notify(id: string) {
      for (const waiter of followed.get(id) ?? []) {
        waiter.hasChanged = true;
        waiter.resolve();
      }
    },
  };
}
