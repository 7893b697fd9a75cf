/** Challenges that nobody paid in time (policy.md §8). */
import type { ProxyDeps } from '../../engine/deps.ts';

/** Gives back what they held, whoever delivered them. Never rejects: what fails is tried again. To be called about once a second. */
export async function releaseUnpaid({ rules, store, log }: Pick<ProxyDeps, 'rules' | 'store' | 'log'>): Promise<void> {
  if (!rules.current?.policy.uses.spend) return;
  try {
    await store.challenges.expire();
  } catch (error) {
    log.debug(`state: what unpaid challenges hold was not given back: ${error instanceof Error ? error.message : String(error)}`);
  }
}
