/** Variables at the beginning of `within` folders (policy.md §4): replaced before the policy is compiled, so that all that follows sees real folders. */
import { isAbsolute, normalise } from '../../core/within.ts';
import { FOLDER_VARIABLES } from '../format/format-conditions.ts';
import { entriesOf, type MapNode, type Node, type TextNode, textOf, valueAt } from '../format/tree.ts';
import type { Report } from '../report.ts';

/** The folder that each variable stands for. One that is left out is not known here. */
export type Folders = { readonly [Name in (typeof FOLDER_VARIABLES)[number]]?: string | undefined };

const WRITTEN = new RegExp(`^\\$\\{(${FOLDER_VARIABLES.join('|')})\\}`);

/** A policy with its folders filled in. */
export interface Placed {
  readonly root: Node;
  /** The folders that were put in, for the revision: the same text is another policy where folders differ. */
  readonly used: readonly string[];
}

/** Replaces the variables. What cannot be replaced, or would let everything in, is an error. */
export function placeFolders(root: Node, folders: Folders, report: Report): Placed {
  const used = new Set<string>();
  const place = (node: TextNode): TextNode => {
    const name = WRITTEN.exec(node.text)?.[1] as keyof Folders | undefined;
    if (name === undefined) return node;
    const text = folderAt(node, name, folders[name], report);
    used.add(`${name}=${folders[name] ?? ''}`);
    return { ...node, text };
  };
  const placed = mapConditions(root, (condition) =>
    textOf(valueAt(condition, 'op')) === 'within' ? withValue(condition, place) : condition,
  );
  return used.size === 0 ? { root, used: [] } : { root: placed, used: [...used].sort() };
}

function folderAt({ text, offset }: TextNode, name: string, value: string | undefined, report: Report): string {
  const variable = `\${${name}}`;
  if (value === undefined || !isAbsolute(value) || /[%\0]/.test(value)) {
    const why = value === undefined ? 'is not known here' : `is ${JSON.stringify(value)} here, which is no absolute folder`;
    report.add('unusable-folder', offset, `"${variable}" ${why}`, 'write the folder out');
    return text;
  }
  const folder = `${value.replace(/[\\/]+$/, '')}${text.slice(variable.length)}` || '/';
  // SECURITY: a service has `/` for its home or working folder, where nobody meant to let in every path.
  if (/^\/(?:[A-Za-z]:)?$/.test(normalise(folder.replaceAll('\\', '/'))))
    report.add(
      'unusable-folder',
      offset,
      `${JSON.stringify(text)} is ${JSON.stringify(folder)} here, which every path is in`,
      'name a folder below it',
    );
  return folder;
}

function withValue(condition: MapNode, place: (node: TextNode) => TextNode): MapNode {
  const entry = condition.entries.get('value');
  if (!entry) return condition;
  const { value } = entry;
  const placed: Node =
    value.kind === 'text'
      ? place(value)
      : value.kind === 'list'
        ? { ...value, items: value.items.map((item) => (item.kind === 'text' ? place(item) : item)) }
        : value;
  return { ...condition, entries: new Map(condition.entries).set('value', { ...entry, value: placed }) };
}

/** The same tree with other conditions: those under `conditions` and `when` of every rule. */
function mapConditions(root: Node, change: (condition: MapNode) => MapNode): Node {
  const list = (node: Node, each: (item: MapNode) => MapNode): Node =>
    node.kind === 'list' ? { ...node, items: node.items.map((item) => (item.kind === 'map' ? each(item) : item)) } : node;
  const rule = (node: MapNode) => mapEntries(node, (key, value) => (key === 'conditions' || key === 'when' ? list(value, change) : value));
  const entry = (node: Node) =>
    node.kind === 'map' ? mapEntries(node, (key, value) => (key === 'rules' ? list(value, rule) : value)) : list(node, rule);
  const tools = (node: Node) => (node.kind === 'map' ? mapEntries(node, (_, value) => entry(value)) : node);
  return root.kind === 'map' ? mapEntries(root, (key, value) => (key === 'tools' ? tools(value) : value)) : root;
}

function mapEntries(map: MapNode, change: (key: string, value: Node) => Node): MapNode {
  return { ...map, entries: new Map(entriesOf(map).map((entry) => [entry.key, { ...entry, value: change(entry.key, entry.value) }])) };
}
