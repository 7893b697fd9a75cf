/**
 * The operators of conditions (policy.md §4), one row each: the checker, the published schema, the compiler, the warnings
 * and the evaluation all read this table.
 * INVARIANT I2: what cannot be evaluated is unknown; the caller lets unknown fail a requirement and fire a trigger.
 */
import { compareDecimals, type Decimal, LONGEST_NUMBER, parseDecimal } from './decimal.ts';
import { compareJson, isArray, isNumber, type Json, type JsonType, typeOf } from './json.ts';
import { isWithin, LONGEST_PATH, pathDoubt } from './within.ts';

/** Kleene's three values. */
export type Truth = 'true' | 'false' | 'unknown';

/** An operator compares with one of these, by its kind. */
export interface Operands {
  readonly any: Json;
  readonly list: readonly Json[];
  readonly number: Decimal;
  readonly text: string;
  readonly pattern: Pattern;
  readonly folders: readonly string[];
  readonly boolean: boolean;
}

/** A compiled pattern. `matches` is undefined where that takes too much work. */
export interface Pattern {
  readonly matches: (text: string) => boolean | undefined;
}

interface Row<Kind extends keyof Operands> {
  readonly operand: Kind;
  readonly test: (operand: Operands[Kind]) => (value: Json) => Truth;
  /** The types of the values that it can judge. */
  readonly judges: (operand: Operands[Kind]) => readonly JsonType[];
  /** Names what it judges, where that is more than a type. */
  readonly wants?: string;
  /** Why a value of such a type is unknown. */
  readonly doubt?: (value: Json, place: string) => Doubt;
  /** Judges an argument that is not there; unknown where it is missing. */
  readonly absent?: (operand: Operands[Kind]) => Truth;
  /** The only type of values that it can be true of. */
  readonly of?: 'text' | 'number';
  /** Counters take it, too. */
  readonly counters?: true;
  /** It is true of no other values than those it is given. */
  readonly lists?: true;
  /** It bounds a number. */
  readonly bound?: Bounding;
  /** It says how a text begins or ends. */
  readonly fixes?: 'start' | 'end';
  /** Characters from which on a value is unknown, and what is not done with more of them. */
  readonly longest?: { readonly characters: number; readonly why: string };
}

/** Why a condition is unknown, in words for people, and what the agent can send instead. */
export interface Doubt {
  readonly why: string;
  readonly advice: string;
}

interface Bounding {
  readonly side: 'above' | 'below';
  readonly strict: boolean;
}

/** A row of any kind of operand. */
export type OperatorRow = { readonly [Kind in keyof Operands]: Row<Kind> }[keyof Operands];

/** Characters of the longest text that a pattern is tried on, and of the longest that is searched: 40 ms of the slower engine. */
const LONGEST_TRIED = { characters: 500_000, why: 'which a pattern is not tried on' };
const LONGEST_SEARCHED = { characters: 5_000_000, why: 'which are not searched' };
const NUMBER = { characters: LONGEST_NUMBER, why: 'which no number is read from' };
const PATH = { characters: LONGEST_PATH, why: 'which no path has' };

const [LT, LTE]: readonly [Bounding, Bounding] = [
  { side: 'below', strict: true },
  { side: 'below', strict: false },
];
const [GT, GTE]: readonly [Bounding, Bounding] = [
  { side: 'above', strict: true },
  { side: 'above', strict: false },
];

const sameType = (wanted: Json) => [typeOf(wanted)];
const sameTypes = (values: readonly Json[]) => [...new Set(values.map(typeOf))];
const holders = (wanted: Json): readonly JsonType[] => (typeof wanted === 'string' ? ['string', 'array'] : ['array']);
const numbers = (): readonly JsonType[] => ['number'];
const texts = (): readonly JsonType[] => ['string'];

const EQUAL = { operand: 'any', judges: sameType, doubt: keyDoubt, counters: true, longest: NUMBER } as const;
const LISTED = { operand: 'list', judges: sameTypes, doubt: keyDoubt, counters: true, longest: NUMBER } as const;
const COMPARED = { operand: 'number', judges: numbers, doubt: exponentDoubt, of: 'number', counters: true, longest: NUMBER } as const;
const TRIED = { operand: 'pattern', judges: texts, doubt: effortDoubt, of: 'text', longest: LONGEST_TRIED } as const;
const HELD = { operand: 'any', judges: holders, doubt: elementDoubt, longest: LONGEST_SEARCHED } as const;
const FIXED = { operand: 'text', judges: texts, of: 'text' } as const;

