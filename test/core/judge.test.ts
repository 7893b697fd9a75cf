import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type StateTest, stateCondition } from '../../src/core/condition.ts';
import { compareDecimals, MAX_MICROS, parseDecimal } from '../../src/core/decimal.ts';
import { drawnFrom, judge } from '../../src/core/judge.ts';
import type { Reservable, Step, Term } from '../../src/core/store.ts';

function reservable(
  steps: readonly Step[],
  draws: readonly [counter: number, micros: number, unlessShadow?: readonly number[]][] = [],
): Reservable {
  return {
    counters: [
      { id: 'a', unit: 'day' },
      { id: 'b', unit: 'day' },
    ],
    steps,
    draws: draws.map(([counter, micros, unlessShadow = []]) => ({ counter, micros, count: 'successes', unlessShadow })),
    hold: undefined,
    claim: undefined,
  };
}

const require = (after: number, counter = 0, shadow = false): Step => ({ kind: 'require', terms: [{ counter, after }], shadow });
const hold = (shadow = false): Step => ({ kind: 'hold', terms: [], shadow });
const denyAbove = (min: number, shadow = false): Step => ({ kind: 'deny', terms: [{ counter: 0, min }], shadow });

describe('policy.md §5.5: the store step', () => {
  test('admits exactly up to the limit (I4)', () => {
    expect(judge(reservable([require(10)], [[0, 4]]), [6, 0])).toMatchObject({ kind: 'reserve' });
    expect(judge(reservable([require(10)], [[0, 4]]), [7, 0])).toMatchObject({ kind: 'deny', step: 0, counter: 0 });
  });

  test('all draws on a counter count together', () => {
    const call = reservable(
      [require(10)],
      [
        [0, 4],
        [0, 4],
      ],
    );
    expect(drawnFrom(call, 0)).toBe(8);
    expect(judge(call, [3, 0]).kind).toBe('deny');
    expect(judge(call, [2, 0]).kind).toBe('reserve');
  });

  test('the first broken requirement names itself', () => {
    expect(
      judge(
        reservable(
          [require(10), require(1, 1)],
          [
            [0, 1],
            [1, 1],
          ],
        ),
        [0, 1],
      ),
    ).toMatchObject({ kind: 'deny', step: 1, counter: 1 });
    expect(
      judge(
        reservable(
          [require(0), require(0, 1)],
          [
            [0, 1],
            [1, 1],
          ],
        ),
        [0, 0],
      ),
    ).toMatchObject({ step: 0 });
  });

  test('deny beats hold, in either order (I1)', () => {
    expect(judge(reservable([hold(), require(0)], [[0, 1]]), [0, 0])).toMatchObject({ kind: 'deny', step: 1 });
    expect(judge(reservable([require(0), hold()], [[0, 1]]), [0, 0])).toMatchObject({ kind: 'deny', step: 0 });
    expect(judge(reservable([hold(), denyAbove(5)]), [5, 0])).toMatchObject({ kind: 'deny', step: 1 });
    expect(judge(reservable([hold(), denyAbove(5), hold()]), [4, 0])).toMatchObject({ kind: 'hold', fired: [0, 2] });
  });

  test('shadow steps are told, decide nothing, and keep back the draws that hang on them (§10)', () => {
    const call = reservable(
      [require(0, 0, true), hold(true), denyAbove(0, true)],
      [
        [0, 1, [0]],
        [1, 1],
      ],
    );
    expect(judge(call, [0, 0])).toMatchObject({ kind: 'reserve', shadow: [0, 1, 2], draws: [{ counter: 1 }] });
    expect(judge(reservable([require(9, 0, true)], [[0, 1, [0]]]), [0, 0])).toMatchObject({ shadow: [], draws: [{ counter: 0 }] });
  });

  test('no total passes what a counter can hold', () => {
    expect(judge(reservable([require(Infinity)], [[0, 1]]), [MAX_MICROS, 0]).kind).toBe('deny');
  });
});

