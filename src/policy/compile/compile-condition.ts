/** Conditions, from tree to tests. What the check has refused already is passed over in silence. */
import type { ArgCondition, ArgTest, StateCondition, StateTest } from '../../core/condition.ts';
import { type Decimal, parseDecimal } from '../../core/decimal.ts';
import type { Operator } from '../format/format-conditions.ts';
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
  const test = value && compileTest(textOf(valueAt(node, 'op')) as Operator | undefined, value, context);
  return path && test && { path, test, text: canonicalNode(value) };
}

function compileTest(op: Operator | undefined, value: Node, context: ConditionContext): ArgTest | undefined {
  switch (op) {
    case 'eq':
    case 'neq':
    case 'contains':
    case 'not_contains':
      return { op, value: toJson(value) };
    case 'in':
    case 'not_in':
      return { op, values: itemsOf(value).map(toJson) };
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return compare(op, decimalOf(value, context.report));
    case 'starts_with':
    case 'ends_with':
      return { op, value: textOf(value) ?? '' };
    case 'within':
      return { op, folders: value.kind === 'text' ? [value.text] : textsOf(value) };
    case 'exists':
      return { op, value: value.kind === 'boolean' && value.value };
    case 'regex':
    case 'not_regex':
      return compileRegex(op, value, context);
    default:
      return undefined;
  }
}

function compare<Op extends string>(op: Op, value: Decimal | undefined): { readonly op: Op; readonly value: Decimal } | undefined {
  return value && { op, value };
}

function compileRegex(op: 'regex' | 'not_regex', value: Node, { regex, report }: ConditionContext): ArgTest | undefined {
  if (value.kind !== 'text' || !regex) return undefined;
  const compiled = regex(value.text);
  if (compiled.ok) return { op, matches: compiled.matches };
  report.add(
    'bad-regex',
    value.offset,
    `RE2 refuses the pattern ${JSON.stringify(value.text)}: ${compiled.why}`,
    helpWithRegex(value.text),
  );
  return undefined;
}

function helpWithRegex(pattern: string): string | undefined {
  if (/\(\?<?[=!]/.test(pattern)) return 'RE2 has no look-around; use a second condition with not_regex';
  return /\\[1-9]/.test(pattern) ? 'RE2 has no back-references' : undefined;
}

function compileStateCondition(node: Node, text: string, offset: number, context: ConditionContext): StateCondition | undefined {
  const counter = context.counters.find(text, offset);
  const value = valueAt(node, 'value');
  const test = value && compileStateTest(textOf(valueAt(node, 'op')), value, context.report);
  return counter && test && { path: text, counter, test, text: canonicalNode(value) };
}

function compileStateTest(op: string | undefined, value: Node, report: Report): StateTest | undefined {
  switch (op) {
    case 'in':
    case 'not_in':
      return { op, values: itemsOf(value).flatMap((item) => decimalOf(item, report) ?? []) };
    case 'eq':
    case 'neq':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return compare(op, decimalOf(value, report));
    default:
      return undefined;
  }
}

/** A number's exact value; one whose exponent is beyond comparison is an error, not a limit that never bites. */
function decimalOf(node: Node, report: Report): Decimal | undefined {
  if (node.kind !== 'number') return undefined;
  const value = parseDecimal(node.number);
  if (!value) report.add('yaml-number', node.offset, `the exponent of ${node.source} is too large`);
  return value;
}
