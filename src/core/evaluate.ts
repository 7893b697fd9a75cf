/**
 * Conditions on arguments, three-valued (policy.md §4).
 * INVARIANT I2: what cannot be evaluated is unknown; the caller lets unknown fail a requirement and fire a trigger.
 */
import type { ArgCondition, ArgTest, Comparison, Segment, Truth } from './condition.ts';
import { compareDecimals, type Decimal, parseDecimal } from './decimal.ts';
import { AMBIGUOUS, compareJson, isArray, isNumber, isObject, type Json, type JsonObject, lookUp, typeOf } from './json.ts';
import { isWithin } from './within.ts';

/** How `[*]` is read: a requirement needs `every` element, a trigger (and `when`) `any`. */
export type Quantifier = 'every' | 'any';

/** Whether the condition holds for these arguments. */
export function evaluateCondition(condition: ArgCondition, args: JsonObject, quantifier: Quantifier): Truth {
  return testAt(args, condition.path.segments, 0, condition.test, quantifier);
}

/** AND as Kleene has it: false wins over unknown; nothing at all is true. */
export function evaluateAll(conditions: readonly ArgCondition[], args: JsonObject, quantifier: Quantifier): Truth {
  let all: Truth = 'true';
  for (const condition of conditions) {
    const truth = evaluateCondition(condition, args, quantifier);
    if (truth === 'false') return 'false';
    if (truth === 'unknown') all = 'unknown';
  }
  return all;
}

function testAt(value: Json, segments: readonly Segment[], depth: number, test: ArgTest, quantifier: Quantifier): Truth {
  const segment = segments[depth];
  if (!segment) return testValue(value, test);
  if (segment.kind === 'every') {
    if (!isArray(value)) return testMissing(test);
    const truths = value.map((element) => testAt(element, segments, depth + 1, test, quantifier));
    return quantifier === 'every' ? conjunction(truths) : disjunction(truths);
  }
  const next = step(value, segment);
  if (next === AMBIGUOUS) return 'unknown';
  return next === undefined ? testMissing(test) : testAt(next, segments, depth + 1, test, quantifier);
}

/** One segment down; undefined where there is nothing. Only own members of JSON objects count. */
export function step(value: Json, segment: Exclude<Segment, { kind: 'every' }>): Json | undefined | typeof AMBIGUOUS {
  if (segment.kind === 'key') return isObject(value) ? lookUp(value, segment.key) : undefined;
  return isArray(value) ? value[segment.index] : undefined;
}

function testMissing(test: ArgTest): Truth {
  return test.op === 'exists' ? truth(!test.value) : 'unknown';
}

function testValue(value: Json, test: ArgTest): Truth {
  switch (test.op) {
    case 'exists':
      return truth((value !== null) === test.value);
    case 'eq':
      return equals(value, test.value);
    case 'neq':
      return not(equals(value, test.value));
    case 'in':
      return isIn(value, test.values);
    case 'not_in':
      return not(isIn(value, test.values));
    case 'contains':
      return contains(value, test.value);
    case 'not_contains':
      return not(contains(value, test.value));
    case 'within':
      return typeof value === 'string' ? isWithin(value, test.folders) : 'unknown';
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return comparesTo(value, test.op, test.value);
    default:
      return testText(value, test);
  }
}

function testText(value: Json, test: Extract<ArgTest, { op: 'regex' | 'not_regex' | 'starts_with' | 'ends_with' }>): Truth {
  if (typeof value !== 'string') return 'unknown';
  switch (test.op) {
    case 'regex':
      return truthOf(test.matches(value));
    case 'not_regex':
      return not(truthOf(test.matches(value)));
    case 'starts_with':
      return truth(value.startsWith(test.value));
    case 'ends_with':
      return truth(value.endsWith(test.value));
  }
}

function comparesTo(value: Json, op: Comparison, bound: Decimal): Truth {
  const number = isNumber(value) ? parseDecimal(value.number) : undefined;
  return number ? truth(compares(number, op, bound)) : 'unknown';
}

/** Whether `left op right` holds. */
export function compares(left: Decimal, op: Comparison, right: Decimal): boolean {
  const order = compareDecimals(left, right);
  switch (op) {
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
  }
}

function isIn(value: Json, values: readonly Json[]): Truth {
  const type = typeOf(value);
  if (!values.some((candidate) => typeOf(candidate) === type)) return 'unknown';
  return disjunction(values.map((candidate) => truthOf(compareJson(value, candidate))));
}

/** Substring of a string, or element of a list; an element of another type is an unknown, not a different one. */
function contains(value: Json, wanted: Json): Truth {
  if (typeof value === 'string') return typeof wanted === 'string' ? truth(value.includes(wanted)) : 'unknown';
  if (!isArray(value)) return 'unknown';
  return disjunction(value.map((element) => equals(element, wanted)));
}

/** Another type is an unknown, not a different value; so is an object with a look-alike of a compared name. */
function equals(value: Json, wanted: Json): Truth {
  return typeOf(value) === typeOf(wanted) ? truthOf(compareJson(value, wanted)) : 'unknown';
}

function truthOf(equal: boolean | undefined): Truth {
  return equal === undefined ? 'unknown' : truth(equal);
}

function truth(value: boolean): Truth {
  return value ? 'true' : 'false';
}

function not(value: Truth): Truth {
  if (value === 'unknown') return 'unknown';
  return value === 'true' ? 'false' : 'true';
}

function conjunction(truths: readonly Truth[]): Truth {
  if (truths.includes('false')) return 'false';
  return truths.includes('unknown') ? 'unknown' : 'true';
}

function disjunction(truths: readonly Truth[]): Truth {
  if (truths.includes('true')) return 'true';
  return truths.includes('unknown') ? 'unknown' : 'false';
}
