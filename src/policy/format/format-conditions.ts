/** Conditions (policy.md §4): the operators, and what each compares with. */
import { isCounterOperator, OPERATORS, type Operands } from '../../core/operators.ts';
import { adviseCondition, adviseFolder, adviseList, adviseOperator, advisePath } from './advice-conditions.ts';
import { CONDITION_NAMES } from './advice-keys.ts';
import { adviseNumber } from './advice-values.ts';
import { ARGUMENT_PATH, STATE_PATH } from './format-values.ts';
import type { Shape } from './shape.ts';

/** The scope of `"*"` in state paths; no tool may have this name. */
export const STATE_KEY = '_global';

const NUMBER: Shape = { kind: 'number', min: undefined, max: undefined, advice: adviseNumber };
const TEXT: Shape = { kind: 'text', expected: 'a text' };
const ANY: Shape = { kind: 'any' };
const PATTERN: Shape = { kind: 'text', expected: 'an RE2 pattern' };
/** Variables that a folder may begin with (policy.md §4). */
export const FOLDER_VARIABLES = ['HOME', 'POLICY_DIR', 'CWD'] as const;
const FOLDER: Shape = {
  kind: 'text',
  expected: `an absolute folder such as /app/src or \${HOME}/src`,
  pattern: new RegExp(`^(?:\\/(?!\\/)|[A-Za-z]:[\\\\/]|\\$\\{(?:${FOLDER_VARIABLES.join('|')})\\}(?=[\\\\/]|$))(?:(?!\\$\\{)[^%*\\0])*$`),
  advice: adviseFolder,
};

const OPERANDS: { readonly [Kind in keyof Operands]: Shape } = {
  any: ANY,
  list: { kind: 'list', of: ANY, min: 1, advice: adviseList },
  number: NUMBER,
  text: TEXT,
  pattern: PATTERN,
  folders: { kind: 'either', of: [FOLDER, { kind: 'list', of: FOLDER, min: 1 }] },
  boolean: { kind: 'boolean' },
};

/** The shapes under `value`, by operator. */
export const VALUES: Readonly<Record<string, Shape>> = Object.fromEntries(
  Object.entries(OPERATORS).map(([op, { operand }]) => [op, OPERANDS[operand]]),
);

/** The same where `state` is read: numbers alone. */
export const STATE_VALUES: Readonly<Record<string, Shape>> = Object.fromEntries(
  Object.entries(OPERATORS)
    .filter(([op]) => isCounterOperator(op))
    .map(([op, { operand }]) => [op, operand === 'list' ? { kind: 'list', of: NUMBER, min: 1, advice: adviseList } : NUMBER]),
);

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
    others: CONDITION_NAMES,
    advice: adviseCondition,
    keys: {
      path: { shape: { kind: 'text', code: 'bad-path', expected, pattern, advice: advisePath }, about: 'what is tested', required: true },
      op: {
        shape: { kind: 'choice', values: Object.keys(OPERATORS), code: 'unknown-operator', advice: adviseOperator },
        about: 'the operator',
        required: true,
      },
      value: { shape: ANY, about: 'what it is compared with', required: true },
    },
  };
}
