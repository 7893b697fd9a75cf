/** Checks one value by the keywords of a JSON Schema, without what they lead to. Work is charged before it is done. */
import { compareDecimals, type Decimal, parseDecimal } from '../../core/decimal.ts';
import { canonicalText } from '../../core/fingerprint.ts';
import { compareJson, isArray, isNumber, isObject, type Json, typeOf } from '../../core/json.ts';
import { type Matcher, UnjudgeableError, type Work } from './regex.ts';
import type { AllowedValues, BoundKeyword, CountKeyword } from './schema-node.ts';

/** One check: its budget, and what measuring values has found. */
export interface Run {
  readonly work: Work;
  readonly weights: WeakMap<object, number>;
}

/** True where it is of the type; 1.0 is an integer. */
export function isOfType(value: Json, type: string, run: Run): boolean {
  if (type !== 'integer') return typeOf(value) === type;
  if (!isNumber(value)) return false;
  const decimal = decimalOf(value.number, run);
  return decimal.digits.length <= decimal.point || decimal.digits === '';
}

/** True where a pattern is found in a text. */
export function matches(matcher: Matcher, text: string, { work }: Run): boolean {
  return matcher.matchesWithin(text, work);
}

/** The exact value of a number. */
export function decimalOf(text: string, { work }: Run): Decimal {
  work.charge(3 + (text.length >> 3));
  const decimal = parseDecimal(text);
  if (!decimal) throw inexact(text);
  return decimal;
}

function inexact(text: string): UnjudgeableError {
  return new UnjudgeableError(`the number ${text.slice(0, 40)} can not be judged exactly`);
}

/** True where a number keeps to a bound. */
export function isWithinBound(value: Decimal, keyword: BoundKeyword, limit: Decimal): boolean {
  const order = compareDecimals(value, limit);
  if (order === 0) return keyword === 'minimum' || keyword === 'maximum';
  return order > 0 === (keyword === 'minimum' || keyword === 'exclusiveMinimum');
}

/** Digits that BigInt divides in microseconds. */
const MAX_DIGITS = 2_000;

/** True where one number is a multiple of another: both as whole numbers of the smaller one's last place. */
export function isMultiple(value: Decimal, divisor: Decimal, { work }: Run): boolean {
  const place = Math.min(lastPlace(value), lastPlace(divisor));
  const digits = Math.max(value.point, divisor.point) - place;
  if (digits > MAX_DIGITS) throw inexact(`0.${value.digits}e${value.point}`);
  work.charge(digits >> 1);
  return value.digits === '' || wholeAt(value, place) % wholeAt(divisor, place) === 0n;
}

function lastPlace(value: Decimal): number {
  return value.point - value.digits.length;
}

function wholeAt(value: Decimal, place: number): bigint {
  return BigInt(value.digits) * 10n ** BigInt(lastPlace(value) - place);
}

/** True where there are so many characters, items or members; a value that has none of them passes. */
export function isCounted(value: Json, keyword: CountKeyword, limit: number, run: Run): boolean {
  const what = keyword.slice(3);
  const size = what === 'Length' ? lengthOf(value, run) : what === 'Items' ? isArray(value) && value.length : isObject(value) && value.size;
  if (size === false) return true;
  return keyword.startsWith('min') ? size >= limit : size <= limit;
}

/** In code points, as the specification counts. */
function lengthOf(value: Json, { work }: Run): number | false {
  if (typeof value !== 'string') return false;
  work.charge(value.length >> 3);
  let length = value.length;
  for (let at = 0; at < value.length - 1; at++) {
    const isPair = (value.charCodeAt(at) & 0xfc00) === 0xd800 && (value.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
    if (isPair) length--;
  }
  return length;
}

/** True where it is one of the values. */
export function isAmong(value: Json, { texts, others, structured }: AllowedValues, run: Run): boolean {
  if (typeof value === 'string') {
    run.work.charge(value.length >> 5);
    return texts.has(value);
  }
  if (!isArray(value) && !isObject(value)) {
    run.work.charge(isNumber(value) ? 2 + (value.number.length >> 3) : 1);
    return others.has(canonicalText(value));
  }
  let unknown = false;
  for (const candidate of structured) {
    // The keys of both are folded, each time.
    run.work.charge(10 + 4 * (weightOf(value, run) + weightOf(candidate, run)));
    const equal = compareJson(value, candidate);
    if (equal) return true;
    unknown ||= equal === undefined;
  }
  if (unknown) throw new UnjudgeableError('a key is spelt almost like one that the schema compares with');
  return false;
}

const ASCII = /^[!-~]*$/;

/** Costs the folding of a key: what is not ASCII is normalised, and may grow eighteenfold. */
export function keyWork(key: string): number {
  return ASCII.test(key) ? 1 + (key.length >> 2) : 20 + 8 * key.length;
}

/** About how many values and pieces of text there are in a value. */
export function weightOf(value: Json, run: Run): number {
  if (typeof value === 'string') return 1 + (value.length >> 4);
  if (value === null || typeof value !== 'object') return 1;
  if (isNumber(value)) return 1 + (value.number.length >> 4);
  const known = run.weights.get(value);
  if (known !== undefined) return known;
  let weight = 2;
  if (isArray(value)) for (const item of value) weight += weightOf(item, run);
  else if (isObject(value)) for (const [key, member] of value) weight += 2 + (keyWork(key) >> 2) + weightOf(member, run);
  run.work.charge(isArray(value) ? value.length : isObject(value) ? value.size : 0);
  run.weights.set(value, weight);
  return weight;
}