export const OPERATORS = {
  eq: { ...EQUAL, test: equals, lists: true },
  neq: { ...EQUAL, test: (value: Json) => not(equals(value)) },
  in: { ...LISTED, test: isIn, lists: true },
  not_in: { ...LISTED, test: (values: readonly Json[]) => not(isIn(values)) },
  lt: { ...COMPARED, test: (value: Decimal) => compares(LT, value), bound: LT },
  lte: { ...COMPARED, test: (value: Decimal) => compares(LTE, value), bound: LTE },
  gt: { ...COMPARED, test: (value: Decimal) => compares(GT, value), bound: GT },
  gte: { ...COMPARED, test: (value: Decimal) => compares(GTE, value), bound: GTE },
  regex: { ...TRIED, test: matches },
  not_regex: { ...TRIED, test: (pattern: Pattern) => not(matches(pattern)) },
  contains: { ...HELD, test: contains },
  not_contains: { ...HELD, test: (wanted: Json) => not(contains(wanted)) },
  starts_with: { ...FIXED, test: (start: string) => ofText((text) => text.startsWith(start)), fixes: 'start' },
  ends_with: { ...FIXED, test: (end: string) => ofText((text) => text.endsWith(end)), fixes: 'end' },
  within: { operand: 'folders', judges: texts, wants: 'an absolute path', doubt: pathDoubt, test: liesIn, of: 'text', longest: PATH },
  exists: {
    operand: 'boolean',
    judges: (wanted) => (wanted ? ['string', 'number', 'boolean', 'array', 'object'] : ['null']),
    test: (wanted) => (value) => truth((value !== null) === wanted),
    absent: (wanted) => truth(!wanted),
  },
} as const satisfies Readonly<Record<string, OperatorRow>>;

export type Operator = keyof typeof OPERATORS;

/** The operators that counters take. */
export type CounterOperator = {
  readonly [Op in Operator]: (typeof OPERATORS)[Op] extends { readonly counters: true } ? Op : never;
}[Operator];

/** Answers whether there is such an operator. */
export function isOperator(op: string): op is Operator {
  return Object.hasOwn(OPERATORS, op);
}

/** Answers whether counters take the operator. */
export function isCounterOperator(op: string): op is CounterOperator {
  return isOperator(op) && 'counters' in OPERATORS[op];
}

interface TestOf<Kind extends keyof Operands> {
  readonly op: Operator;
  readonly operand: Kind;
  readonly value: Operands[Kind];
  readonly holds: (value: Json) => Truth;
  readonly absent: Truth;
  readonly judged: readonly JsonType[];
}

/** An operator with what it compares with. */
export type ArgTest = { readonly [Kind in keyof Operands]: TestOf<Kind> }[keyof Operands];

/** Gives an operator what it compares with. */
export function makeTest<Kind extends keyof Operands>(op: Operator, row: Row<Kind>, value: Operands[Kind]): TestOf<Kind> {
  const { operand, test, absent, judges } = row;
  return { op, operand, value, holds: test(value), absent: absent?.(value) ?? 'unknown', judged: judges(value) };
}

/** Says why nothing is known of a value that stands at `place`. */
export function doubtOf({ op, judged }: ArgTest, value: Json, place: string): Doubt {
  const { longest, doubt, wants }: OperatorRow = OPERATORS[op];
  const tooLong = whyTooLong(longest, value);
  if (tooLong !== undefined) return { why: tooLong, advice: `Send less in ${place}.` };
  const isJudged = judged.includes(typeOf(value));
  if (isJudged && doubt) return doubt(value, place);
  return { why: `${place} is ${NOUNS[typeOf(value)]}, not ${wants ?? nounsOf(judged)}`, advice: adviceFor({ op, judged }, place) };
}

/** Says what to send where a condition looks. */
export function adviceFor({ op, judged }: Pick<ArgTest, 'op' | 'judged'>, place: string): string {
  const { wants }: OperatorRow = OPERATORS[op];
  return `Send ${place} as ${wants ?? nounsOf(judged)}.`;
}

const NOUNS: Readonly<Record<JsonType, string>> = {
  null: 'null',
  boolean: 'true or false',
  string: 'text',
  number: 'a number',
  array: 'a list',
  object: 'an object',
};

function nounsOf(types: readonly JsonType[]): string {
  return types.map((type) => NOUNS[type]).join(' or ');
}

function whyTooLong(longest: OperatorRow['longest'], value: Json): string | undefined {
  const length = typeof value === 'string' ? value.length : isNumber(value) ? value.number.length : 0;
  if (!longest || length <= longest.characters || (longest === NUMBER && typeof value === 'string')) return undefined;
  return `it is longer than ${longest.characters} characters, ${longest.why}`;
}

