/** Reads the fields of a map with positions: what is misspelt, missing or of another type is reported, not passed over. */

import { type Entry, entriesOf, entryOf, type Node } from '../../policy/format/tree.ts';
import { didYouMean } from '../../policy/nearest.ts';
import type { Report } from '../../policy/report.ts';

export interface Fields {
  readonly offset: number;
  has(key: string): boolean;
  node(key: string): Node | undefined;
  text(key: string): string | undefined;
  duration(key: string): number | undefined;
  instant(key: string): number | undefined;
  count(key: string): number | undefined;
  choice<T extends string>(key: string, choices: readonly T[]): T | undefined;
  list(key: string): readonly Node[];
  fault(key: string, message: string, help?: string): void;
}

const DURATION = /^(?:\d+[smhd])+$/;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const INSTANT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
const MOST_REPEATS = 1_000_000;

/** Checks the keys of a map and gives its fields. Undefined where the node is no map. */
export function readFields(node: Node | undefined, what: string, keys: readonly string[], report: Report): Fields | undefined {
  if (node?.kind !== 'map') {
    report.add('wrong-type', node?.offset ?? 0, `${what} is a map`);
    return undefined;
  }
  for (const { key, offset } of entriesOf(node)) {
    if (!keys.includes(key)) report.add('unknown-key', offset, `unknown key "${key}" in ${what}`, didYouMean(key, keys));
  }
  return fieldsOf(node, report);
}

function fieldsOf(node: Node, report: Report): Fields {
  const entry = (key: string) => entryOf(node, key);
  const fault = (key: string, message: string, help?: string) =>
    report.add('wrong-value', entry(key)?.value.offset ?? node.offset, message, help);
  const read = <T>(key: string, expected: string, value: (found: Entry) => T | undefined): T | undefined => {
    const found = entry(key);
    const result = found && value(found);
    if (found && result === undefined) fault(key, `"${key}" is ${expected}`);
    return result;
  };
  return {
    offset: node.offset,
    has: (key) => entry(key) !== undefined,
    node: (key) => entry(key)?.value,
    text: (key) => read(key, 'a text', ({ value }) => (value.kind === 'text' ? value.text : undefined)),
    duration: (key) =>
      read(key, 'a duration such as 30s, 10m or 1h30m', ({ value }) => (value.kind === 'text' ? durationOf(value.text) : undefined)),
    instant: (key) =>
      read(key, 'an instant such as 2026-03-01T10:00:00Z', ({ value }) => (value.kind === 'text' ? instantOf(value.text) : undefined)),
    count: (key) =>
      read(key, `a whole number from 1 to ${MOST_REPEATS}`, ({ value }) => (value.kind === 'number' ? countOf(value.number) : undefined)),
    choice(key, choices) {
      const value = entry(key)?.value;
      const written = value?.kind === 'text' ? value.text : undefined;
      const found = choices.find((choice) => choice === written);
      if (value && found === undefined)
        fault(key, `"${key}" is one of ${choices.join(', ')}`, written === undefined ? undefined : nearestChoice(written, choices));
      return found;
    },
    list: (key) => read(key, 'a list', ({ value }) => (value.kind === 'list' ? value.items : undefined)) ?? [],
    fault,
  };
}

/** Also by its beginning: `denied` is far from `deny`, letter by letter. */
function nearestChoice(written: string, choices: readonly string[]): string | undefined {
  const alike = choices.find((choice) => choice.slice(0, 3) === written.slice(0, 3).toLowerCase());
  return alike === undefined ? didYouMean(written, choices) : `did you mean "${alike}"?`;
}

function durationOf(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g)) total += Number(count) * UNITS[unit as keyof typeof UNITS];
  return total;
}

function instantOf(text: string): number | undefined {
  const value = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}

function countOf(text: string): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= MOST_REPEATS ? value : undefined;
}
