/** How reservations end (policy.md §6), the same over every adapter's rows. */
import type { Reservation, Settlement } from '../core/store.ts';
import { askAgain } from './challenge.ts';
import { settleClaim } from './claim.ts';
import { settleApproval } from './hold.ts';
import type { StepRows } from './rows.ts';

/** Ends them, inside one transaction. `maxBytes`: what all stored results may take together. */
export function settleAll(settlements: readonly Settlement[], rows: StepRows, now: number, maxBytes: number): void {
  for (const settlement of settlements) {
    const { reservation, outcome } = settlement;
    const released = outcome === 'released';
    if (released) for (const draw of reservation.draws) if (draw.count !== 'attempts' && draw.micros > 0) rows.giveBack(draw);
    if (released && reservation.challenge) askAgain({ ...reservation.challenge, draws: [] }, rows, now);
    if (reservation.approval) settleApproval(reservation.approval, released, rows, now);
    if (reservation.claim) settleClaim(reservation.claim, settlement, rows, now, maxBytes);
  }
}

/** Whether the loss of power may not undo this settlement: one that keeps a consumed approval consumed changes nothing of worth. */
export function mustLast({ reservation, outcome }: Settlement): boolean {
  return reservation.claim !== undefined || (reservation.approval !== undefined && outcome === 'released');
}

/** Lets through what is to be settled and was not yet, and notes it in `settled`. A settlement that failed may be tried again. */
export function settleOnce(
  settled: WeakSet<Reservation>,
  settle: (fresh: readonly Settlement[]) => Promise<void>,
): (all: readonly Settlement[]) => Promise<void> {
  return async (all) => {
    const fresh = all.filter(({ reservation, outcome }) => {
      const asks = outcome === 'released' || reservation.approval || reservation.claim;
      if (!asks || settled.has(reservation)) return false;
      settled.add(reservation);
      return true;
    });
    if (fresh.length === 0) return;
    try {
      await settle(fresh);
    } catch (error) {
      for (const { reservation } of fresh) settled.delete(reservation);
      throw error;
    }
  };
}
