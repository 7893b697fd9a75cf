/** One rule, from tree to `Rule`. */
import { isObject, type Json } from '../../core/json.ts';
import { compileName, type NamePattern } from '../../core/names.ts';
import type { Action, ArgumentSchema, Rule, RuleAgents } from '../../core/policy.ts';
import { adviseKeyword } from '../format/advice-values.ts';
import {
  canonicalNode,
  type Entry,
  entriesOf,
  itemsOf,
  type MapNode,
  type Node,
  textOf,
  textsOf,
  toJson,
  valueAt,
} from '../format/tree.ts';
import type { Report } from '../report.ts';
import type { SchemaCompiler } from '../schema/schema.ts';
import { sha256 } from '../sha256.ts';
import { type ConditionContext, compileConditions } from './compile-condition.ts';
import { compileRateLimit, compileSpend, compileState } from './compile-limits.ts';

export interface RuleContext extends ConditionContext {
  readonly schemas: SchemaCompiler | undefined;
  /** ms, for approval rules without a time of their own. */
  readonly approvalTimeout: number;
}

/** Compiles the rule at `index` under a key of `tools`. */
export function compileRule(node: MapNode, key: string, index: number, context: RuleContext): Rule {
  const agents = textsOf(valueAt(node, 'agents'));
  const { args, state } = compileConditions(valueAt(node, 'conditions'), context, 'conditions');
  return {
    label: textOf(valueAt(node, 'name')) ?? `tools.${key}.rules[${index}]`,
    key,
    index,
    action: (textOf(valueAt(node, 'action')) ?? 'evaluate') as Action,
    shadow: textOf(valueAt(node, 'mode')) === 'shadow',
    agents: compileAgents(agents),
    when: compileConditions(valueAt(node, 'when'), context, 'when').args,
    conditions: args,
    stateConditions: state,
    arguments: compileArguments(valueAt(node, 'arguments'), context.schemas, context.report),
    validate: compileValidate(valueAt(node, 'validate')),
    rateLimit: compileRateLimit(valueAt(node, 'rate_limit'), key, [...new Set(agents)].sort(), context.report),
    state: compileState(valueAt(node, 'state'), key),
    spend: compileSpend(valueAt(node, 'spend'), key),
    message: textOf(valueAt(node, 'on_deny')) ?? textOf(valueAt(node, 'reason')),
    approvalTimeout: durationAt(node, 'approval_timeout') ?? context.approvalTimeout,
    idempotencyWindow: durationAt(node, 'idempotency_window') ?? 0,
    hash: sha256(`${JSON.stringify(key)}:${canonicalNode(node)}`),
    position: context.report.positionOf(node.offset),
  };
}

/** A duration under a key, in ms. */
export function durationAt(node: Node | undefined, key: string): number | undefined {
  const text = textOf(valueAt(node, key));
  return text === undefined ? undefined : parseDuration(text);
}

function compileAgents(texts: readonly string[]): RuleAgents | undefined {
  if (texts.length === 0) return undefined;
  const only: NamePattern[] = [];
  const except: NamePattern[] = [];
  for (const text of texts) {
    if (text.startsWith('!')) except.push(compileName(text.slice(1)));
    else only.push(compileName(text));
  }
  return { only, except };
}

function compileValidate(node: Node | undefined): Rule['validate'] {
  if (node?.kind !== 'map') return undefined;
  return { requiredArgs: isTrue(valueAt(node, 'required_args')), schema: isTrue(valueAt(node, 'schema')) };
}

function isTrue(node: Node | undefined): boolean {
  return node?.kind === 'boolean' && node.value;
}

const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PART = /(\d+)([smhd])/g;

/** `1h30m` in milliseconds; the text has passed the check of its shape. */
function parseDuration(text: string): number {
  let total = 0;
  for (const [, count, unit] of text.matchAll(PART)) total += Number(count) * MS[unit as keyof typeof MS];
  return total;
}

/** Compiles each argument's schema; `optional` is ours, the rest JSON Schema. */
function compileArguments(node: Node | undefined, schemas: SchemaCompiler | undefined, report: Report): readonly ArgumentSchema[] {
  if (!schemas) return [];
  return entriesOf(node).map((entry) => compileArgument(entry, schemas, report));
}

function compileArgument(entry: Entry, schemas: SchemaCompiler, report: Report): ArgumentSchema {
  const optional = valueAt(entry.value, 'optional');
  if (optional && optional.kind !== 'boolean') report.add('bad-schema', optional.offset, '"optional" must be true or false');
  // What is no schema at all was reported, and judges nothing.
  const isSchema = entry.value.kind === 'map' || entry.value.kind === 'boolean';
  const schema = isSchema ? withoutOptional(toJson(entry.value)) : true;
  const { faults, check } = schemas(schema);
  for (const { path, message, help } of faults) {
    const node = nodeAt(entry.value, path);
    report.add('bad-schema', node.offset, `the schema of "${entry.key}": ${message}`, help ?? adviseKeyword(path, node));
  }
  return { name: entry.key, optional: optional?.kind === 'boolean' && optional.value, check };
}

function withoutOptional(schema: Json): Json {
  return isObject(schema) ? new Map([...schema].filter(([key]) => key !== 'optional')) : schema;
}

/** The node at a path into the schema, or the deepest one on the way. */
function nodeAt(node: Node, path: readonly string[]): Node {
  let at = node;
  for (const step of path) at = (at.kind === 'list' ? itemsOf(at)[Number(step)] : valueAt(at, step)) ?? at;
  return at;
}
