/** Names of tools that a key of a policy can mean (policy.md §2). */
import type { ScannedTool } from '../risk/risk.ts';
import type { LeftOut } from './model.ts';
import { quoted } from './text.ts';

const MOST_BYTES = 1024;
/** YAML reads a key of so many characters on its line. */
const MOST_WRITTEN = 1_000;

/** The tools that have a key of their own, by their place in the list, and the others with why. */
export function nameableTools(tools: readonly ScannedTool[]): {
  readonly nameable: readonly number[];
  readonly leftOut: readonly LeftOut[];
} {
  const counts = new Map<string, number>();
  for (const { name } of tools) counts.set(name, (counts.get(name) ?? 0) + 1);
  const nameable: number[] = [];
  const leftOut = new Map<string, LeftOut>();
  for (const [index, { name }] of tools.entries()) {
    const why = refusalOf(name, counts.get(name) ?? 0);
    if (why === undefined) nameable.push(index);
    else leftOut.set(name, { name, why });
  }
  return { nameable, leftOut: [...leftOut.values()] };
}

/** Says why no key means this name; undefined where one does. */
function refusalOf(name: string, count: number): string | undefined {
  if (count > 1) return `the server lists it ${count} times`;
  if (name === '_global') return '"_global" stands for all tools together in a policy';
  if (name.includes('*')) return 'a key with "*" is a glob';
  if (name.trim() === '') return 'its name is blank';
  if (!name.isWellFormed()) return 'its name is no text';
  const isLong = new TextEncoder().encode(name).length > MOST_BYTES || quoted(name).length > MOST_WRITTEN;
  return isLong ? 'its name is over 1 KiB' : undefined;
}
