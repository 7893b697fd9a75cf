/** Challenges that nobody paid in time (policy.md §8). */
import type { Ports, Served } from '../../engine/ports.ts';

/** Gives back what they held, whoever delivered them. Never rejects: what fails is tried again. To be called about once a second. */
export async function releaseUnpaid({ rules }: Served, { store, log }: Ports): Promise<void> {
  if (!rules.current?.policy.uses.spend) return;
  try {
    await store.challenges.expire();
  } catch (error) {
    log.debug(`state: what unpaid challenges hold was not given back: ${error instanceof Error ? error.message : String(error)}`);
  }
}