/** A comparison that knows the type and not the answer met a key that two readers may take differently. */
function keyDoubt(_: Json, place: string): Doubt {
  return { why: `a key in ${place} is spelt almost like one that is compared`, advice: `Spell the keys in ${place} exactly.` };
}

function elementDoubt(_: Json, place: string): Doubt {
  return {
    why: `${place} has an element of another type than what is looked for`,
    advice: `Send elements of one type in ${place}.`,
  };
}

function exponentDoubt(_: Json, place: string): Doubt {
  return { why: `${place} is a number with an exponent that is not compared`, advice: `Write ${place} without an exponent.` };
}

function effortDoubt(_: Json, place: string): Doubt {
  return { why: `the pattern takes too much work on ${place}`, advice: `Send less in ${place}.` };
}

/** Another type is an unknown, not a different value; so is an object with a look-alike of a compared name. */
function equals(wanted: Json): (value: Json) => Truth {
  const type = typeOf(wanted);
  return (value) => (typeOf(value) === type ? truthOf(compareJson(value, wanted)) : 'unknown');
}

function isIn(values: readonly Json[]): (value: Json) => Truth {
  const types = new Set(values.map(typeOf));
  const texts = new Set(values.filter((value) => typeof value === 'string'));
  const others = values.filter((value) => typeof value !== 'string');
  let longest = 0;
  for (const text of texts) longest = Math.max(longest, text.length);
  return (value) => {
    // A text that is longer than all of them is not hashed.
    if (typeof value === 'string') return texts.size === 0 ? 'unknown' : truth(value.length <= longest && texts.has(value));
    return types.has(typeOf(value)) ? isAny(others, (candidate) => compareJson(value, candidate)) : 'unknown';
  };
}

/** True where one is equal, and unknown where one may be. */
function isAny(values: readonly Json[], isEqual: (value: Json) => boolean | undefined): Truth {
  let found: Truth = 'false';
  for (const value of values) {
    const equal = isEqual(value);
    if (equal) return 'true';
    if (equal === undefined) found = 'unknown';
  }
  return found;
}

/** Substring of a string, or element of a list; an element of another type is an unknown, not a different one. */
function contains(wanted: Json): (value: Json) => Truth {
  const type = typeOf(wanted);
  return (value) => {
    if (typeof value === 'string')
      return typeof wanted === 'string' && value.length <= LONGEST_SEARCHED.characters ? truth(value.includes(wanted)) : 'unknown';
    if (!isArray(value)) return 'unknown';
    return isAny(value, (element) => (typeOf(element) === type ? compareJson(element, wanted) : undefined));
  };
}

const SMALL = /^-?\d{1,15}$/;

/** Compares exactly. Most amounts are whole and small: doubles are as exact for those. */
function compares({ side, strict }: Bounding, bound: Decimal): (value: Json) => Truth {
  const small = smallOf(bound);
  return (value) => {
    if (!isNumber(value)) return 'unknown';
    let order: number;
    if (small !== undefined && SMALL.test(value.number)) order = Number(value.number) - small;
    else {
      const decimal = parseDecimal(value.number);
      if (!decimal) return 'unknown';
      order = compareDecimals(decimal, bound);
    }
    return truth(order === 0 ? !strict : order < 0 === (side === 'below'));
  };
}

/** A whole number of no more than fifteen digits. */
function smallOf({ negative, digits, point }: Decimal): number | undefined {
  if (digits === '') return 0;
  if (digits.length > point || point > 15) return undefined;
  return Number(digits.padEnd(point, '0')) * (negative ? -1 : 1);
}

function matches(pattern: Pattern): (value: Json) => Truth {
  return (value) => (typeof value === 'string' && value.length <= LONGEST_TRIED.characters ? truthOf(pattern.matches(value)) : 'unknown');
}

function ofText(test: (text: string) => boolean): (value: Json) => Truth {
  return (value) => (typeof value === 'string' ? truth(test(value)) : 'unknown');
}

function liesIn(folders: readonly string[]): (value: Json) => Truth {
  return (value) => (typeof value === 'string' ? truthOf(isWithin(value, folders)) : 'unknown');
}

function not(test: (value: Json) => Truth): (value: Json) => Truth {
  return (value) => {
    const found = test(value);
    if (found === 'unknown') return 'unknown';
    return found === 'true' ? 'false' : 'true';
  };
}

function truthOf(holds: boolean | undefined): Truth {
  return holds === undefined ? 'unknown' : holds ? 'true' : 'false';
}

function truth(holds: boolean): Truth {
  return holds ? 'true' : 'false';
}
