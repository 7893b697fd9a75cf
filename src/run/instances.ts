/** Lists the processes that enforce something now (policy.md §11). */
import { hostname } from 'node:os';
import type { Instance } from '../core/store.ts';

/** Another host's process counts as alive for so long after it was last seen, ms. */
const SEEN_LATELY = 15_000;

/** Those that live: on this host by their process, elsewhere by when they were last seen. */
export function liveInstances(instances: readonly Instance[], now: number): readonly Instance[] {
  return instances.filter(({ host, pid, seenAt }) => (host === hostname() ? isAlive(pid) : now - seenAt <= SEEN_LATELY));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
