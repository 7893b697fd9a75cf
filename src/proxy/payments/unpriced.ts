/** Calls that succeeded and whose price nobody knows (policy.md §8): warned of once. */

export interface Unpriced {
  /** Whether it is the first time. */
  first(): boolean;
}

/** None yet. */
export function createUnpriced(): Unpriced {
  let seen = false;
  return {
    first() {
      const first = !seen;
      seen = true;
      return first;
    },
  };
}
