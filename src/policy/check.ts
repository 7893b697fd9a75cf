/** Checks a tree against the format (policy.md §14): shapes, keys, types of values. Meaning is for `compile`. */
import { RULE_KEYS } from './format/format.ts';
import { STATE_VALUES, VALUES } from './format/format-conditions.ts';
import type { Key, Shape } from './format/shape.ts';
import { entriesOf, type MapNode, type Node, textOf, valueAt } from './format/tree.ts';
import { didYouMean } from './nearest.ts';
import type { Report } from './report.ts';

/** Reports everything about `node` that is not of the shape; `what` names the value in messages. */
export function checkShape(node: Node, shape: Shape, what: string, report: Report): void {
  if (node.kind === 'broken') return;
  switch (shape.kind) {
    case 'any':
      break;
    case 'text':
      checkText(node, shape, what, report);
      break;
    case 'choice':
      checkChoice(node, shape, what, report);
      break;
    case 'number':
      checkNumber(node, shape, what, report);
      break;
    case 'exactly':
      checkExactly(node, shape.values, what, describeShape(shape), report);
      break;
    case 'either':
      checkEither(node, shape, what, report);
      break;
    case 'list':
      checkList(node, shape, what, report);
      break;
    case 'table':
      checkTable(node, shape, what, report);
      break;
    case 'map':
      checkMap(node, shape, what, report);
      break;
    case 'boolean':
      if (node.kind !== 'boolean') wrongType(node, shape, what, report);
      break;
    case 'schema':
      if (node.kind !== 'map' && node.kind !== 'boolean') wrongType(node, shape, what, report);
  }
}

/** Alternatives differ in the YAML type of the value, so the one that is meant is known. */
function checkEither(node: Node, either: Extract<Shape, { kind: 'either' }>, what: string, report: Report): void {
  const meant = either.of.find((shape) => takes(shape, node));
  if (!meant) wrongType(node, either, what, report);
  else if (meant.kind === 'exactly') checkExactly(node, meant.values, what, describeShape(either), report);
  else checkShape(node, meant, what, report);
}

function takes(shape: Shape, node: Node): boolean {
  switch (shape.kind) {
    case 'text':
    case 'choice':
      return node.kind === 'text';
    case 'exactly':
      return shape.values.some((value) => (typeof value === 'number' ? 'number' : 'text') === node.kind);
    case 'table':
      return node.kind === 'map';
    default:
      return node.kind === shape.kind;
  }
}

function checkList(node: Node, shape: Extract<Shape, { kind: 'list' }>, what: string, report: Report): void {
  if (node.kind !== 'list') {
    wrongType(node, shape, what, report);
    return;
  }
  if (node.items.length < shape.min)
    report.add('wrong-value', node.offset, `${what} must not be empty`, 'remove the key, or give it an entry');
  for (const item of node.items) checkShape(item, shape.of, `an entry of ${what}`, report);
}

function checkTable(node: Node, shape: Extract<Shape, { kind: 'table' }>, what: string, report: Report): void {
  if (node.kind !== 'map') {
    wrongType(node, shape, what, report);
    return;
  }
  if (node.entries.size < shape.min)
    report.add('wrong-value', node.offset, `${what} must not be empty`, 'remove the key, or give it an entry');
  for (const entry of entriesOf(node)) {
    if (entry.key === '') report.add('wrong-value', entry.offset, `a name in ${what} must not be empty`);
    if (shape.notKeys?.includes(entry.key))
      report.add('reserved-name', entry.offset, `"${entry.key}" names no tool`, 'for all tools write "*"');
    checkShape(entry.value, shape.of, JSON.stringify(entry.key), report);
  }
}

function checkMap(node: Node, shape: Extract<Shape, { kind: 'map' }>, what: string, report: Report): void {
  if (node.kind !== 'map') {
    wrongType(node, shape, what, report);
    return;
  }
  for (const entry of entriesOf(node)) {
    const key = Object.hasOwn(shape.keys, entry.key) ? shape.keys[entry.key] : undefined;
    if (!key)
      report.add('unknown-key', entry.offset, `unknown key ${JSON.stringify(entry.key)}`, didYouMean(entry.key, Object.keys(shape.keys)));
    else checkEntry(node, entry.key, key, report);
  }
  checkRequired(node, shape, what, report);
  if (shape.extra === 'rule') checkRule(node, report);
  if (shape.extra === 'condition') checkCondition(node, report);
}

