/** Checks a tree against the format (policy.md §14): shapes, keys, types of values. Meaning is for `compile`. */
import { strayCondition } from './format/advice-entries.ts';
import { RULE_KEYS } from './format/format.ts';
import { STATE_VALUES, VALUES } from './format/format-conditions.ts';
import { quote } from './format/quote.ts';
import type { FormatKey, Meant, Shape } from './format/shape.ts';
import { type Entry, entriesOf, type MapNode, type Node, textOf, valueAt } from './format/tree.ts';
import { didYouMean, nearest } from './nearest.ts';
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
      checkExactly(node, shape, what, describeShape(shape), report);
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
  else if (meant.kind === 'exactly') checkExactly(node, { ...either, values: meant.values }, what, describeShape(either), report);
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
  const stray = shape.extra === 'rule' ? strayKeys(node) : [];
  const meant = new Set<string>();
  for (const entry of entriesOf(node)) {
    const key = Object.hasOwn(shape.keys, entry.key) ? shape.keys[entry.key] : undefined;
    if (key) checkEntry(node, entry.key, key, report);
    else if (!stray.includes(entry)) {
      const found = meantBy(entry, shape);
      if (found?.key !== undefined) meant.add(found.key);
      report.add('unknown-key', entry.offset, `unknown key ${JSON.stringify(entry.key)}`, found?.help);
    }
  }
  if (stray.length > 0) reportStray(stray, node, report);
  checkRequired(node, shape, what, meant, report);
  if (shape.extra === 'rule')
    checkRule(node, stray.length > 0 || [...meant].some((key) => RULE_KEYS[key]?.clause || key === 'action'), report);
  if (shape.extra === 'condition') checkCondition(node, report);
}

/** The key that an unknown one was meant as: another name for it, or the nearest. */
function meantBy({ key, value }: Entry, { keys, others }: Extract<Shape, { kind: 'map' }>): Meant | undefined {
  const near = nearest(key, Object.keys(keys));
  const close = near === undefined ? undefined : { key: near, help: `did you mean "${near}"?` };
  return (near?.startsWith(key.toLowerCase()) ? close : undefined) ?? others?.(key, value) ?? close;
}

const OF_CONDITIONS = ['path', 'op', 'value'];

/** The keys of a condition that stand in the rule itself. */
function strayKeys(rule: MapNode): readonly Entry[] {
  const found = entriesOf(rule).filter(({ key }) => OF_CONDITIONS.includes(key));
  return found.length > 1 || found[0]?.key === 'path' ? found : [];
}

/** Says once that a condition is not wrapped; where there is a list of them already, its indentation is wrong. */
function reportStray(stray: readonly Entry[], rule: MapNode, report: Report): void {
  const keys = stray.map(({ key }) => JSON.stringify(key)).join(', ');
  const help = rule.entries.has('conditions')
    ? 'indent them below the "path" of their condition'
    : `write them as conditions: [${strayCondition(stray)}]`;
  report.add('unknown-key', stray[0]?.offset ?? rule.offset, `${keys} are keys of a condition, and stand in the rule`, help);
}

function checkEntry(map: MapNode, name: string, key: FormatKey, report: Report): void {
  const entry = map.entries.get(name);
  if (!entry) return;
  if (key.not !== undefined && map.entries.has(key.not)) {
    report.add('conflicting-keys', entry.offset, `"${name}" and "${key.not}" exclude each other`, 'remove one of them');
  } else if (key.aliasOf !== undefined) {
    report.add('alias', entry.offset, `"${name}" is another name for "${key.aliasOf}"`, `write "${key.aliasOf}"`);
  }
  checkShape(entry.value, key.shape, `"${name}"`, report);
}

/** Names what lacks, at once; not what an unknown key was meant as. */
function checkRequired(
  node: MapNode,
  shape: Extract<Shape, { kind: 'map' }>,
  what: string,
  meant: ReadonlySet<string>,
  report: Report,
): void {
  // An unknown key stood for all of them.
  if (meant.has('*')) return;
  const { keys, anyOf } = shape;
  const missing = Object.keys(keys).filter((name) => keys[name]?.required && !node.entries.has(name) && !meant.has(name));
  if (missing.length > 0) {
    const names = missing.map((name) => JSON.stringify(name)).join(' and ');
    report.add('missing-key', node.offset, `${what} lacks the key${missing.length > 1 ? 's' : ''} ${names}`, helpWithout(missing, node));
  }
  if (anyOf && !anyOf.some((name) => node.entries.has(name) || meant.has(name))) {
    report.add('missing-key', node.offset, `${what} needs one of the keys ${anyOf.join(', ')}`);
  }
}

function helpWithout(missing: readonly string[], map: MapNode): string | undefined {
  if (missing.includes('version')) return 'write version: "1"';
  return missing.includes('value') && textOf(valueAt(map, 'op')) === 'exists' ? 'write value: true, or value: false' : undefined;
}

/** Clauses must be ones that the action takes, and `evaluate` needs one. `isMeant`: an unknown key was meant as one. */
function checkRule(rule: MapNode, isMeant: boolean, report: Report): void {
  const written = valueAt(rule, 'action');
  const action = textOf(written) ?? 'evaluate';
  for (const { key, offset } of entriesOf(rule)) {
    const on: readonly string[] | undefined = Object.hasOwn(RULE_KEYS, key) ? RULE_KEYS[key]?.on : undefined;
    if (on && isAction(action) && !on.includes(action))
      report.add('clause-not-allowed', offset, `action "${action}" does not take "${key}"`, helpWithClause(key, on));
  }
  const isEvaluated = action === 'evaluate' && (written === undefined || written.kind === 'text');
  if (isEvaluated && !isMeant && !entriesOf(rule).some(({ key }) => RULE_KEYS[key]?.clause)) {
    report.add('empty-rule', rule.offset, 'the rule has nothing to check', 'add a clause, or write "action: allow"');
  }
}

/** A text that is no action was reported already, and takes no clause wrongly. */
function isAction(text: string): boolean {
  const { action } = RULE_KEYS;
  return action?.shape.kind === 'choice' && action.shape.values.includes(text);
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

/** Reports a value of another type than its place takes. */
function wrongType(node: Node, shape: Shape, what: string, report: Report): void {
  report.add('wrong-type', node.offset, `${what} must be ${describeShape(shape)}, found ${quote(node)}`, helpWithType(node, shape));
}

function helpWithType(node: Node, shape: Shape): string | undefined {
  const advice = shape.advice?.(node);
  if (advice !== undefined) return advice;
  if (node.kind === 'null') return 'give it a value, or remove the key';
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
    report.add(shape.code ?? 'wrong-value', node.offset, `${what} must be ${shape.expected}, found ${quote(node)}`, shape.advice?.(node));
  }
}

/** One of the texts that are known. */
function checkChoice(node: Node, shape: Extract<Shape, { kind: 'choice' }>, what: string, report: Report): void {
  if (node.kind !== 'text') {
    wrongType(node, shape, what, report);
    return;
  }
  if (shape.values.includes(node.text)) return;
  const help = shape.advice?.(node) ?? didYouMean(node.text, shape.values);
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
function checkExactly(
  node: Node,
  { values, advice }: { readonly values: readonly (string | number)[]; readonly advice?: Shape['advice'] },
  what: string,
  expected: string,
  report: Report,
): void {
  const value = node.kind === 'text' ? node.text : node.kind === 'number' ? Number(node.number) : undefined;
  if (value !== undefined && values.includes(value)) return;
  report.add('wrong-value', node.offset, `${what} must be ${expected}, found ${quote(node)}`, advice?.(node));
}
