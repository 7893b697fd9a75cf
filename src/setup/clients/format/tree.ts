/** A configuration file as a tree of values that know where they stand: the same for JSON, TOML and YAML. */
import type { Json } from '../../../core/json.ts';
import type { Splice } from '../types.ts';

/** Offsets in the text, the end exclusive. */
export interface Stand {
  readonly start: number;
  readonly end: number;
}

/** flow: in brackets, with commas. block: YAML by indentation. table: TOML in lines, in one place or several. */
export type Style = 'flow' | 'block' | 'table';

export interface ObjectTree {
  readonly kind: 'object';
  readonly style: Style;
  readonly members: TreeMember[];
  /** All that belongs to it; one stretch, but for tables. */
  readonly stands: Stand[];
  /** Something about it that edits must not touch: an anchor, an alias, a tag. */
  readonly trap?: string;
}

export interface TreeMember {
  readonly key: string;
  /** Each place where the key is spelled: a table is named in the head of each of its parts. */
  readonly keys: Stand[];
  /** All that goes when the member goes. */
  readonly whole: Stand[];
  readonly value: Tree;
}

export interface ArrayTree {
  readonly kind: 'array';
  readonly style: Style;
  readonly items: readonly Tree[];
  /** Where the dashes of a list in lines stand. */
  readonly marks?: readonly number[];
  readonly stands: Stand[];
  readonly trap?: string;
}

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly value: null | boolean | string | { readonly number: string };
  readonly stands: Stand[];
  /** Its text can stand at another place of the file, too. */
  readonly isPortable: boolean;
  readonly trap?: string;
}

export type Tree = ObjectTree | ArrayTree | ScalarTree;

/** A member to add on a line of its own: its key as it is, its value as text, and the dotted names before the key. */
export interface AddedLine {
  readonly key: string;
  readonly value: string;
  readonly lead: string;
}

/** A format of files: reads a tree, and says which text to change. */
export interface TextFormat {
  /** Throws `UnreadableText`. */
  parse(text: string): ObjectTree;
  /** A value as text that may stand in brackets or after a key. */
  write(value: Json): string;
  writeKey(key: string): string;
  /** Between key and value in brackets. */
  readonly colon: string;
  /** Matches a comment at a place. */
  readonly comment: RegExp;
  /** Adds a member behind another of an object of lines (style block or table). */
  addLine(text: string, after: TreeMember, added: AddedLine): readonly Splice[];
  removeLines(text: string, object: ObjectTree, members: readonly TreeMember[]): readonly Splice[];
}

/** The text is none that this format could be: nobody may edit it. */
export class UnreadableText extends Error {
  override readonly name = 'UnreadableText';
}

/** The value without its places. */
export function valueIn(tree: Tree): Json {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'array') return tree.items.map(valueIn);
  return new Map(tree.members.map(({ key, value }) => [key, valueIn(value)]));
}

/** The member of that name. */
export function memberOf(tree: Tree | undefined, key: string): TreeMember | undefined {
  return tree?.kind === 'object' ? tree.members.find((member) => member.key === key) : undefined;
}

/** From the first character of a value to its last, with what stands between its parts. */
export function stretchOf({ stands }: Tree): Stand {
  return { start: Math.min(...stands.map(({ start }) => start)), end: Math.max(...stands.map(({ end }) => end)) };
}

/** True where two values are the same to the letter, whatever the order of their keys. */
export function sameJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof Map) return b instanceof Map && a.size === b.size && [...a].every(([key, value]) => sameMember(value, b.get(key)));
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => sameMember(item, b[at]));
  return 'number' in a && 'number' in b && a.number === b.number;
}

function sameMember(a: Json, b: Json | undefined): boolean {
  return b !== undefined && sameJson(a, b);
}

/** JSON text of a value; keys in their order. */
export function jsonText(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (value instanceof Map) return `{${Array.from(value, ([key, member]) => `${JSON.stringify(key)}: ${jsonText(member)}`).join(', ')}}`;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  const number = 'number' in value ? value.number : '';
  return JSON_NUMBER.test(number) ? number : JSON.stringify(number);
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
