/** The walk of one rule, noted clause by clause for `explain` (cli.md §1). Never on the path of an enforced call. */

import { type ArgCondition, evaluateAll, evaluateCondition, type Quantifier, valueAt } from './condition.ts';
import { renderMicros } from './decimal.ts';
import type { Call, ClauseFailure, Trace, TraceEntry } from './decision.ts';
import { isArray, isNumber, isObject, type Json } from './json.ts';
import type { Rule } from './policy.ts';
import { drawAmount } from './requirement.ts';

/** Tells each clause of a rule that binds, then what the rule as a whole says. */
export function traceRule(rule: Rule, call: Call, judged: boolean, failure: ClauseFailure | undefined, trace: Trace): void {
  const isTrigger = rule.action === 'deny' || rule.action === 'require_approval';
  const note = (clause: string, found: string, verdict: TraceEntry['verdict']) =>
    trace({ key: rule.key, rule: rule.label, clause, found, verdict, shadow: rule.shadow });
  for (const condition of rule.when)
    note(`when ${textOf(condition)}`, foundBy(condition, call), evaluateCondition(condition, call.args, 'any'));
  for (const condition of rule.conditions) noteCondition(condition, call, isTrigger ? 'any' : 'every', judged, note);
  for (const { name } of rule.arguments)
    note(
      `arguments.${name}`,
      shorten(valueAt({ text: name, segments: [{ kind: 'key', key: name }] }, call.args)),
      argumentVerdict(name, judged, failure),
    );
  if (rule.validate) note('validate', '', failure?.clause === 'validate' ? 'fails' : 'passes');
  for (const condition of rule.stateConditions) note(`${condition.path} ${condition.test.op} ${condition.text}`, '', 'at the store');
  traceDraws(rule, call, failure, note);
  note('', failure?.why ?? '', wholeVerdict(rule, call, failure));
}

type Note = (clause: string, found: string, verdict: TraceEntry['verdict']) => void;

function traceDraws(rule: Rule, call: Call, failure: ClauseFailure | undefined, note: Note): void {
  if (rule.rateLimit) note(`rate_limit ${rule.rateLimit.max}/${rule.rateLimit.draw.counter.unit}`, '', 'at the store');
  if (rule.state) {
    const amount = drawAmount(rule.state, call.args);
    note(
      `state ${rule.state.counter.label}`,
      typeof amount === 'number' ? `draws ${renderMicros(amount)}` : amount.why,
      typeof amount === 'number' ? 'at the store' : 'fails',
    );
  }
  if (rule.spend)
    note(
      'spend',
      rule.spend.limits.map((limit) => `${limit.text}/${limit.window ?? 'call'}`).join(', '),
      failure?.clause.startsWith('spend') ? 'fails' : 'at the store',
    );
}

function noteCondition(condition: ArgCondition, call: Call, quantifier: Quantifier, judged: boolean, note: Note): void {
  note(textOf(condition), foundBy(condition, call), judged ? 'skipped' : evaluateCondition(condition, call.args, quantifier));
}

function argumentVerdict(name: string, judged: boolean, failure: ClauseFailure | undefined): TraceEntry['verdict'] {
  if (judged) return 'skipped';
  return failure?.clause === `arguments.${name}` ? 'fails' : 'passes';
}

function wholeVerdict(rule: Rule, call: Call, failure: ClauseFailure | undefined): TraceEntry['verdict'] {
  if (rule.action === 'evaluate' || rule.action === 'allow') return failure ? 'fails' : 'passes';
  if (evaluateAll(rule.conditions, call.args, 'any') === 'false') return 'silent';
  return rule.stateConditions.length > 0 ? 'at the store' : 'fires';
}

function textOf(condition: ArgCondition): string {
  return `${condition.path.text} ${condition.test.op} ${condition.text}`;
}

function foundBy(condition: ArgCondition, call: Call): string {
  return shorten(valueAt(condition.path, call.args));
}

function shorten(value: Json | undefined): string {
  if (value === undefined) return 'absent';
  const text = show(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function show(value: Json): string {
  if (isNumber(value)) return value.number;
  if (isArray(value)) return `[${value.map(show).join(',')}]`;
  if (isObject(value)) return `{${[...value].map(([key, member]) => `${JSON.stringify(key)}:${show(member)}`).join(',')}}`;
  return JSON.stringify(value);
}
