/** A fresh store for each test, on a clock that the test moves. */
import { afterEach, beforeEach } from 'bun:test';
import type { Records, Store } from '../../src/core/store.ts';
import type { WindowUnit } from '../../src/core/window.ts';
import { type Clock, clockAt, counter, kinds, limited } from './calls.ts';

/** `dispose` closes the store and removes what it left. */
export interface Fixture {
  readonly store: Store & Records;
  readonly dispose: () => Promise<void>;
}

/** Bytes that stored results may take in these stores. */
export const MAX_RESULTS = 3_145_728;

export type OpenFixture = (clock: Clock) => Promise<Fixture>;

/** What the tests of one `describe` share; `store` and `clock` are those of the running test. */
export interface Bench {
  readonly store: Store & Records;
  readonly clock: Clock;
  /** Asks for one amount after the other on a counter with this limit; the verdicts' kinds. */
  admitted(max: number, amounts: readonly number[]): Promise<string>;
  countOf(id: string, unit?: WindowUnit): Promise<number | undefined>;
}

export function useStore(open: OpenFixture): Bench {
  let clock: Clock;
  let fixture: Fixture;
  beforeEach(async () => {
    clock = clockAt('2026-03-04T10:30:15.500Z');
    fixture = await open(clock);
  });
  afterEach(() => fixture.dispose());
  return {
    get store() {
      return fixture.store;
    },
    get clock() {
      return clock;
    },
    async admitted(max, amounts) {
      const answers = [];
      for (const amount of amounts) answers.push(...(await fixture.store.reserve([limited([counter('c')], max, amount)])));
      return kinds(answers);
    },
    countOf: async (id, unit = 'day') => (await fixture.store.read([counter(id, unit)]))[0]?.micros,
  };
}
