/** Puts parts of one policy into another by lines: what is taken stands there as it was written, comments included. */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';

/** Lines of a text: a key with all that is below it, or what stands between keys. */
interface Block {
  /** Undefined for what stands between. */
  readonly key: string | undefined;
  /** The comments directly above the key, at its indentation. */
  readonly comments: readonly string[];
  readonly lines: readonly string[];
}

export interface Merged {
  readonly text: string;
  /** Tools of the fragment that the policy does not list. */
  readonly unknown: readonly string[];
}

const TOOLS = 'tools';
/** They say whose policy it is and how it ends: a fragment does not. */
const FIXED = ['version', 'name', 'default', TOOLS];

interface MergeOptions {
  /** The tools whose entries are taken; all without it. `"*"` always is. */
  readonly takes?: (tool: string) => boolean;
  /** Keys that the policy has are kept as they are. */
  readonly keepsKeys?: boolean;
}

/**
 * Puts a fragment into a policy. A tool's entry takes the place of the policy's own, every other key that of its like, or
 * stands before `tools`.
 */
export function mergePolicy(policy: string, fragment: string, { takes = () => true, keepsKeys = false }: MergeOptions = {}): Merged {
  const [top, given] = [cutKeys(policy), cutKeys(fragment)];
  const tools = mergeTools(cutKeys(policy, TOOLS), keyed(cutKeys(fragment, TOOLS)), takes);
  const keys = given.filter(({ key }) => key !== undefined && !FIXED.includes(key));
  const has = new Set(top.map(({ key }) => key));
  const added = keys.filter(({ key }) => !has.has(key));
  const replacing = keyed(keepsKeys ? [] : keys);
  const lines = top.flatMap((block) => {
    if (block.key === TOOLS) return [...added.flatMap(linesOf), ...block.comments, block.lines[0] ?? '', ...tools.lines];
    return linesOf(replacing.get(block.key ?? '') ?? block);
  });
  return { text: lines.join('\n'), unknown: tools.unknown };
}

function mergeTools(
  own: readonly Block[],
  given: ReadonlyMap<string, Block>,
  takes: (tool: string) => boolean,
): { readonly lines: readonly string[]; readonly unknown: readonly string[] } {
  const names = new Set(own.map(({ key }) => key));
  const lines = own.flatMap((block) => {
    const other = block.key !== undefined && (block.key === '*' || takes(block.key)) ? given.get(block.key) : undefined;
    return other ? [...commentsBeside(block, other), ...linesOf(other)] : linesOf(block);
  });
  const every = given.get('*');
  return {
    lines: every && !names.has('*') ? [...linesOf(every), ...lines] : lines,
    unknown: [...given.keys()].filter((name) => name !== '*' && !names.has(name)),
  };
}

/** The policy's own comments that stay: of the rule for all, a comment of the fragment's takes their place. */
function commentsBeside({ key, comments }: Block, other: Block): readonly string[] {
  return key === '*' && other.comments.length > 0 ? [] : comments.filter((line) => !other.comments.includes(line));
}

function linesOf({ comments, lines }: Block): readonly string[] {
  return [...comments, ...lines];
}

function keyed(blocks: readonly Block[]): ReadonlyMap<string, Block> {
  return new Map(blocks.flatMap((block) => (block.key === undefined ? [] : [[block.key, block] as const])));
}

/** The names of the tools that a policy has entries for. */
export function toolsIn(policy: string): readonly string[] {
  return [...keyed(cutKeys(policy, TOOLS)).keys()];
}

/** Cuts a text into its keys, or those below one of them. Joined again, the blocks are the text. */
function cutKeys(text: string, parent?: string): readonly Block[] {
  const counter = new LineCounter();
  const root = parseDocument(text, { lineCounter: counter }).contents;
  const map = parent === undefined || !isMap(root) ? root : root.get(parent, true);
  if (!isMap(map)) return [];
  const lines = text.split('\n');
  const keys = new Map(
    map.items.flatMap(({ key }) =>
      isScalar(key) && key.range ? [[counter.linePos(key.range[0]).line - 1, String(key.value)] as const] : [],
    ),
  );
  const [from, to] = parent === undefined ? [0, lines.length] : rangeBelow(keys, lines);
  return blocksIn(lines, from, to, keys);
}

/** The lines from behind the parent's key to its last deeper line. */
function rangeBelow(keys: ReadonlyMap<number, string>, lines: readonly string[]): readonly [number, number] {
  let from = keys.keys().next().value ?? lines.length;
  const indent = indentOf(lines[from] ?? '') - 1;
  while (from > 0 && isDeep(lines[from - 1] ?? '', indent)) from--;
  return [from, endOf(lines, from, indent)];
}

function blocksIn(lines: readonly string[], from: number, to: number, keys: ReadonlyMap<number, string>): readonly Block[] {
  const blocks: Block[] = [];
  for (let at = from; at < to; ) {
    const key = keys.get(at);
    const end = key === undefined ? at + 1 : Math.min(to, endOf(lines, at, indentOf(lines[at] ?? '')));
    const comments = key === undefined ? [] : takeComments(blocks, indentOf(lines[at] ?? ''));
    blocks.push({ key, comments, lines: lines.slice(at, end) });
    at = end;
  }
  return blocks;
}

/** Takes the comments off the end of what came before. */
function takeComments(blocks: Block[], indent: number): readonly string[] {
  const comments: string[] = [];
  for (let last = blocks.at(-1); last?.key === undefined && isComment(last?.lines[0], indent); last = blocks.at(-1)) {
    comments.unshift(...(last?.lines ?? []));
    blocks.pop();
  }
  return comments;
}

function isComment(line: string | undefined, indent: number): boolean {
  return line !== undefined && indentOf(line) === indent && line.trimStart().startsWith('#');
}

/** Behind the last line that belongs to the key: deeper ones, and blank ones between such. */
function endOf(lines: readonly string[], at: number, indent: number): number {
  let end = at + 1;
  for (let next = end; next < lines.length && isDeep(lines[next] ?? '', indent); next++) if (lines[next]?.trim() !== '') end = next + 1;
  return end;
}

function isDeep(line: string, indent: number): boolean {
  return line.trim() === '' || indentOf(line) > indent;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
