/** Conditions, compiled and evaluated (policy.md §4). */
import type { Counter } from './counter.ts';
import { type Decimal, toMicros } from './decimal.ts';
import { AMBIGUOUS, isArray, isObject, type Json, type JsonObject, lookUp } from './json.ts';
import { type ArgTest, adviceFor, type CounterOperator, type Doubt, doubtOf, type Truth } from './operators.ts';
import type { Term } from './store.ts';

export type Segment =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'every' };

/** A path into the arguments, `args` itself left out. `text` is as written. */
export interface ArgPath {
  readonly text: string;
  readonly segments: readonly Segment[];
}

/** A condition on an argument. `text` is the value as written, for `explain`. */
export interface ArgCondition {
  readonly path: ArgPath;
  readonly test: ArgTest;
  readonly text: string;
}

export type StateTest =
  | { readonly op: Exclude<CounterOperator, 'in' | 'not_in'>; readonly value: Decimal }
  | { readonly op: 'in' | 'not_in'; readonly values: readonly Decimal[] };

/** A condition on a counter. Where the call draws on that counter, `lt` and `lte` of a requirement are its limit (§6). */
export interface StateCondition {
  readonly path: string;
  readonly counter: Counter;
  readonly test: StateTest;
  readonly text: string;
  /** The condition holds while the counter's value before the call is within these. */
  readonly bounds: Bounds;
  /** The same of a limit: `lt X` and `lte X` also bound the value after the call by X, so both admit exactly X. */
  readonly limit: Bounds;
}

type Bounds = Omit<Term, 'counter'>;

/** Readies a condition on a counter. */
export function stateCondition(path: string, counter: Counter, test: StateTest, text: string): StateCondition {
  const bounds = boundsOf(test);
  const limit = test.op === 'lt' || test.op === 'lte' ? { ...bounds, after: toMicros(test.value, 'down') } : bounds;
  return { path, counter, test, text, bounds, limit };
}

function boundsOf(test: StateTest): Bounds {
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

/** Says how `[*]` is read: a requirement needs `every` element, a trigger (and `when`) `any`. */
export type Quantifier = 'every' | 'any';

/** Evaluates a condition. `from` is the segment of the path that is read first. */
export function evaluateCondition(condition: ArgCondition, args: Json, quantifier: Quantifier, from = 0): Truth {
  const { test } = condition;
  const { segments } = condition.path;
  let value: Json = args;
  for (let at = from; at < segments.length; at++) {
    const segment = segments[at] as Segment;
    if (segment.kind === 'every') return evaluateElements(condition, value, quantifier, at + 1);
    const next: Json | undefined | typeof AMBIGUOUS = step(value, segment);
    if (next === AMBIGUOUS) return 'unknown';
    if (next === undefined) return test.absent;
    value = next;
  }
  return test.holds(value);
}

/** `every`: one that is false decides; `any`: one that is true does. */
function evaluateElements(condition: ArgCondition, list: Json, quantifier: Quantifier, from: number): Truth {
  if (!isArray(list)) return condition.test.absent;
  const decides: Truth = quantifier === 'every' ? 'false' : 'true';
  let all: Truth = quantifier === 'every' ? 'true' : 'false';
  for (const element of list) {
    const truth = evaluateCondition(condition, element, quantifier, from);
    if (truth === decides) return truth;
    if (truth === 'unknown') all = 'unknown';
  }
  return all;
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

/** One segment down; undefined where there is nothing. Only own members of JSON objects count. */
function step(value: Json, segment: Exclude<Segment, { kind: 'every' }>): Json | undefined | typeof AMBIGUOUS {
  if (segment.kind === 'key') return isObject(value) ? lookUp(value, segment.key) : undefined;
  return isArray(value) ? value[segment.index] : undefined;
}

/** The one value at a path without `[*]`, or undefined; also where a key on the way has a look-alike. */
export function valueAt(path: ArgPath, args: JsonObject): Json | undefined {
  let value: Json | undefined = args;
  for (const segment of path.segments) {
    if (value === undefined || segment.kind === 'every') return undefined;
    const next: Json | undefined | typeof AMBIGUOUS = step(value, segment);
    if (next === AMBIGUOUS) return undefined;
    value = next;
  }
  return value;
}

/** Says why a condition is unknown, of the first value that makes it so; undefined where none does. */
export function whyUnknown(condition: ArgCondition, args: Json): Doubt | undefined {
  return doubtAt(condition, args, 0, 'args');
}

/** `place` is what was walked of the path, as the policy would write it. */
function doubtAt(condition: ArgCondition, value: Json, from: number, place: string): Doubt | undefined {
  const { path, test } = condition;
  const segment = path.segments[from];
  if (!segment) return test.holds(value) === 'unknown' ? placed(doubtOf(test, value, place), place, path) : undefined;
  if (segment.kind === 'every') return doubtOfElements(condition, value, from + 1, place);
  const at = `${place}${renderSegment(segment)}`;
  const next = step(value, segment);
  if (next === AMBIGUOUS) return { why: `another argument is spelt almost like ${at}`, advice: `Send ${at} once, spelt so.` };
  if (next !== undefined) return doubtAt(condition, next, from + 1, at);
  if (test.absent !== 'unknown') return undefined;
  const whole = `${at}${path.segments
    .slice(from + 1)
    .map(renderSegment)
    .join('')}`;
  return { why: `${whole} is absent`, advice: adviceFor(test, whole) };
}

function doubtOfElements(condition: ArgCondition, list: Json, from: number, place: string): Doubt | undefined {
  if (!isArray(list))
    return condition.test.absent === 'unknown' ? { why: `${place} is not a list`, advice: `Send ${place} as a list.` } : undefined;
  for (const [index, element] of list.entries()) {
    const doubt = doubtAt(condition, element, from, `${place}[${index}]`);
    if (doubt) return doubt;
  }
  return undefined;
}

/** Of a list it says which element. */
function placed(doubt: Doubt, place: string, { segments }: ArgPath): Doubt {
  const isOfMany = segments.some(({ kind }) => kind === 'every') && !doubt.why.includes(place);
  return isOfMany ? { ...doubt, why: `of ${place}, ${doubt.why}` } : doubt;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

function renderSegment(segment: Segment): string {
  if (segment.kind === 'every') return '[*]';
  if (segment.kind === 'index') return `[${segment.index}]`;
  return PLAIN_KEY.test(segment.key) ? `.${segment.key}` : `[${JSON.stringify(segment.key)}]`;
}
