/** Warnings about conditions: ones that nothing satisfies, patterns without anchors, triggers on what may be absent. */
import type { ArgCondition, ArgPath, StateCondition } from '../../core/condition.ts';
import type { Rule, ToolEntry } from '../../core/policy.ts';
import { offsetInRule, type WarnContext } from '../compile/origins.ts';
import { itemsOf, textOf, valueAt } from '../format/tree.ts';
import { isAnchored, isCounterSatisfiable, isSatisfiable, placeOf } from './satisfy.ts';

const MOST_TOGETHER = 20;

/** True where the rule is a requirement. */
export function isRequirement({ action }: Rule): boolean {
  return action === 'evaluate' || action === 'allow';
}

/** True where the rule binds every call and is enforced. */
export function bindsAlways(rule: Rule): boolean {
  return rule.when.length === 0 && rule.agents === undefined && !rule.shadow;
}

/** `eq a` and `eq b`: within a rule, and between requirements that every call of the tool must pass. */
export function warnUnsatisfiable(entry: ToolEntry, context: WarnContext): void {
  const shared = new Map<string, ArgCondition[]>();
  let approved = false;
  for (const rule of entry.rules) {
    approved ||= rule.action === 'require_approval';
    // Below an approval rule conditions are skipped once it fires, so what stands there need not agree with what stands above.
    const together = isRequirement(rule) && bindsAlways(rule) && !approved ? shared : new Map<string, ArgCondition[]>();
    for (const condition of rule.conditions) addCondition(condition, rule, together, context);
    warnCounters(rule, context);
  }
}

function addCondition(condition: ArgCondition, rule: Rule, byPath: Map<string, ArgCondition[]>, context: WarnContext): void {
  // No elements at all satisfy any condition on every element.
  if (condition.path.segments.some(({ kind }) => kind === 'every')) return;
  const list = byPath.get(condition.path.text) ?? [];
  byPath.set(condition.path.text, list);
  // Each is compared with each: beyond a few, what stands together is looked at in portions.
  if (list.length >= MOST_TOGETHER) list.length = 0;
  list.push(condition);
  if (isSatisfiable(list.map(({ test }) => test))) return;
  reportUnsatisfiable(condition, rule, context);
  list.length = 0;
}

function warnCounters(rule: Rule, context: WarnContext): void {
  const seen = new Map<string, StateCondition[]>();
  for (const condition of rule.stateConditions) {
    const list = seen.get(condition.path) ?? [];
    seen.set(condition.path, [...list, condition]);
    if (!isCounterSatisfiable([...list, condition].map(({ test }) => test))) reportUnsatisfiable(condition, rule, context);
  }
}

function reportUnsatisfiable(condition: ArgCondition | StateCondition, rule: Rule, { report, origins }: WarnContext): void {
  const path = typeof condition.path === 'string' ? condition.path : condition.path.text;
  const effect = isRequirement(rule) ? 'every call is denied' : 'the rule fires only on calls it can not judge';
  report.add(
    'unsatisfiable',
    origins.conditions.get(condition) ?? 0,
    `no value of "${path}" satisfies this and the conditions before it: ${effect}`,
  );
}

/** An allow-list by pattern that matches anywhere in a path or host lets others in. */
export function warnUnanchored(rule: Rule, { report, origins }: WarnContext): void {
  const listing = isRequirement(rule) ? 'regex' : 'not_regex';
  for (const node of itemsOf(valueAt(origins.rules.get(rule), 'conditions'))) {
    const value = valueAt(node, 'value');
    const place = placeOf(lastName(textOf(valueAt(node, 'path')) ?? ''));
    if (textOf(valueAt(node, 'op')) !== listing || value?.kind !== 'text' || !place || isAnchored(value.text, place)) continue;
    const help = place === 'path' ? 'start it with "^", or use "within"' : 'start it with "^" and end it with "$"';
    report.add('unanchored-regex', value.offset, `the pattern ${JSON.stringify(value.text)} matches anywhere in a ${place}`, help);
  }
}

function lastName(path: string): string {
  return (
    path
      .replace(/\[[^\]]*\]$/, '')
      .split('.')
      .at(-1) ?? ''
  );
}

/** Unknown fires a trigger: without `exists` it fires when its argument is left out. `required`: what the rules before it demand. Once per rule. */
export function warnAbsent(rule: Rule, required: ReadonlySet<string>, { report, origins }: WarnContext): void {
  if (isRequirement(rule)) return;
  const tested = rule.conditions.filter(({ test }) => test.absent !== 'unknown').map(({ path }) => path.text);
  const condition = rule.conditions.find(
    ({ path, test }) => test.absent === 'unknown' && !tested.includes(path.text) && !required.has(path.text),
  );
  if (!condition) return;
  const text = condition.path.text;
  const message = `the rule fires also when "${text}" is absent or of another type`;
  report.add(
    'absent-argument',
    origins.conditions.get(condition) ?? offsetInRule(rule, 'conditions', origins),
    message,
    `to fire only when it is there, add {path: ${text}, op: exists, value: true}`,
  );
}

/** Paths that are there in every call that has passed the rule. */
export function requiredPaths(rule: Rule): readonly string[] {
  if (!isRequirement(rule) || !bindsAlways(rule)) return [];
  const tested = rule.conditions.filter(({ test, path }) => test.absent !== 'true' && isSingle(path));
  return [...tested.map(({ path }) => path.text), ...rule.arguments.filter(({ optional }) => !optional).map(({ name }) => `args.${name}`)];
}

function isSingle(path: ArgPath): boolean {
  return path.segments.every(({ kind }) => kind !== 'every');
}
