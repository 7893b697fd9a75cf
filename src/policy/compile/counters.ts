/** The `state` counters of a policy, by the key of `tools` that they belong to (policy.md §6). */

import type { Counter, Per } from '../../core/counter.ts';
import { stateCounter } from '../../core/counter.ts';
import type { WindowUnit } from '../../core/window.ts';
import { parseStatePath, renderStatePath } from '../format/path.ts';
import { type MapNode, type Node, textOf, valueAt } from '../format/tree.ts';
import { nearest } from '../nearest.ts';
import type { Report } from '../report.ts';

/** A counter that a rule keeps; `read` becomes true once a condition reads it. */
interface KeptCounter {
  readonly counter: Counter;
  readonly offset: number;
}

export interface CounterTable {
  /** The counter that a path names; reports a path that names none. */
  find(path: string, offset: number): Counter | undefined;
  /** Counters that no condition has asked for. */
  unread(): readonly KeptCounter[];
}

/** Takes down every counter that the rules keep, before any condition is compiled: a condition may stand above its counter. */
export function collectCounters(rulesByKey: ReadonlyMap<string, readonly MapNode[]>, report: Report): CounterTable {
  const kept = new Map<string, KeptCounter>();
  for (const [key, rules] of rulesByKey) {
    for (const rule of rules) collect(key, valueAt(rule, 'state'), kept, report);
  }
  const read = new Set<string>();
  return {
    find: (path, offset) => findCounter(path, offset, kept, read, report),
    unread: () => [...kept].filter(([name]) => !read.has(name)).map(([, counter]) => counter),
  };
}

function collect(key: string, state: Node | undefined, kept: Map<string, KeptCounter>, report: Report): void {
  const named = valueAt(state, 'counter');
  const name = textOf(named);
  if (!state || !named || name === undefined) return;
  const path = renderStatePath({ key, counter: name });
  if (kept.has(path)) {
    report.add(
      'duplicate-counter',
      named.offset,
      `counter "${name}" is defined twice under "${key}"`,
      'a counter counts once for each call; remove one "state", or rename it',
    );
    return;
  }
  const unit = (textOf(valueAt(state, 'window')) ?? 'day') as WindowUnit;
  const per = (textOf(valueAt(state, 'per')) ?? 'policy') as Per;
  kept.set(path, { counter: stateCounter(key, name, unit, per), offset: named.offset });
}

function findCounter(
  text: string,
  offset: number,
  kept: ReadonlyMap<string, KeptCounter>,
  read: Set<string>,
  report: Report,
): Counter | undefined {
  const path = parseStatePath(text);
  if (!path) return undefined;
  const name = renderStatePath(path);
  const found = kept.get(name);
  read.add(name);
  if (found) return found.counter;
  const near = nearest(name, kept.keys());
  const help =
    near === undefined ? `add "state: {counter: ${path.counter}, window: day}" to a rule of "${path.key}"` : `did you mean "${near}"?`;
  report.add('unknown-counter', offset, `no rule keeps the counter "${name}"`, help);
  return undefined;
}