function checkEntry(map: MapNode, name: string, key: Key, report: Report): void {
  const entry = map.entries.get(name);
  if (!entry) return;
  if (key.not !== undefined && map.entries.has(key.not)) {
    report.add('conflicting-keys', entry.offset, `"${name}" and "${key.not}" exclude each other`, 'remove one of them');
  } else if (key.aliasOf !== undefined) {
    report.add('alias', entry.offset, `"${name}" is another name for "${key.aliasOf}"`, `write "${key.aliasOf}"`);
  }
  checkShape(entry.value, key.shape, `"${name}"`, report);
}

function checkRequired(node: MapNode, shape: Extract<Shape, { kind: 'map' }>, what: string, report: Report): void {
  for (const [name, key] of Object.entries(shape.keys)) {
    if (key.required && !node.entries.has(name)) report.add('missing-key', node.offset, `${what} lacks the key "${name}"`);
  }
  const { anyOf } = shape;
  if (anyOf && !anyOf.some((name) => node.entries.has(name))) {
    report.add('missing-key', node.offset, `${what} needs one of the keys ${anyOf.join(', ')}`);
  }
}

/** Clauses must be ones that the action takes, and `evaluate` needs one. */
function checkRule(rule: MapNode, report: Report): void {
  const action = textOf(valueAt(rule, 'action')) ?? 'evaluate';
  for (const { key, offset } of entriesOf(rule)) {
    const on: readonly string[] | undefined = Object.hasOwn(RULE_KEYS, key) ? RULE_KEYS[key]?.on : undefined;
    if (on && !on.includes(action))
      report.add('clause-not-allowed', offset, `action "${action}" does not take "${key}"`, helpWithClause(key, on));
  }
  if (action === 'evaluate' && !entriesOf(rule).some(({ key }) => RULE_KEYS[key]?.clause)) {
    report.add('empty-rule', rule.offset, 'the rule has nothing to check', 'add a clause, or write "action: allow"');
  }
}

function helpWithClause(key: string, on: readonly string[]): string {
  if (key === 'rate_limit' || key === 'spend') return `a limit is a rule of its own: put "${key}" into a rule without an action`;
  return `"${key}" belongs to ${on.map((action) => `"${action}"`).join(' and ')}`;
}

/** The type of `value` follows from the operator; counters are numbers. */
function checkCondition(condition: MapNode, report: Report): void {
  const op = textOf(valueAt(condition, 'op'));
  const value = valueAt(condition, 'value');
  if (op === undefined || !Object.hasOwn(VALUES, op)) return;
  const state = textOf(valueAt(condition, 'path'))?.startsWith('state') === true;
  const table = state ? STATE_VALUES : VALUES;
  const shape = Object.hasOwn(table, op) ? table[op] : undefined;
  if (!shape) {
    const help = `counters take ${Object.keys(STATE_VALUES).join(', ')}`;
    report.add('unknown-operator', valueAt(condition, 'op')?.offset ?? condition.offset, `operator "${op}" is not for counters`, help);
  } else if (value) checkShape(value, shape, `the value of "${op}"`, report);
}

/** Names a shape for messages. */
function describeShape(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      return shape.expected;
    case 'choice':
      return `one of ${shape.values.join(', ')}`;
    case 'number':
      return describeNumber(shape);
    case 'exactly':
      return shape.values.map((value) => JSON.stringify(value)).join(' or ');
    case 'either':
      return shape.of.map(describeShape).join(', or ');
    case 'list':
      return shape.min > 0 ? 'a list that is not empty' : 'a list';
    case 'boolean':
      return 'true or false';
    case 'schema':
      return 'a JSON Schema';
    case 'any':
      return 'a value';
    default:
      return 'a map';
  }
}

function describeNumber(shape: Extract<Shape, { kind: 'number' }>): string {
  const noun = shape.integer ? 'a whole number' : 'a number';
  const bounds = [
    shape.above === undefined ? '' : `above ${shape.above}`,
    shape.min === undefined ? '' : `from ${shape.min}`,
    shape.max === undefined ? '' : `up to ${shape.max}`,
  ].filter((bound) => bound !== '');
  return [noun, ...bounds].join(' ');
}

