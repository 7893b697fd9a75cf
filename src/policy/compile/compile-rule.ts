/** One rule, from tree to `Rule`. */
import { compileName, type NamePattern } from '../../core/names.ts';
import type { Action, Agents, Rule } from '../../core/policy.ts';
import { parseDuration } from '../format/duration.ts';
import { canonicalNode, type MapNode, type Node, textOf, textsOf, valueAt } from '../format/tree.ts';
import type { SchemaCompiler } from '../schema/schema.ts';
import { sha256 } from '../sha256.ts';
import { compileArguments } from './compile-arguments.ts';
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

function compileAgents(texts: readonly string[]): Agents | undefined {
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
