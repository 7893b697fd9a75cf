/** Pages of `tasks/list` (wire.md §2.7): tasks of others are cut out, everything else stays byte for byte. */
import type { Slices } from '../../core/slices.ts';
import { applyEdits, cutItems } from '../json/edit.ts';
import { definePlace } from '../json/keys.ts';
import { elementsAt, type Member } from '../json/scan.ts';
import { elementsInSlices, MAX_ENTRIES } from '../json/scan-slices.ts';
import { stringAt } from '../json/token.ts';
import { findOddKey } from './envelope.ts';
import type { ResponseFrame } from './message.ts';

export type TaskPage =
  | { readonly kind: 'page'; readonly text: string; readonly removed: number }
  | { readonly kind: 'unreadable'; readonly why: string };

const PAGE_KEYS = definePlace('tasks', 'nextCursor', '_meta');
const TASK_KEYS = definePlace('taskId');

/** Characters from which on a list is read in slices, and tasks between two pauses. */
const SLICE = 32 * 1024;
const LOT = 1024;

/** Cuts the tasks that `keep` does not name out of a page. SECURITY: a page that could be read in two ways is unreadable. */
export function* filterTaskPage(frame: ResponseFrame, keep: (taskId: string) => boolean): Slices<TaskPage> {
  const { text, span, result, members } = frame;
  if (!result || text.charCodeAt(result.start) !== 123) return { kind: 'unreadable', why: 'the result is not an object' };
  if (findOddKey(result.members, PAGE_KEYS)) return { kind: 'unreadable', why: 'a key of the result is ambiguous' };
  const list = members.get('tasks');
  if (!list || text.charCodeAt(list.start) !== 91) return { kind: 'unreadable', why: '"tasks" is not an array' };
  const isLarge = list.end - list.start > SLICE;
  const entries = isLarge ? yield* elementsInSlices(text, list.start) : elementsAt(text, list.start);
  if (!entries) return { kind: 'unreadable', why: `"tasks" has more than ${MAX_ENTRIES} entries` };
  const ids: (string | undefined)[] = [];
  for (const entry of entries) {
    ids.push(idOf(text, entry));
    if (ids.length % LOT === 0) yield;
  }
  if (ids.includes(undefined)) return { kind: 'unreadable', why: 'a task has no id that can be read' };
  const isCut = (index: number) => !keep(ids[index] ?? '');
  return { kind: 'page', text: applyEdits(text, span, cutItems(entries, isCut)), removed: ids.filter((_, index) => isCut(index)).length };
}

function idOf(text: string, { members }: Member): string | undefined {
  const found = members?.find(({ key }) => key === 'taskId');
  return found && !findOddKey(members, TASK_KEYS) ? stringAt(text, found) : undefined;
}
