/**
 * Calls that the server answered with `input_required` (wire.md §2.12), and tasks (§2.11): what keeps their
 * reservations between legs. Each leg is continued once; what is never continued stays spent.
 */
import type { ForwardedCall } from './settle.ts';

/** 15 minutes between legs; afterwards the outcome is unknown. */
export const LEG_TIMEOUT = 900_000;

export interface Legs {
  /** Without one, no call continues another, and nothing need be compared. */
  readonly isEmpty: boolean;
  /** Keeps a call until the retry that carries exactly this state (undefined: none). */
  keep(sameCall: string, state: string | undefined, call: ForwardedCall, now: number): void;
  /** The call that a retry continues, and forgets it. */
  take(sameCall: string, state: string | undefined, now: number): ForwardedCall | undefined;
  /** Calls that waited too long; with `Infinity`, all of them. */
  expired(now: number): readonly ForwardedCall[];
}

interface Leg {
  readonly sameCall: string;
  readonly state: string | undefined;
  readonly call: ForwardedCall;
  readonly until: number;
}

export function createLegs(): Legs {
  let legs: readonly Leg[] = [];
  return {
    get isEmpty() {
      return legs.length === 0;
    },
    keep(sameCall, state, call, now) {
      legs = [...legs, { sameCall, state, call, until: now + LEG_TIMEOUT }];
    },
    take(sameCall, state, now) {
      const found = legs.find((leg) => leg.sameCall === sameCall && leg.state === state && leg.until > now);
      legs = legs.filter((leg) => leg !== found);
      return found?.call;
    },
    expired(now) {
      const over = legs.filter((leg) => leg.until <= now);
      if (over.length > 0) legs = legs.filter((leg) => leg.until > now);
      return over.map((leg) => leg.call);
    },
  };
}

export interface Tasks {
  /** Answers with the call that had this task id before, if any. */
  keep(taskId: string, call: ForwardedCall): ForwardedCall | undefined;
  take(taskId: string): ForwardedCall | undefined;
  drain(): readonly ForwardedCall[];
}

export function createTasks(): Tasks {
  const calls = new Map<string, ForwardedCall>();
  return {
    keep(taskId, call) {
      const replaced = calls.get(taskId);
      calls.set(taskId, call);
      return replaced;
    },
    take(taskId) {
      const call = calls.get(taskId);
      calls.delete(taskId);
      return call;
    },
    drain() {
      const all = [...calls.values()];
      calls.clear();
      return all;
    },
  };
}
