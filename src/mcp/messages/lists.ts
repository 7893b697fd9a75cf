/** Pages of `tools/list` (wire.md §3): hidden tools are cut out, everything else stays byte for byte. */
import type { Json } from '../../core/json.ts';
import { finish, type Slices } from '../../core/slices.ts';
import { applyEdits, cutItems, type Edit, elementsAt, isStrictValue, setMember } from '../json/edit.ts';
import { definePlace } from '../json/keys.ts';
import { elementsInSlices, MAX_ENTRIES } from '../json/scan-slices.ts';
import type { Member, Span } from '../json/scan-types.ts';
import { readJson, stringAt } from '../json/values.ts';
import { findOddKey, isWord } from './envelope.ts';
import type { ResponseFrame } from './frame.ts';
import { quote } from './refusal.ts';
export interface ListedTool {
  readonly name: string;
  /** The tool's JSON text as the server wrote it. */
  readonly definition: string;
  /** Undefined where there is none, or it could be read in two ways. */
  readonly inputSchema: Json | undefined;
}

export type ToolPage =
  | {
      readonly kind: 'page';
      /** The message without the tools that are not to be seen. */
      readonly text: string;
      /** All tools of the page, also those cut. */
      readonly tools: readonly ListedTool[];
      readonly removed: number;
      /** Why entries were taken out that nobody can read. */
      readonly unread: readonly string[];
      readonly nextCursor: string | undefined;
    }
  | { readonly kind: 'unreadable'; readonly why: string };

const TOOL_PAGE_KEYS = definePlace('tools', 'nextCursor', 'ttlMs', 'cacheScope', '_meta', 'resultType');
const TOOL_KEYS = definePlace('name', 'inputSchema');
/** A filtered page is the policy's view of now: nobody keeps it longer than this. */
const MAX_TTL_MS = 60_000;
/** Characters between two pauses. */
const SLICE = 32 * 1024;

/**
 * Cuts the tools that `keep` does not name out of a page. `clamp`: a page so changed may be cached by this client
 * alone, and briefly (2026-07-28). SECURITY: a page that could be read in two ways is unreadable, because the
 * client's reading could show what ours has hidden.
 */
export function filterToolPage(frame: ResponseFrame, keep: (name: string) => boolean, clamp = false): ToolPage {
  return finish(filterToolPageInSlices(frame, keep, clamp));
}

/** The same of a page of any length. */
export function* filterToolPageInSlices(frame: ResponseFrame, keep: (name: string) => boolean, clamp = false): Slices<ToolPage> {
  const { text, span, result } = frame;
  if (frame.outcome === 'error')
    return { kind: 'page', text: text.slice(span.start, span.end), tools: [], removed: 0, unread: [], nextCursor: undefined };
  if (!result || text.charCodeAt(result.start) !== 123) return unreadable('the result is not an object');
  const odd = findOddKey(result.members, TOOL_PAGE_KEYS);
  if (odd) return unreadable(`key ${quote(odd.key)} of the result is there twice, or only looks like one of MCP's`);
  const nextCursor = readCursor(text, frame.members.get('nextCursor'));
  if (nextCursor === null) return unreadable('"nextCursor" is not a string');
  const list = frame.members.get('tools');
  if (!list || text.charCodeAt(list.start) !== 91) return unreadable('"tools" is not an array');
  const isLarge = list.end - list.start > SLICE;
  const entries = isLarge ? yield* elementsInSlices(text, list.start) : elementsAt(text, list.start);
  if (!entries) return unreadable(`"tools" has more than ${MAX_ENTRIES} entries`);
  const read = yield* readTools(text, entries);
  if (typeof read === 'string') return unreadable(read);
  const kept = read.map((tool) => typeof tool !== 'string' && keep(tool.name));
  const edits = cutItems(entries, (index) => !kept[index]);
  const removed = kept.filter((isKept) => !isKept).length;
  if (clamp && removed > 0) edits.push(...clampCaching(frame, result));
  const tools = read.filter((tool) => typeof tool !== 'string');
  const unread = read.filter((tool) => typeof tool === 'string');
  return { kind: 'page', text: applyEdits(text, span, edits), tools, removed, unread, nextCursor };
}