/** Quotes a value for messages. */
function quote(node: Node): string {
  switch (node.kind) {
    case 'null':
      return 'nothing';
    case 'boolean':
      return String(node.value);
    case 'number':
      return node.source;
    case 'text':
      return JSON.stringify(node.text.length > 60 ? `${node.text.slice(0, 60)}…` : node.text);
    default:
      return `a ${node.kind}`;
  }
}

/** Reports a value of another type than its place takes. */
function wrongType(node: Node, shape: Shape, what: string, report: Report): void {
  report.add('wrong-type', node.offset, `${what} must be ${describeShape(shape)}, found ${quote(node)}`, helpWithType(node, shape));
}

function helpWithType(node: Node, shape: Shape): string | undefined {
  if (node.kind === 'null')
    return shape.kind === 'either' && shape.empty !== undefined ? shape.empty : 'give it a value, or remove the key';
  if (shape.kind === 'number' && node.kind === 'text') return /^[\d.]+$/.test(node.text) ? 'remove the quotes' : undefined;
  if (shape.kind === 'boolean' && node.kind === 'text') return didYouMeanTruth(node.text);
  if (shape.kind === 'text' && (node.kind === 'number' || node.kind === 'boolean')) return 'quote it';
  return shape.kind === 'list' ? 'write each entry on a line of its own after "- "' : undefined;
}

function didYouMeanTruth(text: string): string | undefined {
  if (/^(?:yes|on|y|true)$/i.test(text)) return 'write true';
  return /^(?:no|off|n|false)$/i.test(text) ? 'write false' : undefined;
}

/** A text, and its pattern. */
function checkText(node: Node, shape: Extract<Shape, { kind: 'text' }>, what: string, report: Report): void {
  if (node.kind !== 'text') {
    wrongType(node, shape, what, report);
    return;
  }
  if (shape.pattern && !shape.pattern.test(node.text)) {
    report.add(
      shape.code ?? 'wrong-value',
      node.offset,
      `${what} must be ${shape.expected}, found ${quote(node)}`,
      helpWithText(node.text, shape),
    );
  }
}

function helpWithText(text: string, shape: Extract<Shape, { kind: 'text' }>): string | undefined {
  if (shape.code !== 'bad-path') return undefined;
  if (/\.\*/.test(text)) return 'every element of a list is "[*]"';
  return /^(?:args|state)\b/.test(text) ? undefined : 'a path starts with "args."';
}

/** One of the texts that are known. */
function checkChoice(node: Node, shape: Extract<Shape, { kind: 'choice' }>, what: string, report: Report): void {
  if (node.kind !== 'text') {
    wrongType(node, shape, what, report);
    return;
  }
  if (shape.values.includes(node.text)) return;
  const help = didYouMean(node.text, shape.values);
  if (shape.code)
    report.add(shape.code, node.offset, `unknown operator ${quote(node)}`, help ?? `operators are ${shape.values.join(', ')}`);
  else report.add('wrong-value', node.offset, `${what} must be ${describeShape(shape)}, found ${quote(node)}`, help);
}

/** A number within its bounds. */
function checkNumber(node: Node, shape: Extract<Shape, { kind: 'number' }>, what: string, report: Report): void {
  if (node.kind !== 'number') {
    wrongType(node, shape, what, report);
    return;
  }
  const value = Number(node.number);
  const low = shape.min !== undefined && value < shape.min;
  const high = shape.max !== undefined && value > shape.max;
  const notAbove = shape.above !== undefined && value <= shape.above;
  const fraction = shape.integer === true && !Number.isInteger(value);
  if (low || high || notAbove || fraction)
    report.add('wrong-value', node.offset, `${what} must be ${describeShape(shape)}, found ${quote(node)}`);
}

/** One of some constants. */
function checkExactly(node: Node, values: readonly (string | number)[], what: string, expected: string, report: Report): void {
  const value = node.kind === 'text' ? node.text : node.kind === 'number' ? Number(node.number) : undefined;
  if (value !== undefined && values.includes(value)) return;
  const help = expected.startsWith('a list') && node.kind === 'text' ? `write it as a list: [${quote(node)}]` : undefined;
  report.add('wrong-value', node.offset, `${what} must be ${expected}, found ${quote(node)}`, help);
}
