/** What the instances say, and what it adds up to: no window of any counter may have more than its limit. */

/** The counters that all instances share; the month's limit is of the run. */
export const LIMITS = [{ unit: 'second' }, { unit: 'month' }] as const;

/** So many calls a second. */
export const BURST = 1_000;

export type Tally =
  | { readonly kind: 'allowed' | 'released'; readonly starts: readonly number[] }
  | { readonly kind: 'denied' }
  | { readonly kind: 'fenced' | 'failed'; readonly why: string };

export interface Sum {
  readonly add: (line: string) => void;
  readonly calls: () => number;
  readonly fenced: () => number;
  /** Why calls failed, and how often. */
  readonly failures: ReadonlyMap<string, number>;
  /** What each kind of window allowed at most, its limit, and by how much any window went over it. */
  readonly windows: () => readonly {
    readonly unit: string;
    readonly windows: number;
    readonly most: number;
    readonly limit: number;
    readonly over: number;
  }[];
}

/** Adds up. A release counts when it is begun, so that what is lost on the way never looks like a call too many. */
export function createSum(monthly: number): Sum {
  const admitted = LIMITS.map(() => new Map<number, number>());
  const failures = new Map<string, number>();
  let calls = 0;
  let fenced = 0;
  const count = (starts: readonly number[], by: number) => {
    for (const [index, windows] of admitted.entries()) {
      const start = starts[index] ?? 0;
      windows.set(start, (windows.get(start) ?? 0) + by);
    }
  };
  return {
    add(line) {
      const said = JSON.parse(line) as Tally;
      if (said.kind === 'released') return count(said.starts, -1);
      calls++;
      if (said.kind === 'allowed') count(said.starts, 1);
      if (said.kind === 'fenced') fenced++;
      if (said.kind === 'failed') failures.set(said.why, (failures.get(said.why) ?? 0) + 1);
    },
    calls: () => calls,
    fenced: () => fenced,
    failures,
    windows: () =>
      LIMITS.map(({ unit }, index) => {
        const values = [...(admitted[index]?.values() ?? [])];
        const limit = unit === 'month' ? monthly : BURST;
        const over = values.reduce((sum, value) => sum + Math.max(0, value - limit), 0);
        return { unit, windows: values.length, most: Math.max(0, ...values), limit, over };
      }),
  };
}