function unreadable(why: string): ToolPage {
  return { kind: 'unreadable', why };
}

/** Null where it is something else than a string, null or absent. The empty string is a cursor like any other. */
function readCursor(text: string, span: Span | undefined): string | undefined | null {
  if (!span || isWord(text, span, 'null')) return undefined;
  return stringAt(text, span) ?? null;
}

/**
 * The tools; in the place of an entry that is no tool for anybody, why. Or why the page cannot be read: an entry that two
 * readers take for different tools.
 */
function* readTools(text: string, entries: readonly Member[]): Slices<(ListedTool | string)[] | string> {
  const tools: (ListedTool | string)[] = [];
  let pausedAt = entries[0]?.start ?? 0;
  for (const [index, entry] of entries.entries()) {
    if (entry.end - pausedAt > SLICE) {
      pausedAt = entry.end;
      yield;
    }
    const tool = readTool(text, entry);
    if (typeof tool === 'string') return `entry ${index} of "tools" ${tool}`;
    tools.push(tool ?? `entry ${index} of "tools" is no object, or has no name`);
  }
  return tools;
}

/** Undefined where it has no name; why, where it can be read in two ways. */
function readTool(text: string, entry: Member): ListedTool | string | undefined {
  const { members, start, end } = entry;
  if (!members) return undefined;
  const odd = findOddKey(members, TOOL_KEYS);
  if (odd) return `has key ${quote(odd.key)} twice, or it only looks like one of MCP's`;
  const nameAt = members.find(({ key }) => key === 'name');
  const name = nameAt && stringAt(text, nameAt);
  if (name === undefined) return undefined;
  if (!name.isWellFormed()) return 'has half of a surrogate pair in its name';
  const schemaAt = members.find(({ key }) => key === 'inputSchema');
  const isCertain = schemaAt && isStrictValue(text, schemaAt.start);
  return { name, definition: text.slice(start, end), inputSchema: isCertain ? readJson(text, schemaAt.start) : undefined };
}

/** Where the page says how it may be cached, it says `private` and at most a minute. */
function clampCaching(frame: ResponseFrame, result: Span): Edit[] {
  const { text, members } = frame;
  const ttlAt = members.get('ttlMs');
  if (!ttlAt && !members.has('cacheScope') && !members.has('resultType')) return [];
  const edits = [setMember(text, result, 'cacheScope', '"private"')];
  if (ttlAt && !isShort(text.slice(ttlAt.start, ttlAt.end))) edits.push({ start: ttlAt.start, end: ttlAt.end, text: `${MAX_TTL_MS}` });
  return edits;
}

function isShort(ttl: string): boolean {
  return /^\d/.test(ttl) && Number(ttl) <= MAX_TTL_MS;
}

export type TaskPage =
  | { readonly kind: 'page'; readonly text: string; readonly removed: number }
  | { readonly kind: 'unreadable'; readonly why: string };

const TASK_PAGE_KEYS = definePlace('tasks', 'nextCursor', '_meta');
const TASK_KEYS = definePlace('taskId');

/** Tasks between two pauses. */
const LOT = 1024;

/** Cuts the tasks that `keep` does not name out of a page. SECURITY: a page that could be read in two ways is unreadable. */
export function* filterTaskPage(frame: ResponseFrame, keep: (taskId: string) => boolean): Slices<TaskPage> {
  const { text, span, result, members } = frame;
  if (!result || text.charCodeAt(result.start) !== 123) return { kind: 'unreadable', why: 'the result is not an object' };
  if (findOddKey(result.members, TASK_PAGE_KEYS)) return { kind: 'unreadable', why: 'a key of the result is ambiguous' };
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
