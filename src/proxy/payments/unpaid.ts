/** Challenges that nobody paid in time (policy.md §8). */
import type { ProxyDeps } from '../deps.ts';
import { endReservations } from '../settle.ts';
import type { Payments } from './payments.ts';

/** Gives back what they held. */
export async function releaseUnpaid(payments: Payments, deps: ProxyDeps): Promise<void> {
  const over = payments.expired(deps.clock()).flatMap(({ reservation }) => (reservation ? [reservation] : []));
  if (over.length === 0) return;
  await endReservations(
    over.map((reservation) => ({ reservation, outcome: 'released' })),
    deps,
  );
}
