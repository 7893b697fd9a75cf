/** Conditions on counters as bounds on whole millionths, which a store can check without decimals (policy.md §6). */
import type { StateCondition, StateTest } from './condition.ts';
import { type Decimal, toMicros } from './decimal.ts';
import type { Term } from './store.ts';

/**
 * What the counter's value before the call has to be for the condition to hold. As a limit, `lt X` and `lte X` also
 * bound the value after the call by X, so both admit exactly X.
 */
export function termOf(condition: StateCondition, counter: number, asLimit: boolean): Term {
  const { test } = condition;
  const bounds = boundsOf(test);
  if (asLimit && (test.op === 'lt' || test.op === 'lte')) return { counter, ...bounds, after: toMicros(test.value, 'down') };
  return { counter, ...bounds };
}

function boundsOf(test: StateTest): Omit<Term, 'counter'> {
  switch (test.op) {
    case 'lt':
      return { max: toMicros(test.value, 'up') - 1 };
    case 'lte':
      return { max: toMicros(test.value, 'down') };
    case 'gt':
      return { min: toMicros(test.value, 'down') + 1 };
    case 'gte':
      return { min: toMicros(test.value, 'up') };
    case 'eq':
      return { only: wholeMicros([test.value]) };
    case 'neq':
      return { not: wholeMicros([test.value]) };
    case 'in':
      return { only: wholeMicros(test.values) };
    case 'not_in':
      return { not: wholeMicros(test.values) };
  }
}

/** A value between two millionths is one that no counter ever has. */
function wholeMicros(values: readonly Decimal[]): readonly number[] {
  return values.map((value) => toMicros(value, 'down')).filter((micros, index) => micros === toMicros(values[index] as Decimal, 'up'));
}
