/** Conditions, compiled (policy.md §4). `evaluate.ts` evaluates them. */
import type { Counter } from './counter.ts';
import type { Decimal } from './decimal.ts';
import type { Json } from './json.ts';

/** Kleene's three values. */
export type Truth = 'true' | 'false' | 'unknown';

export type Segment =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'every' };

/** A path into the arguments, `args` itself left out. `text` is as written. */
export interface ArgPath {
  readonly text: string;
  readonly segments: readonly Segment[];
}

export type Comparison = 'lt' | 'lte' | 'gt' | 'gte';

export type ArgTest =
  | { readonly op: 'eq' | 'neq' | 'contains' | 'not_contains'; readonly value: Json }
  | { readonly op: 'in' | 'not_in'; readonly values: readonly Json[] }
  | { readonly op: Comparison; readonly value: Decimal }
  /** `matches` is undefined for a text that is too long for this pattern. */
  | { readonly op: 'regex' | 'not_regex'; readonly matches: (text: string) => boolean | undefined }
  | { readonly op: 'starts_with' | 'ends_with'; readonly value: string }
  | { readonly op: 'within'; readonly folders: readonly string[] }
  | { readonly op: 'exists'; readonly value: boolean };

/** A condition on an argument. `text` is the value as written, for `explain`. */
export interface ArgCondition {
  readonly path: ArgPath;
  readonly test: ArgTest;
  readonly text: string;
}

export type StateTest =
  | { readonly op: Comparison | 'eq' | 'neq'; readonly value: Decimal }
  | { readonly op: 'in' | 'not_in'; readonly values: readonly Decimal[] };

/** A condition on a counter. Where the call draws on that counter, `lt` and `lte` of a requirement are its limit (§6). */
export interface StateCondition {
  readonly path: string;
  readonly counter: Counter;
  readonly test: StateTest;
  readonly text: string;
}
