/** Whether some value satisfies all tests (policy.md §14). Says no only where that is certain. */
import type { ArgTest, StateTest } from '../../core/condition.ts';
import { compareDecimals, type Decimal, parseDecimal } from '../../core/decimal.ts';
import { evaluateCondition } from '../../core/evaluate.ts';
import { isNumber, type Json } from '../../core/json.ts';

/** Whether one argument can pass all of these tests. */
export function isSatisfiable(tests: readonly ArgTest[]): boolean {
  // What does not exist is absent or null; nothing but `exists` is true of the absent.
  if (tests.some((test) => test.op === 'exists' && !test.value)) return tests.every((test) => passes(null, test));
  if (wantsTwoTypes(tests) || !textsAgree(tests)) return false;
  const candidates = candidatesOf(tests);
  if (candidates) return candidates.some((value) => tests.every((test) => passes(value, test)));
  return boundsAgree(tests.flatMap(boundsOfArg));
}

/** Whether one counter can pass all of these tests. */
export function isCounterSatisfiable(tests: readonly StateTest[]): boolean {
  return boundsAgree(tests.flatMap(boundsOfState));
}

/** The values of the shortest list that must hold one; undefined where nothing lists them. */
function candidatesOf(tests: readonly ArgTest[]): readonly Json[] | undefined {
  const lists = tests.flatMap((test) => (test.op === 'eq' ? [[test.value]] : test.op === 'in' ? [test.values] : []));
  return lists.sort((a, b) => a.length - b.length)[0];
}

function passes(value: Json, test: ArgTest): boolean {
  const path = { text: 'args.value', segments: [{ kind: 'key', key: 'value' }] } as const;
  return evaluateCondition({ path, test, text: '' }, new Map([['value', value]]), 'every') === 'true';
}

function wantsTwoTypes(tests: readonly ArgTest[]): boolean {
  const number = tests.some(({ op }) => op === 'lt' || op === 'lte' || op === 'gt' || op === 'gte');
  const text = tests.some(
    ({ op }) => op === 'regex' || op === 'not_regex' || op === 'starts_with' || op === 'ends_with' || op === 'within',
  );
  return number && text;
}

/** Of two beginnings of one text, one begins with the other. */
function textsAgree(tests: readonly ArgTest[]): boolean {
  const starts = tests.flatMap((test) => (test.op === 'starts_with' ? [test.value] : []));
  const ends = tests.flatMap((test) => (test.op === 'ends_with' ? [test.value] : []));
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
  if (test.op === 'eq') return isNumber(test.value) ? exactly(parseDecimal(test.value.number)) : [];
  return isComparison(test) ? [boundOf(test)] : [];
}

function boundsOfState(test: StateTest): readonly Bound[] {
  if (test.op === 'eq') return exactly(test.value);
  return isComparison(test) ? [boundOf(test)] : [];
}

type Comparing = { readonly op: 'lt' | 'lte' | 'gt' | 'gte'; readonly value: Decimal };

function isComparison(test: ArgTest | StateTest): test is Comparing {
  return test.op === 'lt' || test.op === 'lte' || test.op === 'gt' || test.op === 'gte';
}

function boundOf({ op, value }: Comparing): Bound {
  return { side: op === 'gt' || op === 'gte' ? 'above' : 'below', value, strict: op === 'lt' || op === 'gt' };
}

function exactly(value: Decimal | undefined): readonly Bound[] {
  if (!value) return [];
  return [
    { side: 'above', value, strict: false },
    { side: 'below', value, strict: false },
  ];
}
