/** Edits of lists that stand in lines, with a dash before each item: block sequences of YAML. */
import type { Splice } from '../types.ts';
import { leadOf } from './flow.ts';
import { type ArrayTree, stretchOf } from './tree.ts';

/** Puts items before the first of a list. */
export function prependBlock(text: string, { marks = [] }: ArrayTree, items: readonly string[]): readonly Splice[] {
  const [start] = marks;
  if (start === undefined) return [];
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const indentation = leadOf(text, start)?.replace(/^\r?\n/, '') ?? columnOf(text, start);
  return [{ start, end: start, text: items.map((item) => `- ${item}${newline}${indentation}`).join('') }];
}

/** Takes the first items of a list away. */
export function dropBlock(_: string, list: ArrayTree, count: number): readonly Splice[] {
  const [start] = list.marks ?? [];
  const next = list.marks?.[count];
  if (start === undefined) return [];
  return [next === undefined ? { ...stretchOf(list), text: '[]' } : { start, end: next, text: '' }];
}

/** Blanks up to a place's column: what else begins the line is the dash of an outer list. */
export function columnOf(text: string, at: number): string {
  return ' '.repeat(at - (text.lastIndexOf('\n', at - 1) + 1));
}
