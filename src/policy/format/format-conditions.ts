/** Conditions (policy.md §4): the operators, and what each compares with. */
import { ARGUMENT_PATH, STATE_PATH } from './format-values.ts';
import type { Shape } from './shape.ts';

/** The scope of `"*"` in state paths; no tool may have this name. */
export const STATE_KEY = '_global';

const NUMBER: Shape = { kind: 'number', min: undefined, max: undefined };
const TEXT: Shape = { kind: 'text', expected: 'a text' };
const ANY: Shape = { kind: 'any' };
const PATTERN: Shape = { kind: 'text', expected: 'an RE2 pattern' };
const FOLDER: Shape = { kind: 'text', expected: 'an absolute folder such as /app/src', pattern: /^(?:\/(?!\/)|[A-Za-z]:[\\/])[^%\0]*$/ };

/** What stands under `value`, by operator. */
export const OPERATORS = {
  eq: ANY,
  neq: ANY,
  in: { kind: 'list', of: ANY, min: 1 },
  not_in: { kind: 'list', of: ANY, min: 1 },
  lt: NUMBER,
  lte: NUMBER,
  gt: NUMBER,
  gte: NUMBER,
  regex: PATTERN,
  not_regex: PATTERN,
  contains: ANY,
  not_contains: ANY,
  starts_with: TEXT,
  ends_with: TEXT,
  within: { kind: 'either', of: [FOLDER, { kind: 'list', of: FOLDER, min: 1 }] },
  exists: { kind: 'boolean' },
} as const satisfies Readonly<Record<string, Shape>>;

/** What `state` takes: numbers alone. */
export const STATE_OPERATORS = {
  eq: NUMBER,
  neq: NUMBER,
  in: { kind: 'list', of: NUMBER, min: 1 },
  not_in: { kind: 'list', of: NUMBER, min: 1 },
  lt: NUMBER,
  lte: NUMBER,
  gt: NUMBER,
  gte: NUMBER,
} as const satisfies Readonly<Record<string, Shape>>;

export type Operator = keyof typeof OPERATORS;

/** `path` says which table of operators holds. */
export const CONDITION = condition(
  'a path such as args.amount or state.create_refund.daily_total',
  new RegExp(`${ARGUMENT_PATH.source}|${STATE_PATH.source}`),
);

/** `when` says which calls a rule is about, from the call alone. */
export const ARGUMENT_CONDITION = condition('a path into the arguments such as args.amount', ARGUMENT_PATH);

function condition(expected: string, pattern: RegExp): Shape {
  return {
    kind: 'map',
    extra: 'condition',
    keys: {
      path: { shape: { kind: 'text', code: 'bad-path', expected, pattern }, about: 'what is tested', required: true },
      op: { shape: { kind: 'choice', values: Object.keys(OPERATORS), code: 'unknown-operator' }, about: 'the operator', required: true },
      value: { shape: ANY, about: 'what it is compared with', required: true },
    },
  };
}
