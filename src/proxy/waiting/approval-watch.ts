/** What becomes of the records that calls are kept open for (policy.md §12): one look at the store for all of them. */
import type { Approvals } from '../../core/approval.ts';
import type { Log } from '../deps.ts';

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
  readonly log: Pick<Log, 'debug'>;
}

/** Watches nothing, and has no timer, before a record is followed. One for all sessions of a process, whose held calls it is bounded by. */
export function watchApprovals({ approvals, log }: ApprovalWatchOptions): ApprovalWatch {
  const followed = new Map<string, Set<Waiter>>();
  /** The newest event that was seen; undefined where records have to be looked at themselves. */
  let last: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;

  const tell = (id: string) => {
    for (const waiter of followed.get(id) ?? []) {
      waiter.hasChanged = true;
      waiter.resolve();
    }
  };
  const check = async (id: string) => {
    const found = (await approvals.find(id, 0)).find((approval) => approval.id === id);
    if (found?.state !== 'pending') tell(id);
  };
  const readEvents = async (after: number) => {
    for (let from = after; ; ) {
      const events = await approvals.events(from, BATCH, 0);
      for (const { type, approval, sequence } of events) {
        if (type !== 'approval.requested') tell(approval.id);
        from = sequence;
      }
      last = from;
      if (events.length === 0) return;
    }
  };
  const look = async () => {
    const newest = await approvals.newest();
    if (last === undefined) {
      last = newest;
      for (const id of [...followed.keys()]) await check(id);
    } else if (newest > last) await readEvents(last);
  };
  const lost = (error: unknown) => {
    // What was missed meanwhile is found by looking at the records.
    last = undefined;
    log.debug(`state: approvals could not be looked at: ${error instanceof Error ? error.message : String(error)}`);
  };
  const run = () => {
    if (looking) return;
    looking = true;
    void look()
      .catch(lost)
      .finally(() => {
        looking = false;
        if (followed.size > 0) timer = setTimeout(run, LOOK).unref();
        else last = undefined;
      });
  };
  return {
    follow(id) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter: Waiter = { resolve, hasChanged: false };
      const waiters = followed.get(id) ?? new Set();
      followed.set(id, waiters.add(waiter));
      if (last !== undefined) void check(id).catch(lost);
      else if (!looking) {
        clearTimeout(timer);
        run();
      }
      return {
        changed: promise,
        get hasChanged() {
          return waiter.hasChanged;
        },
        stop() {
          waiters.delete(waiter);
          if (waiters.size === 0 && followed.get(id) === waiters) followed.delete(id);
          if (followed.size > 0 || looking) return;
          clearTimeout(timer);
          last = undefined;
        },
      };
    },
  };
}
