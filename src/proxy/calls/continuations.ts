/**
 * Calls that the server answered with `input_required` (wire.md §2.12): what keeps their reservations until the client
 * continues them. Each is continued once; what is never continued stays spent.
 */
import type { SentCall } from '../../engine/arrival.ts';

/** ms that a call may take to be continued; afterwards the outcome is unknown. */
export const CONTINUE_WITHIN = 900_000;
/** INVARIANT I11: calls of one session (wire.md §2.13) that wait; beyond that the oldest is given up. */
export const MAX_WAITING = 1_024;

export interface Continuations {
  /** The number of waiting calls. Each call reads this field: at 0, none continues another. */
  readonly size: number;
  /** Keeps a call until the retry with this key, which stands for the call and the state it has to carry. Answers with the one given up for it. */
  keep(key: string, call: SentCall, now: number): SentCall | undefined;
  /** The call that a retry continues, the oldest first, and forgets it. */
  take(key: string, now: number): SentCall | undefined;
  /** Calls that waited too long. */
  expired(now: number): readonly SentCall[];
  drain(): readonly SentCall[];
}

interface Waiting {
  readonly key: string;
  readonly call: SentCall;
  readonly until: number;
}

export function createContinuations(): Continuations {
  /** In the order in which they began. */
  const waiting = new Set<Waiting>();
  const byKey = new Map<string, Set<Waiting>>();
  const forget = (one: Waiting): SentCall => {
    const alike = byKey.get(one.key);
    alike?.delete(one);
    if (alike?.size === 0) byKey.delete(one.key);
    waiting.delete(one);
    continuations.size = waiting.size;
    return one.call;
  };
  const continuations: { -readonly [Member in keyof Continuations]: Continuations[Member] } = {
    size: 0,
    keep(key, { id, tool, holding, sentAt }, now) {
      const [oldest] = waiting.size >= MAX_WAITING ? waiting : [];
      const given = oldest && forget(oldest);
      // Arguments can be as large as a message, and say nothing of how the call ends.
      const one = { key, call: { id, tool, holding, sentAt }, until: now + CONTINUE_WITHIN };
      waiting.add(one);
      byKey.set(key, (byKey.get(key) ?? new Set()).add(one));
      continuations.size = waiting.size;
      return given;
    },
    take(key, now) {
      for (const one of byKey.get(key) ?? []) if (one.until > now) return forget(one);
      return undefined;
    },
    expired: (now) => [...waiting].filter(({ until }) => until <= now).map(forget),
    drain: () => [...waiting].map(forget),
  };
  return continuations;
}
