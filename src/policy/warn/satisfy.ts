/** Judges whether some value satisfies all tests (policy.md §14). Says no only where that is certain. */
import type { StateTest } from '../../core/condition.ts';
import { compareDecimals, type Decimal, parseDecimal } from '../../core/decimal.ts';
import { isNumber, type Json } from '../../core/json.ts';
import { type ArgTest, OPERATORS, type OperatorRow } from '../../core/operators.ts';

/** True where one argument can pass all of these tests. */
export function isSatisfiable(tests: readonly ArgTest[]): boolean {
  // What does not exist is absent or null; nothing but `exists` is true of the absent.
  if (tests.some(({ absent }) => absent === 'true')) return tests.every((test) => test.holds(null) === 'true');
  if (wantsTwoTypes(tests) || !textsAgree(tests)) return false;
  const candidates = candidatesOf(tests);
  if (candidates) return candidates.some((value) => tests.every((test) => test.holds(value) === 'true'));
  return boundsAgree(tests.flatMap(boundsOfArg));
}

/** True where one counter can pass all of these tests. */
export function isCounterSatisfiable(tests: readonly StateTest[]): boolean {
  return boundsAgree(tests.flatMap(boundsOfState));
}

/** The values of the shortest list that must hold one; undefined where nothing lists them. */
function candidatesOf(tests: readonly ArgTest[]): readonly Json[] | undefined {
  const lists = tests.flatMap((test) => {
    if (!rowOf(test).lists) return [];
    return test.operand === 'any' ? [[test.value]] : test.operand === 'list' ? [test.value] : [];
  });
  return lists.sort((a, b) => a.length - b.length)[0];
}

function rowOf({ op }: ArgTest | StateTest): OperatorRow {
  return OPERATORS[op];
}

function wantsTwoTypes(tests: readonly ArgTest[]): boolean {
  const types = new Set(tests.map((test) => rowOf(test).of).filter((type) => type !== undefined));
  return types.size > 1;
}

/** Of two beginnings of one text, one begins with the other. */
function textsAgree(tests: readonly ArgTest[]): boolean {
  const fixedAt = (end: 'start' | 'end') =>
    tests.flatMap((test) => (test.operand === 'text' && rowOf(test).fixes === end ? [test.value] : []));
  const starts = fixedAt('start');
  const ends = fixedAt('end');
  const startsFit = starts.every((a) => starts.every((b) => a.startsWith(b) || b.startsWith(a)));
  return startsFit && ends.every((a) => ends.every((b) => a.endsWith(b) || b.endsWith(a)));
}

interface Bound {
  readonly side: 'above' | 'below';
  readonly value: Decimal;
  readonly strict: boolean;
}

function boundsAgree(bounds: readonly Bound[]): boolean {
  const above = bounds.filter(({ side }) => side === 'above');
  const below = bounds.filter(({ side }) => side === 'below');
  return above.every((low) =>
    below.every((high) => {
      const order = compareDecimals(low.value, high.value);
      return order < 0 || (order === 0 && !low.strict && !high.strict);
    }),
  );
}

function boundsOfArg(test: ArgTest): readonly Bound[] {
  const { bound, lists } = rowOf(test);
  if (test.operand === 'number') return bound ? [{ ...bound, value: test.value }] : [];
  return lists && test.operand === 'any' && isNumber(test.value) ? exactly(parseDecimal(test.value.number)) : [];
}

function boundsOfState(test: StateTest): readonly Bound[] {
  if ('values' in test) return [];
  const { bound, lists } = rowOf(test);
  return bound ? [{ ...bound, value: test.value }] : lists ? exactly(test.value) : [];
}

function exactly(value: Decimal | undefined): readonly Bound[] {
  if (!value) return [];
  return [
    { side: 'above', value, strict: false },
    { side: 'below', value, strict: false },
  ];
}
