/** Marks records that are over, so that those who watch are told (policy.md §12). Deciding and enforcing never wait for it. */
import type { Approval, Approvals } from '../core/approval.ts';
import type { Every } from '../core/ticker.ts';

/** ms. */
const EVERY = 1_000;

export interface SweepOptions {
  readonly approvals: Pick<Approvals, 'expire'>;
  /** Whether there may be anything to mark. */
  readonly wanted: () => boolean;
  readonly onExpired: (approval: Approval) => void;
  readonly warn: (text: string) => void;
  readonly every: Every;
}

/** Starts to look once a second; answers with how to stop. */
export function openSweep({ approvals, wanted, onExpired, warn, every }: SweepOptions): () => void {
  let busy = false;
  let failing = false;
  const look = async () => {
    if (busy || !wanted()) return;
    busy = true;
    try {
      for (const approval of await approvals.expire()) onExpired(approval);
      failing = false;
    } catch (error) {
      // Once; every second would fill the log.
      if (!failing) warn(`approvals: those that are over were not marked: ${error instanceof Error ? error.message : String(error)}`);
      failing = true;
    } finally {
      busy = false;
    }
  };
  return every(EVERY, () => void look());
}
