/** Conditions, from tree to tests. What the check has refused already is passed over in silence. */
import { type ArgCondition, type StateCondition, type StateTest, stateCondition } from '../../core/condition.ts';
import { type Decimal, parseDecimal } from '../../core/decimal.ts';
import {
  type ArgTest,
  isCounterOperator,
  isOperator,
  makeTest,
  OPERATORS,
  type Operator,
  type OperatorRow,
  type Pattern,
} from '../../core/operators.ts';
import { parseArgPath } from '../format/path.ts';
import { canonicalNode, itemsOf, type Node, textOf, textsOf, toJson, valueAt } from '../format/tree.ts';
import type { Report } from '../report.ts';
import type { RegexCompiler } from '../schema/regex.ts';
import type { CounterTable } from './counters.ts';
import type { Origins } from './origins.ts';

export interface ConditionContext {
  readonly report: Report;
  readonly regex: RegexCompiler | undefined;
  readonly counters: CounterTable;
  readonly origins: Origins;
}

export interface Conditions {
  readonly args: readonly ArgCondition[];
  readonly state: readonly StateCondition[];
}

/** Compiles a list of conditions; the order within each kind is kept. `when` takes conditions on arguments alone. */
export function compileConditions(list: Node | undefined, context: ConditionContext, key: 'conditions' | 'when'): Conditions {
  const args: ArgCondition[] = [];
  const state: StateCondition[] = [];
  for (const node of itemsOf(list)) {
    const path = valueAt(node, 'path');
    const text = textOf(path);
    if (!path || text === undefined) continue;
    if (text.startsWith('state')) {
      if (key === 'conditions') push(state, compileStateCondition(node, text, path.offset, context), node, context.origins);
    } else push(args, compileArgCondition(node, text, context), node, context.origins);
  }
  return { args, state };
}

function push<T extends ArgCondition | StateCondition>(list: T[], condition: T | undefined, node: Node, { conditions }: Origins): void {
  if (!condition) return;
  list.push(condition);
  conditions.set(condition, node.offset);
}

function compileArgCondition(node: Node, text: string, context: ConditionContext): ArgCondition | undefined {
  const path = parseArgPath(text);
  const value = valueAt(node, 'value');
  const op = textOf(valueAt(node, 'op')) ?? '';
  const test = value && isOperator(op) ? compileTest(op, OPERATORS[op], value, context) : undefined;
  return path && value && test && { path, test, text: canonicalNode(value) };
}

/** Undefined where the value is of another type, which was reported: nothing more is said of such a condition. */
function compileTest(op: Operator, row: OperatorRow, value: Node, context: ConditionContext): ArgTest | undefined {
  if (!TAKES[row.operand](value)) return undefined;
  switch (row.operand) {
    case 'any':
      return makeTest(op, row, toJson(value));
    case 'list':
      return makeTest(op, row, itemsOf(value).map(toJson));
    case 'number': {
      const number = decimalOf(value, context.report);
      return number && makeTest(op, row, number);
    }
    case 'text':
      return makeTest(op, row, textOf(value) ?? '');
    case 'folders':
      return makeTest(op, row, value.kind === 'text' ? [value.text] : textsOf(value));
    case 'boolean':
      return makeTest(op, row, value.kind === 'boolean' && value.value);
    case 'pattern': {
      const pattern = compileRegex(value, context);
      return pattern && makeTest(op, row, pattern);
    }
  }
}

const TAKES: Readonly<Record<OperatorRow['operand'], (value: Node) => boolean>> = {
  any: () => true,
  list: ({ kind }) => kind === 'list',
  number: ({ kind }) => kind === 'number',
  text: ({ kind }) => kind === 'text',
  folders: ({ kind }) => kind === 'text' || kind === 'list',
  boolean: ({ kind }) => kind === 'boolean',
  pattern: ({ kind }) => kind === 'text',
};

function compileRegex(value: Node, { regex, report }: ConditionContext): Pattern | undefined {
  if (value.kind !== 'text' || !regex) return undefined;
  const compiled = regex(value.text);
  if (compiled.ok) return compiled;
  report.add(
    'bad-regex',
    value.offset,
    `RE2 refuses the pattern ${JSON.stringify(value.text)}: ${lacking(value.text)?.why ?? compiled.why}`,
    lacking(value.text)?.help ?? (/^\*|[|(]\*/.test(value.text) ? 'what is any text in a glob is ".*" in a pattern' : undefined),
  );
  return undefined;
}

/** Other engines have these and RE2 has not. */
function lacking(pattern: string): { readonly why: string; readonly help: string } | undefined {
  if (/\(\?<?[=!]/.test(pattern)) return { why: 'it has a look-around', help: 'RE2 has none; use a second condition with not_regex' };
  return /\\[1-9]/.test(pattern) ? { why: 'it has a back-reference', help: 'RE2 has none; write the alternatives out' } : undefined;
}

function compileStateCondition(node: Node, text: string, offset: number, context: ConditionContext): StateCondition | undefined {
  const counter = context.counters.find(text, offset);
  const value = valueAt(node, 'value');
  const test = value && compileStateTest(textOf(valueAt(node, 'op')) ?? '', value, context.report);
  return counter && test && stateCondition(text, counter, test, canonicalNode(value));
}

function compileStateTest(op: string, node: Node, report: Report): StateTest | undefined {
  if (!isCounterOperator(op)) return undefined;
  if (op === 'in' || op === 'not_in') return { op, values: itemsOf(node).flatMap((item) => decimalOf(item, report) ?? []) };
  const value = decimalOf(node, report);
  return value && { op, value };
}

/** A number's exact value; one whose exponent is beyond comparison is an error, not a limit that never bites. */
function decimalOf(node: Node, report: Report): Decimal | undefined {
  if (node.kind !== 'number') return undefined;
  const value = parseDecimal(node.number);
  if (!value) report.add('yaml-number', node.offset, `the exponent of ${node.source} is too large`);
  return value;
}
