/** Warnings about rules beside each other, and about limits. */
import type { ArgPath, StateTest } from '../../core/condition.ts';
import type { Per } from '../../core/counter.ts';
import { OPERATORS } from '../../core/operators.ts';
import type { Policy, Rule, ToolEntry } from '../../core/policy.ts';
import { offsetInRule, type WarnContext } from '../compile/origins.ts';
import { entryOf, valueAt } from '../format/tree.ts';
import { bindsAlways, isRequirement } from './warn-conditions.ts';

/** Rules that come after a deny without conditions. Once per tool. */
export function warnUnreachable(entry: ToolEntry, { report, origins }: WarnContext): void {
  const end = entry.rules.findIndex((rule) => rule.action === 'deny' && rule.conditions.length === 0 && bindsAlways(rule));
  const next = entry.rules[end + 1];
  const deny = entry.rules[end];
  if (!next || !deny) return;
  report.add(
    'unreachable',
    offsetInRule(next, '', origins),
    `the rule is never reached: "${deny.label}" denies every call`,
    'remove it, or give the deny conditions',
  );
}

/** Argument checks below an approval rule are the human's once it fires (policy.md §5.4). */
export function warnBelowApproval(entry: ToolEntry, { report, origins }: WarnContext): void {
  const first = entry.rules.findIndex(({ action, shadow }) => action === 'require_approval' && !shadow);
  const approval = entry.rules[first];
  if (!approval) return;
  for (const rule of entry.rules.slice(first + 1)) {
    if (!isRequirement(rule) || rule.conditions.length + rule.arguments.length === 0) continue;
    const message = `"${rule.label}" is not checked once the approval rule "${approval.label}" above it fires`;
    report.add('below-approval', offsetInRule(rule, '', origins), message, 'put hard limits above the approval rule');
  }
}

/** `conditions` demand; `when` selects. */
export function warnDemand(rule: Rule, { report, origins }: WarnContext): void {
  if (!rule.rateLimit || rule.conditions.length === 0 || rule.when.length > 0) return;
  report.add(
    'demand-beside-limit',
    offsetInRule(rule, 'conditions', origins),
    'conditions beside a rate limit deny the calls that do not meet them',
    'to say which calls are counted, write "when"',
  );
}

/** A limit of 0 is a deny in disguise. */
export function warnZero(rule: Rule, { report, origins }: WarnContext): void {
  const help = 'to deny every call, write "action: deny"';
  if (rule.rateLimit?.max === 0) report.add('zero-limit', offsetInRule(rule, 'rate_limit', origins), 'a limit of 0 admits no call', help);
  if (rule.spend?.limits.some(({ micros }) => micros === 0))
    report.add('zero-limit', offsetInRule(rule, 'spend', origins), 'a limit of 0 admits no price', help);
  const zero = isRequirement(rule) ? rule.stateConditions.find(({ test }) => admitsNothing(test)) : undefined;
  if (zero) report.add('zero-limit', origins.conditions.get(zero) ?? 0, `a limit of 0 on "${zero.path}" admits no call`, help);
}

function admitsNothing(test: StateTest): boolean {
  return (test.op === 'lt' || test.op === 'lte') && (test.value.digits === '' || test.value.negative);
}

/** A price that is looked for under `args.amount` alone is easily missed. */
export function warnSpend(rule: Rule, { report, origins }: WarnContext): void {
  // One that is written wrongly is an error already.
  if (!rule.spend || entryOf(valueAt(origins.rules.get(rule), 'spend'), 'from')) return;
  report.add(
    'spend-without-from',
    offsetInRule(rule, 'spend', origins),
    '"spend" does not say which argument is the price',
    'add "from: args.amount" where the tool takes its price as an argument',
  );
}

/** Whoever opens a new session starts anew: a limit per session alone limits nobody. */
export function warnSessionOnly(entry: ToolEntry, policy: Policy, { report, origins }: WarnContext): void {
  const common = policy.everyTool?.rules ?? [];
  const pers = [...entry.rules, ...common].flatMap(limitPers);
  const rule = entry.rules.find((one) => limitPers(one).includes('session'));
  if (!rule || pers.some((per) => per !== 'session')) return;
  const key = rule.rateLimit ? 'rate_limit' : rule.spend ? 'spend' : 'conditions';
  report.add(
    'session-only-limit',
    offsetInRule(rule, key, origins),
    `the only limits of "${entry.key}" start anew with each session`,
    'add a limit per policy or agent',
  );
}

function limitPers(rule: Rule): readonly Per[] {
  if (!isRequirement(rule)) return [];
  const read = rule.stateConditions.filter(({ test }) => test.op === 'lt' || test.op === 'lte').map(({ counter }) => counter.per);
  return [...(rule.rateLimit ? [rule.rateLimit.draw.counter.per] : []), ...(rule.spend ? [rule.spend.per] : []), ...read];
}

/** Arguments that hold the name of a tool. */
export const TOOL_NAMES: readonly string[] = ['tool', 'tool_name', 'toolName', 'tool_slug', 'toolSlug', 'tools'];

const CALLERS = /(?:^|[_.\-/])(?:call|invoke|execute|exec|run|use|dispatch|proxy)[_-]?(?:mcp[_-]?)?tools?$/i;

/** True where a tool takes another tool's name, judged by its own name and its arguments. */
export function callsTools(name: string, properties: readonly string[]): boolean {
  return CALLERS.test(name) || properties.some((property) => TOOL_NAMES.includes(property));
}

/** True where a requirement of these rules leaves the argument only values that the policy lists. */
export function pins(rules: readonly Rule[], name: string): boolean {
  return rules.some((rule) => {
    if (rule.action === 'deny' || rule.action === 'require_approval' || rule.shadow) return false;
    const listed = rule.conditions.some(({ path, test }) => isArgument(path, name) && 'lists' in OPERATORS[test.op]);
    return listed || rule.arguments.some((argument) => argument.name === name);
  });
}

function isArgument({ segments }: ArgPath, name: string): boolean {
  const first = segments[0];
  return segments.length === 1 && first?.kind === 'key' && first.key === name;
}
