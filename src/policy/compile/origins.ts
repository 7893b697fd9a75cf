/** Origins say where compiled things came from: warnings judge the compiled policy and point into the text. */
import type { ArgCondition, StateCondition } from '../../core/condition.ts';
import type { Rule, ToolEntry } from '../../core/policy.ts';
import { entryOf, type MapNode } from '../format/tree.ts';
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

/** Nothing known yet. */
export function openOrigins(): Origins {
  return { rules: new Map(), conditions: new Map(), entries: new Map() };
}

/** Finds where a key of the rule stands; the rule itself where it has none. */
export function offsetInRule(rule: Rule, key: string, { rules }: Origins): number {
  const node = rules.get(rule);
  return entryOf(node, key)?.offset ?? node?.offset ?? 0;
}