/** The condition by exact decimals: what `termOf` has to mean. */
function holdsExactly(test: StateTest, micros: number): boolean {
  const value = parseDecimal(`${micros}e-6`);
  if (!value) throw new Error('no value');
  if ('values' in test) return test.values.some((other) => compareDecimals(value, other) === 0) === (test.op === 'in');
  const order = compareDecimals(value, test.value);
  switch (test.op) {
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'eq':
      return order === 0;
    case 'neq':
      return order !== 0;
  }
}

const bound = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom('', '.000001', '.0000005', '.5')).map(([whole, rest]) => {
  const text = `${whole}${rest}`;
  const value = parseDecimal(text);
  if (!value) throw new Error(text);
  return value;
});
const stateTest: fc.Arbitrary<StateTest> = fc.oneof(
  fc.record({
    op: fc.constantFrom('lt' as const, 'lte' as const, 'gt' as const, 'gte' as const, 'eq' as const, 'neq' as const),
    value: bound,
  }),
  fc.record({ op: fc.constantFrom('in' as const, 'not_in' as const), values: fc.array(bound, { minLength: 1, maxLength: 3 }) }),
);
const micros = fc.oneof(fc.integer({ min: 0, max: 3_500_000 }), fc.constantFrom(0, 1, 500_000, 999_999, 1_000_000, 1_000_001, 2_000_000));

/** What the step of a condition asks of the first counter. */
function termOf(test: StateTest, asLimit: boolean): Term {
  const { limit, bounds } = stateCondition('state.t.c', { id: 'a', unit: 'day', per: 'policy', label: 'c' }, test, '');
  return { ...(asLimit ? limit : bounds), counter: 0 };
}

describe('policy.md §6: conditions on counters as bounds', () => {
  test('mean what exact decimals mean, before the call', () => {
    fc.assert(
      fc.property(stateTest, micros, (test, value) => {
        const step: Step = { kind: 'require', terms: [termOf(test, false)], shadow: false };
        return (judge(reservable([step]), [value, 0]).kind === 'reserve') === holdsExactly(test, value);
      }),
      { numRuns: 1_000 },
    );
  });

  test('bounds between two millionths', () => {
    const value = parseDecimal('0.0000015');
    if (!value) throw new Error('no value');
    for (const op of ['lt', 'lte', 'gt', 'gte', 'eq', 'neq'] as const) {
      const step: Step = { kind: 'require', terms: [termOf({ op, value }, false)], shadow: false };
      const passing = [0, 1, 2, 3].filter((micros) => judge(reservable([step]), [micros, 0]).kind === 'reserve');
      expect(passing).toEqual([0, 1, 2, 3].filter((micros) => holdsExactly({ op, value }, micros)));
    }
  });

  test('lt and lte as limits hold before the call, and bound the value after it by X', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('lt' as const, 'lte' as const),
        bound,
        micros,
        fc.integer({ min: 0, max: 1_500_000 }),
        (op, value, before, drawn) => {
          const step: Step = { kind: 'require', terms: [termOf({ op, value }, true)], shadow: false };
          const expected = holdsExactly({ op, value }, before) && holdsExactly({ op: 'lte', value }, before + drawn);
          return (judge(reservable([step], [[0, drawn]]), [before, 0]).kind === 'reserve') === expected;
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('both admit exactly X calls; lt refuses a draw of nothing once X is reached', () => {
    for (const op of ['lt', 'lte'] as const) {
      const value = parseDecimal('3');
      if (!value) throw new Error('3');
      const step: Step = { kind: 'require', terms: [termOf({ op, value }, true)], shadow: false };
      let spent = 0;
      while (judge(reservable([step], [[0, 1_000_000]]), [spent, 0]).kind === 'reserve') spent += 1_000_000;
      expect(spent).toBe(3_000_000);
      expect(judge(reservable([step], [[0, 0]]), [spent, 0]).kind).toBe(op === 'lt' ? 'deny' : 'reserve');
    }
  });
});
