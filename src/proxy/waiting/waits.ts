/** Calls that are kept open: for an identical one to end (policy.md §9), or for a human to decide (§12). */
import type { PendingRequest } from '../requests/inflight.ts';

export interface Waits {
  /** The requests that are kept open now. */
  readonly open: Set<PendingRequest>;
  /** Resolves after `ms`, with `sooner`, or when the agent did something that may end the waiting. Never rejects. */
  rest(ms: number, sooner?: Promise<void>): Promise<void>;
  /** Whoever rests looks again. */
  wake(): void;
  /** The agent is gone: nothing waits for it any longer. */
  close(): void;
  readonly closed: boolean;
}

/** Nothing waits yet. */
export function createWaits(): Waits {
  const resting = new Set<() => void>();
  let closed = false;
  const wake = () => {
    for (const rise of [...resting]) rise();
  };
  return {
    open: new Set(),
    rest(ms, sooner) {
      if (closed) return Promise.resolve();
      return new Promise((resolve) => {
        const rise = () => {
          clearTimeout(timer);
          resting.delete(rise);
          resolve();
        };
        const timer = setTimeout(rise, ms);
        resting.add(rise);
        void sooner?.then(rise, rise);
      });
    },
    wake,
    close() {
      closed = true;
      wake();
    },
    get closed() {
      return closed;
    },
  };
}
