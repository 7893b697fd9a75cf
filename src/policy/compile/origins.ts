/** Origins say where compiled things came from: warnings judge the compiled policy and point into the text. */
import type { ArgCondition, StateCondition } from '../../core/condition.ts';
import type { Rule, ToolEntry } from '../../core/policy.ts';
import { entryOf, itemsOf, type MapNode, textOf, valueAt } from '../format/tree.ts';
import type { Report } from '../report.ts';

export interface Origins {
  readonly rules: Map<Rule, MapNode>;
  readonly conditions: Map<ArgCondition | StateCondition, number>;
  readonly entries: Map<ToolEntry, number>;
}

/** A warning needs these. */
export interface WarnContext {
  readonly report: Report;
  readonly origins: Origins;
}

/** Finds where a key of the rule stands; the rule itself where it has none. */
export function offsetInRule(rule: Rule, key: string, { rules }: Origins): number {
  const node = rules.get(rule);
  return entryOf(node, key)?.offset ?? node?.offset ?? 0;
}

/** Where the rule names this path: in a condition, as an argument with a schema, as a price, or as what a counter adds. */
export function offsetOfPath(rule: Rule, path: string, { rules }: Origins): number {
  const node = rules.get(rule);
  const conditions = [...itemsOf(valueAt(node, 'when')), ...itemsOf(valueAt(node, 'conditions'))];
  const values = [
    ...conditions.map((condition) => valueAt(condition, 'path')),
    valueAt(valueAt(node, 'spend'), 'from'),
    valueAt(valueAt(node, 'state'), 'increment_from'),
  ];
  const named = entryOf(valueAt(node, 'arguments'), path.replace(/^args\./, ''));
  return values.find((value) => textOf(value) === path)?.offset ?? named?.offset ?? node?.offset ?? 0;
}
