/** YAML, one document. Read by the package yaml, whose ranges are exact; its own printer is not used: it lays text out anew. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, parseAllDocuments, type Node as YamlNode } from 'yaml';
import type { Json } from '../../../core/json.ts';
import type { Splice } from '../types.ts';
import { columnOf } from './block.ts';
import { cut, leadOf } from './flow.ts';
import { lineOf } from './json.ts';
import { lineEnd, lower } from './toml.ts';
import {
  type AddedLine,
  jsonText,
  type ObjectTree,
  type Stand,
  type Style,
  type TextFormat,
  type Tree,
  type TreeMember,
  UnreadableText,
} from './tree.ts';

export const YAML_FORMAT: TextFormat = {
  parse,
  write: writeYaml,
  writeKey: (key) => (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) && !WORDS.test(key) ? key : JSON.stringify(key)),
  colon: ': ',
  comment: /#[^\r\n]*/y,
  addLine,
  removeLines,
};

/** Plain words that some reader of YAML takes for something else than text. */
const WORDS = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

function parse(text: string): ObjectTree {
  const documents = parseAllDocuments(text, { keepSourceTokens: true, uniqueKeys: true, prettyErrors: false });
  if (!Array.isArray(documents) || documents.length === 0) return emptyObject('the file is empty');
  const [document, second] = documents as readonly Document.Parsed[];
  if (second) throw new UnreadableText('it holds several documents');
  const [error] = document?.errors ?? [];
  if (error) throw new UnreadableText(`line ${lineOf(text, error.pos[0])}: ${lower(error.message.split('\n', 1)[0] ?? '')}`);
  const contents = document?.contents ?? null;
  if (contents === null || (isScalar(contents) && contents.value === null)) return emptyObject('the file is empty');
  const tree = treeOf(contents, text);
  if (tree.kind !== 'object') throw new UnreadableText('it holds no map');
  return tree;
}

function emptyObject(trap: string): ObjectTree {
  return { kind: 'object', style: 'block', members: [], stands: [{ start: 0, end: 0 }], trap };
}

function treeOf(node: YamlNode, text: string): Tree {
  const [start = 0, end = start] = node.range ?? [];
  const trap = trapOf(node);
  if (isMap(node)) {
    const members = node.items.map((pair) => memberOf(pair, text));
    const style = styleOf(node.flow);
    const merge = members.some(({ key }) => key === '<<') ? { trap: 'a merge key' } : {};
    return { kind: 'object', style, members, stands: [{ start, end: endOf(style, end, members.at(-1)?.whole[0]) }], ...merge, ...trap };
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => (isNode(item) ? treeOf(item, text) : nothingAt(end)));
    const style = styleOf(node.flow);
    return {
      kind: 'array',
      style,
      items,
      marks: marksOf(node.srcToken),
      stands: [{ start, end: endOf(style, end, items.at(-1)?.stands[0]) }],
      ...trap,
    };
  }
  if (isScalar(node)) return { ...scalarOf(node, text, start, end), ...trap };
  return { kind: 'scalar', value: null, stands: [{ start, end }], isPortable: false, trap: 'an alias' };
}

function isNode(value: unknown): value is YamlNode {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value);
}

function nothingAt(at: number): Tree {
  return { kind: 'scalar', value: null, stands: [{ start: at, end: at }], isPortable: false };
}

function styleOf(flow: boolean | undefined): Style {
  return flow ? 'flow' : 'block';
}

/** A block ends with its last part: its own range takes the line end in, and what follows. */
function endOf(style: Style, end: number, last: Stand | undefined): number {
  return style === 'block' && last ? last.end : end;
}

function trapOf(node: YamlNode): { readonly trap?: string } {
  if (isAlias(node)) return { trap: 'an alias' };
  if ('anchor' in node && node.anchor !== undefined) return { trap: 'an anchor' };
  return node.tag === undefined ? {} : { trap: 'a tag' };
}

function memberOf({ key, value }: Pair<unknown, unknown>, text: string): TreeMember {
  if (!isScalar(key)) throw new UnreadableText('a key of it is no text');
  const [start = 0, end = start] = key.range ?? [];
  const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
  const tree = isNode(value) ? treeOf(value, text) : nothingAt(end);
  return { key: name, keys: [{ start, end }], whole: [{ start, end: Math.max(end, tree.stands[0]?.end ?? end) }], value: tree };
}

function scalarOf(node: { value: unknown; source?: string; type?: string }, text: string, start: number, end: number): Tree {
  const raw = text.slice(start, end);
  const stands = [{ start, end: start + raw.trimEnd().length }];
  const { value } = node;
  const isOneLine = !/[\r\n]/.test(raw);
  const isPortable = isOneLine && typeof value === 'string' && (/^["']/.test(raw) || (raw !== '' && !/[,[\]{}]|: |:$| #/.test(raw)));
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return { kind: 'scalar', value, stands, isPortable };
  return { kind: 'scalar', value: { number: node.source ?? String(value) }, stands, isPortable: false };
}

/** Where the dash of each item of a block stands. */
function marksOf(token: unknown): readonly number[] {
  const { items = [] } = token as {
    readonly items?: readonly { readonly start?: readonly { readonly type: string; readonly offset: number }[] }[];
  };
  return items.flatMap(({ start = [] }) => start.filter(({ type }) => type === 'seq-item-ind').map(({ offset }) => offset));
}

/** JSON's text is YAML's; a path of Windows is readable in single quotes. */
function writeYaml(value: Json): string {
  if (typeof value === 'string' && value.includes('\\') && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) return `'${value.replaceAll("'", "''")}'`;
  if (Array.isArray(value)) return `[${value.map(writeYaml).join(', ')}]`;
  if (value instanceof Map) return `{${Array.from(value, ([key, member]) => `${JSON.stringify(key)}: ${writeYaml(member)}`).join(', ')}}`;
  return jsonText(value);
}

/** A line of its own behind the member's. */
function addLine(text: string, after: TreeMember, { key, value }: AddedLine): readonly Splice[] {
  const [whole] = after.whole;
  if (!whole) return [];
  const end = lineEnd(text, whole.end);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  return [{ start: end, end, text: `${newline}${columnOf(text, whole.start)}${YAML_FORMAT.writeKey(key)}: ${value}` }];
}

function removeLines(text: string, object: ObjectTree, removed: readonly TreeMember[]): readonly Splice[] {
  return removed.flatMap((member) => {
    const [whole] = member.whole;
    if (!whole) return [];
    const lead = leadOf(text, whole.start) ?? (text.slice(0, whole.start).trim() === '' ? text.slice(0, whole.start) : undefined);
    if (lead !== undefined) return [cut({ start: whole.start - lead.length, end: lineEnd(text, whole.end) })];
    // Behind the dash of a list: the next member takes its place.
    const next = object.members.find((other) => !removed.includes(other) && (other.whole[0]?.start ?? 0) > whole.start);
    return [cut({ start: whole.start, end: next?.whole[0]?.start ?? lineEnd(text, whole.end) })];
  });
}
