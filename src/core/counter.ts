/** Counter identities (policy.md §6): what keeps its count across edits of a policy, and what starts anew. */
import type { WindowUnit } from './window.ts';

/** Calls that are alike in this share one count (policy.md §6). */
export type Per = 'policy' | 'agent' | 'session' | 'call';

/** `attempts`: a failed call stays counted; `successes`: it is given back. */
export type Count = 'attempts' | 'successes';

/** A counter's identity (policy.md §6): two uses with the same `id` are one counter. The scope of `per` is not part of it. */
export interface Counter {
  readonly id: string;
  readonly unit: WindowUnit;
  readonly per: Per;
  /** People call it so: `create_refund.daily_total`, or `create_refund 10/day` for a rate limit. */
  readonly label: string;
}

/** A `state` counter is its key, name, window and scope. */
export function stateCounter(key: string, name: string, unit: WindowUnit, per: Per): Counter {
  return { id: joinParts(['state', key, name, unit, per]), unit, per, label: `${key}.${name}` };
}

/** A rate limit is its key, unit, scope, what it counts and whom: not its maximum, name or place. */
export function rateCounter(key: string, unit: WindowUnit, per: Per, count: Count, agents: readonly string[], max: number): Counter {
  return { id: joinParts(['rate', key, unit, per, count, ...agents]), unit, per, label: `${key} ${max}/${unit}` };
}

/** A `spend` clause keeps one count per key, window, currency and scope. */
export function spendCounter(key: string, unit: WindowUnit, currency: string, per: Per): Counter {
  return { id: joinParts(['spend', key, unit, currency, per]), unit, per, label: `${key} ${currency}/${unit}` };
}

/** The counter of one agent, session or call; `scope` is undefined where all share it. */
export function scopedId(counter: Counter, scope: string | undefined): string {
  return scope === undefined ? counter.id : joinParts([counter.id, scope]);
}

/** Length-prefixed, so that no choice of names makes two lists of parts alike. */
export function joinParts(parts: readonly string[]): string {
  return parts.map((part) => `${part.length}:${part}`).join('');
}

/** A counter as people see it. Amounts as they write them; times epoch ms. */
export interface CounterStatus {
  readonly counter: string;
  readonly unit: string;
  /** The agent, session or call that it is kept for. */
  readonly scope: string | undefined;
  readonly value: string;
  readonly limit: string | undefined;
  /** The used part of the limit, 0 to 1. */
  readonly used: number | undefined;
  readonly resetsAt: number;
}
