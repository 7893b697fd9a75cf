/** Writes what runs, what is paused and what is counted as programs read it: from the command line and the admin API. */
import type { CounterStatus } from './counter.ts';
import type { Instance, Pause } from './store.ts';

/** One running process. */
export function instanceJson({ id, pid, host, policy, revision, upstream, startedAt, seenAt, confirmed }: Instance) {
  return {
    ...{ id, pid, host, policy: policy ?? null, revision, upstream },
    ...{ started_at: timeJson(startedAt), seen_at: timeJson(seenAt), confirmed },
  };
}

/** A pause in force; without a policy it is one of all. */
export function pauseJson({ policy, reason, since }: Pause) {
  return { policy: policy ?? null, reason, since: timeJson(since) };
}

/** A counter in its window. Amounts are decimal numbers as texts, which no reader rounds. */
export function counterJson({ counter, unit, scope, value, limit, resetsAt }: CounterStatus) {
  return { counter, unit, value, resets_at: timeJson(resetsAt), scope: scope ?? null, limit: limit ?? null };
}

/** RFC 3339. */
export function timeJson(instant: number): string {
  return new Date(instant).toISOString();
}
