/**
 * Calls that the server answered with `input_required` (wire.md §2.12), and tasks (§2.11): what keeps their
 * reservations between legs. Each leg is continued once; what is never continued stays spent.
 */
import type { SentCall } from '../../engine/arrival.ts';

/** 15 minutes between legs; afterwards the outcome is unknown. */
export const LEG_TIMEOUT = 900_000;
/** Legs, and tasks, of one session (wire.md §2.13); beyond that the oldest is given up. */
export const MAX_KEPT = 1_024;

export interface Legs {
  /** Without one, no call continues another, and nothing need be compared. */
  readonly isEmpty: boolean;
  /** Keeps a call until the retry with this key, which stands for the call and the state it has to carry. Answers with the one given up for it. */
  keep(key: string, call: SentCall, now: number): SentCall | undefined;
  /** The call that a retry continues, the oldest first, and forgets it. */
  take(key: string, now: number): SentCall | undefined;
  /** Calls that waited too long. */
  expired(now: number): readonly SentCall[];
  drain(): readonly SentCall[];
}

interface Leg {
  readonly key: string;
  readonly call: SentCall;
  readonly until: number;
}

export function createLegs(): Legs {
  /** In the order in which they began. */
  const legs = new Set<Leg>();
  const byKey = new Map<string, Set<Leg>>();
  const forget = (leg: Leg): SentCall => {
    const alike = byKey.get(leg.key);
    alike?.delete(leg);
    if (alike?.size === 0) byKey.delete(leg.key);
    legs.delete(leg);
    return leg.call;
  };
  return {
    get isEmpty() {
      return legs.size === 0;
    },
    keep(key, call, now) {
      const oldest = legs.size >= MAX_KEPT ? first(legs) : undefined;
      const given = oldest && forget(oldest);
      const leg = { key, call: withoutArguments(call), until: now + LEG_TIMEOUT };
      legs.add(leg);
      byKey.set(key, (byKey.get(key) ?? new Set()).add(leg));
      return given;
    },
    take(key, now) {
      for (const leg of byKey.get(key) ?? []) if (leg.until > now) return forget(leg);
      return undefined;
    },
    expired: (now) => [...legs].filter((leg) => leg.until <= now).map(forget),
    drain: () => [...legs].map(forget),
  };
}

/** How long the result of a task that succeeded may be fetched by itself, ms. */
export const RESULT_TIMEOUT = 60_000;

export interface Tasks {
  /** Answers with the calls given up for it: the one that had this task id before, or the oldest of too many. */
  keep(taskId: string, call: SentCall): { readonly replaced: SentCall | undefined; readonly oldest: SentCall | undefined };
  get(taskId: string): SentCall | undefined;
  take(taskId: string): SentCall | undefined;
  /** The task succeeded, and its result is yet to come. */
  awaitResult(taskId: string, now: number): void;
  isAwaited(taskId: string): boolean;
  /** Those that succeeded and whose result did not come in time, or by `now` at all. */
  unfetched(now: number): readonly SentCall[];
  drain(): readonly SentCall[];
}

export function createTasks(): Tasks {
  const calls = new Map<string, SentCall>();
  /** Until when. */
  const awaited = new Map<string, number>();
  const take = (taskId: string) => {
    const call = calls.get(taskId);
    calls.delete(taskId);
    awaited.delete(taskId);
    return call;
  };
  return {
    keep(taskId, call) {
      const replaced = take(taskId);
      const oldest = calls.size >= MAX_KEPT ? take(first(calls.keys()) ?? '') : undefined;
      calls.set(taskId, withoutArguments(call));
      return { replaced, oldest };
    },
    get: (taskId) => calls.get(taskId),
    take,
    awaitResult(taskId, now) {
      if (!awaited.has(taskId)) awaited.set(taskId, now + RESULT_TIMEOUT);
    },
    isAwaited: (taskId) => awaited.has(taskId),
    unfetched: (now) => [...awaited].flatMap(([taskId, until]) => (until <= now ? (take(taskId) ?? []) : [])),
    drain() {
      const all = [...calls.values()];
      calls.clear();
      return all;
    },
  };
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

/** Arguments can be as large as a message, and say nothing of how the call ends. */
function withoutArguments({ id, holding, sentAt }: SentCall): SentCall {
  return { id, holding, sentAt };
}
