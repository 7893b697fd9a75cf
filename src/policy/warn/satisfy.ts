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

const PATHS = new Set('path paths file files filename filepath dir directory folder cwd root'.split(' '));
const HOSTS = new Set('host hostname url uri domain endpoint origin'.split(' '));

/** Guesses from an argument's name what it holds. */
export function placeOf(name: string): 'path' | 'host' | undefined {
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/);
  const last = words.at(-1) ?? '';
  if (PATHS.has(last)) return 'path';
  return HOSTS.has(last) ? 'host' : undefined;
}

/** A path is known by its start, a host by both ends; in every alternative. */
export function isAnchored(pattern: string, place: 'path' | 'host'): boolean {
  return splitAlternatives(pattern.replace(/^\(\?[a-zA-Z]+\)/, '')).every(
    (one) => STARTS_ANCHORED.test(one) && (place === 'path' || endsAnchored(one)),
  );
}

const STARTS_ANCHORED = /^(?:\((?:\?:)?)*(?:\^|\\A)/;

function endsAnchored(pattern: string): boolean {
  const ends = /(\\*)(?:\$|\\z)\)*$/.exec(pattern);
  return ends !== null && (ends[1] ?? '').length % 2 === 0;
}

/** `a|(b|c)` is `a` and `(b|c)`: only the outermost bars part the pattern. */
function splitAlternatives(pattern: string): readonly string[] {
  const parts: string[] = [''];
  let depth = 0;
  let inClass = false;
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern.charAt(index);
    const taken = char === '\\' ? pattern.slice(index, ++index + 1) : char;
    if (taken === '[') inClass = true;
    else if (taken === ']') inClass = false;
    else if (taken === '(' && !inClass) depth++;
    else if (taken === ')' && !inClass) depth--;
    if (taken === '|' && depth === 0 && !inClass) parts.push('');
    else parts[parts.length - 1] += taken;
  }
  return parts;
}
