/** Reads YAML with the place of everything: the tree that `check` and `compile` read. */
import type { Json } from '../../core/json.ts';

/** `offset` is where the value starts in the text; positions are made of it only for what is reported. */
export type Node = NullNode | BooleanNode | TextNode | NumberNode | ListNode | MapNode | BrokenNode;

interface Placed {
  readonly offset: number;
}
interface NullNode extends Placed {
  readonly kind: 'null';
}
interface BooleanNode extends Placed {
  readonly kind: 'boolean';
  readonly value: boolean;
}
export interface TextNode extends Placed {
  readonly kind: 'text';
  readonly text: string;
}
/** `number` is JSON's spelling of it, `source` what stands in the file. */
export interface NumberNode extends Placed {
  readonly kind: 'number';
  readonly number: string;
  readonly source: string;
}
interface ListNode extends Placed {
  readonly kind: 'list';
  readonly items: readonly Node[];
}
export interface MapNode extends Placed {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}
/** Something stands here that was reported already; nobody says more about it. */
interface BrokenNode extends Placed {
  readonly kind: 'broken';
}
export interface Entry {
  readonly key: string;
  readonly offset: number;
  readonly value: Node;
}

/** The value under a key, where the node is a map that has it. */
export function valueAt(node: Node | undefined, key: string): Node | undefined {
  return entryOf(node, key)?.value;
}

/** The entry of a key, where the node is a map that has it. */
export function entryOf(node: Node | undefined, key: string): Entry | undefined {
  return node?.kind === 'map' ? node.entries.get(key) : undefined;
}

/** The entries of a map; none of anything else. */
export function entriesOf(node: Node | undefined): readonly Entry[] {
  return node?.kind === 'map' ? [...node.entries.values()] : [];
}

/** The items of a list; none of anything else. */
export function itemsOf(node: Node | undefined): readonly Node[] {
  return node?.kind === 'list' ? node.items : [];
}

/** The text of a text node. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.kind === 'text' ? node.text : undefined;
}

/** The texts of a list of texts; what is no text is left out. */
export function textsOf(node: Node | undefined): readonly string[] {
  return itemsOf(node).flatMap((item) => (item.kind === 'text' ? [item.text] : []));
}

/** The JSON value that the node stands for. */
export function toJson(node: Node): Json {
  switch (node.kind) {
    case 'null':
    case 'broken':
      return null;
    case 'boolean':
      return node.value;
    case 'text':
      return node.text;
    case 'number':
      return { number: node.number };
    case 'list':
      return node.items.map(toJson);
    case 'map':
      return new Map([...node.entries].map(([key, entry]) => [key, toJson(entry.value)]));
  }
}

/** One text per value, whatever the order of keys: for hashes. */
export function canonicalNode(node: Node): string {
  switch (node.kind) {
    case 'null':
    case 'broken':
      return 'null';
    case 'boolean':
      return String(node.value);
    case 'text':
      return JSON.stringify(node.text);
    case 'number':
      return node.number;
    case 'list':
      return `[${node.items.map(canonicalNode).join()}]`;
    case 'map':
      return `{${[...node.entries.values()]
        .map((entry) => `${JSON.stringify(entry.key)}:${canonicalNode(entry.value)}`)
        .sort()
        .join()}}`;
  }
}
