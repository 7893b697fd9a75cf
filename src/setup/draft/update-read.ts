/** Reads an edited policy for a merge: which tools it knows, where they stand, and what the last scan said of them. */
import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument, visit, type YAMLMap } from 'yaml';
import { CommandError, EXIT } from '../../core/fault.ts';
import { compileName, matchesName } from '../../core/names.ts';
import { RISKS, type Risk } from '../risk/risk.ts';
import { headingOf } from './draft.ts';

export interface ReadPolicy {
  readonly lines: readonly string[];
  /** Its line ends. */
  readonly eol: string;
  readonly default: 'allow' | 'deny';
  /** Tools with a key, or a closed entry, of their own, and the line where that stands. */
  readonly known: ReadonlyMap<string, number>;
  /** Names that `allow` and `hide` list. */
  readonly named: readonly string[];
  /** True where a glob, `allow` or `hide` is about the name. */
  covers(name: string): boolean;
  readonly place: ToolsPlace;
  /** The groups, by the line of their heading. */
  readonly headings: ReadonlyMap<Risk, number>;
}

/** Where entries can be added. `end` is the line that they end before. */
export type ToolsPlace =
  | { readonly kind: 'block'; readonly indent: number; readonly start: number; readonly end: number }
  /** `tools:` or `tools: {}`, with where that value stands. */
  | { readonly kind: 'empty'; readonly line: number; readonly from: number; readonly to: number }
  | { readonly kind: 'flow' }
  | { readonly kind: 'none' };

interface Entry {
  readonly key: string;
  readonly line: number;
  readonly last: number;
}

/** Reads it. Throws `CommandError` where it is no policy at all. */
export function readPolicy(text: string): ReadPolicy {
  const document = parseDocument(text, { schema: 'failsafe', uniqueKeys: false });
  const root = document.contents;
  if (document.errors.length > 0 || !isMap(root))
    throw new CommandError('the policy is no YAML map', EXIT.invalidPolicy, '"intercept validate" says what is wrong with it');
  const lines = text.split('\n');
  const lineAt = lineFinder(lines);
  const tools = valueAt(root, 'tools');
  const entries = isMap(tools) ? tools.items.flatMap((pair) => entryOf(pair, lineAt)) : [];
  const inside = linesInside(root, lineAt);
  const comments = lines.map((line, index) => (inside.has(index) ? '' : line.replace(/\r$/, '')));
  const named = [...textsAt(root, 'allow'), ...textsAt(root, 'hide')];
  const patterns = [...named, ...entries.map(({ key }) => key).filter((key) => key !== '*')].map(compileName);
  return {
    lines,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
    default: textOf(valueAt(root, 'default')) === 'deny' ? 'deny' : 'allow',
    known: new Map([...closedEntries(comments), ...entries.map(({ key, line }): [string, number] => [key, line])]),
    named,
    covers: (name) => patterns.some((pattern) => matchesName(pattern, name)),
    place: placeOf(root, entries, lines, lineAt),
    headings: headingsIn(comments),
  };
}

type LineAt = (offset: number) => number;

function lineFinder(lines: readonly string[]): LineAt {
  const starts: number[] = [];
  let at = 0;
  for (const line of lines) {
    starts.push(at);
    at += line.length + 1;
  }
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
}

function valueAt(map: YAMLMap, key: string): unknown {
  return map.items.find((pair) => textOf(pair.key) === key)?.value;
}

function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}

function textsAt(map: YAMLMap, key: string): readonly string[] {
  const value = valueAt(map, key);
  const items = isSeq(value) ? value.items : [value];
  return items.flatMap((item) => textOf(item) ?? []);
}

function entryOf({ key, value }: Pair, lineAt: LineAt): readonly Entry[] {
  const text = textOf(key);
  const [start, end] = rangeOf(key as Node | null);
  if (text === undefined) return [];
  const [, valueEnd] = rangeOf(value as Node | null);
  return [{ key: text, line: lineAt(start), last: lineAt(Math.max(end, valueEnd) - 1) }];
}

function rangeOf(node: Node | null): readonly [number, number] {
  const [start, end] = node?.range ?? [0, 0];
  return [start, end];
}

/** Lines within texts of several lines: what looks like a comment there is none. */
function linesInside(root: YAMLMap, lineAt: LineAt): ReadonlySet<number> {
  const inside = new Set<number>();
  visit(root, {
    Scalar(_, node) {
      const [start, end] = rangeOf(node);
      for (let line = lineAt(start) + 1; line <= lineAt(end - 1); line++) inside.add(line);
    },
  });
  return inside;
}

const CLOSED = /^\s*# ("(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_./-]*):$/;

/** Entries that are comments, as `closedEntry` writes them. */
function closedEntries(comments: readonly string[]): readonly (readonly [string, number])[] {
  return comments.flatMap((line, index) => {
    const [, key] = CLOSED.exec(line) ?? [];
    const name = key === undefined ? undefined : unquoted(key);
    return name === undefined || name === '*' ? [] : [[name, index] as const];
  });
}

/** The text of a key as `quoted` writes it. */
export function unquoted(key: string): string | undefined {
  if (!key.startsWith('"')) return key;
  const value = parseDocument(key).contents;
  return isScalar(value) && typeof value.value === 'string' ? value.value : undefined;
}

function headingsIn(comments: readonly string[]): ReadonlyMap<Risk, number> {
  const found = new Map<Risk, number>();
  for (const [index, line] of comments.entries()) {
    const risk = RISKS.find((each) => line.trim() === headingOf(each));
    if (risk !== undefined) found.set(risk, index);
  }
  return found;
}

function placeOf(root: YAMLMap, entries: readonly Entry[], lines: readonly string[], lineAt: LineAt): ToolsPlace {
  const pair = root.items.find(({ key }) => textOf(key) === 'tools');
  if (!pair) return { kind: 'none' };
  const [, keyEnd] = rangeOf(pair.key as Node);
  const tools = pair.value;
  const first = entries[0];
  if (!isMap(tools) || !first) {
    const [from, to] = rangeOf(tools as Node | null);
    return { kind: 'empty', line: lineAt(keyEnd - 1), from: isMap(tools) ? from : 0, to: isMap(tools) ? to : 0 };
  }
  if (tools.flow) return { kind: 'flow' };
  const indent = /^\s*/.exec(lines[first.line] ?? '')?.[0].length ?? 0;
  const last = Math.max(...entries.map((entry) => entry.last));
  return { kind: 'block', indent, start: lineAt(keyEnd - 1), end: endFrom(last + 1, lines) };
}

/** Comments below the last entry that are indented belong to it, and so do blank lines between them. */
function endFrom(line: number, lines: readonly string[]): number {
  let end = line;
  for (let at = line; at < lines.length && /^(?:\s+#.*|\s*)$/.test(lines[at] ?? ''); at++) if (lines[at]?.trim()) end = at + 1;
  return end;
}
