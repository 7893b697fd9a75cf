/** Checks of single values, and how values and shapes are called in messages. */

import type { Shape } from './format/shape.ts';
import type { Node } from './format/tree.ts';
import { didYouMean } from './nearest.ts';
import type { Report } from './report.ts';

/** What a shape is called in messages. */
export function describeShape(shape: Shape): string {
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

/** How a value is quoted in messages. */
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
export function wrongType(node: Node, shape: Shape, what: string, report: Report): void {
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
export function checkText(node: Node, shape: Extract<Shape, { kind: 'text' }>, what: string, report: Report): void {
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
export function checkChoice(node: Node, shape: Extract<Shape, { kind: 'choice' }>, what: string, report: Report): void {
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
export function checkNumber(node: Node, shape: Extract<Shape, { kind: 'number' }>, what: string, report: Report): void {
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
export function checkExactly(node: Node, values: readonly (string | number)[], what: string, expected: string, report: Report): void {
  const value = node.kind === 'text' ? node.text : node.kind === 'number' ? Number(node.number) : undefined;
  if (value !== undefined && values.includes(value)) return;
  const help = expected.startsWith('a list') && node.kind === 'text' ? `write it as a list: [${quote(node)}]` : undefined;
  report.add('wrong-value', node.offset, `${what} must be ${expected}, found ${quote(node)}`, help);
}
