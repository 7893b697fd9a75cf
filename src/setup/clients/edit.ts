/**
 * Carries changes of one entry out on the text of its file, and checks them: the result has to read as planned, and
 * nothing outside of the entry's own stretch may differ. Everything here is pure.
 */
import type { Json } from '../../core/json.ts';
import { dropBlock, prependBlock } from './format/block.ts';
import { addToFlow, dropFlow, prependFlow, removeFromFlow, replacements, textOf } from './format/flow.ts';
import { memberOf, type ObjectTree, sameJson, stretchOf, type TextFormat, type Tree, type TreeMember, valueIn } from './format/tree.ts';
import type { Change, EntryPath, EntryValue, Splice, Stretch } from './types.ts';
import { changed, replaced } from './values.ts';

/** An edit that cannot be made in this text. */
export class EditRefused extends Error {
  override readonly name = 'EditRefused';
}

export interface Edited {
  readonly text: string;
  readonly splices: readonly Splice[];
  readonly was: Json;
  readonly is: Json;
  readonly before: Stretch;
  readonly after: Stretch;
}

/** The entry of a path, with all that it stands in. */
export function locate(root: Tree, at: EntryPath): { readonly entry: Tree; readonly way: readonly Tree[] } | undefined {
  const way: Tree[] = [root];
  for (const step of at) {
    const from = way.at(-1);
    const next = typeof step === 'string' ? memberOf(from, step)?.value : itemNamed(from, step.name);
    if (!next) return undefined;
    way.push(next);
  }
  const entry = way.at(-1);
  return entry && { entry, way };
}

function itemNamed(list: Tree | undefined, name: string): Tree | undefined {
  if (list?.kind !== 'array') return undefined;
  const named = list.items.filter((item) => nameOf(item) === name);
  return named.length === 1 ? named[0] : undefined;
}

function nameOf(item: Tree): Json | undefined {
  const named = memberOf(item, 'name')?.value;
  return named && valueIn(named);
}

/** Makes the changes. Throws `EditRefused`, or `UnreadableText`. */
export function editEntry(text: string, format: TextFormat, at: EntryPath, changes: readonly Change[]): Edited {
  const root = format.parse(text);
  const entry = objectAt(root, at);
  const splices = inOrder(splicesOf(text, entry, format, changes));
  const was = valueIn(entry);
  return check(text, format, at, { root, entry, splices, was, is: changed(was, changes) });
}

/** The entry as an object that may be edited. Throws `EditRefused`. */
export function objectAt(root: Tree, at: EntryPath): ObjectTree {
  const found = locate(root, at);
  if (found?.entry.kind !== 'object') throw new EditRefused('the entry is not there any more');
  const trap = found.way.find((tree) => tree.trap !== undefined)?.trap ?? trapIn(found.entry);
  if (trap !== undefined) throw new EditRefused(`${trap} stands at the entry: what is changed here would change elsewhere`);
  return found.entry;
}

function trapIn(tree: Tree): string | undefined {
  if (tree.trap !== undefined || tree.kind === 'scalar') return tree.trap;
  const parts = tree.kind === 'object' ? tree.members.map(({ value }) => value) : tree.items;
  return parts.map(trapIn).find((trap) => trap !== undefined);
}

interface Draft {
  readonly root: Tree;
  readonly entry: ObjectTree;
  readonly splices: readonly Splice[];
  readonly was: Json;
  readonly is: Json;
}

/** INVARIANT: what is returned reads as planned, everywhere in the file. */
function check(text: string, format: TextFormat, at: EntryPath, { root, entry, splices, was, is }: Draft): Edited {
  const edited = apply(text, splices);
  const reread = format.parse(edited);
  if (!sameJson(valueIn(reread), replaced(valueIn(root), at, is)))
    throw new EditRefused('the entry is written in a way that cannot be edited safely');
  const own = stretchOf(entry);
  const start = Math.min(own.start, ...splices.map((splice) => splice.start));
  const end = Math.max(own.end, ...splices.map((splice) => splice.end));
  const grown = edited.length - text.length;
  const now = stretchOf(objectAt(reread, at));
  return {
    ...{ text: edited, splices, was, is },
    before: { text: text.slice(start, end), lead: own.start - start, trail: end - own.end },
    after: { text: edited.slice(start, end + grown), lead: now.start - start, trail: end + grown - now.end },
  };
}

/** Puts one stretch in the place of another that is there as it was left; undefined where it is not. */
export function restore(
  text: string,
  format: TextFormat,
  at: EntryPath,
  { before, after }: { before: Stretch; after: Stretch },
): readonly Splice[] | undefined {
  const found = locate(format.parse(text), at);
  if (!found) return undefined;
  const { start, end } = stretchOf(found.entry);
  const stretch = { start: start - after.lead, end: end + after.trail };
  if (stretch.start < 0 || text.slice(stretch.start, stretch.end) !== after.text) return undefined;
  return [{ ...stretch, text: before.text }];
}

/** The text with the splices made. */
export function apply(text: string, splices: readonly Splice[]): string {
  let at = 0;
  const parts: string[] = [];
  for (const { start, end, text: put } of splices) {
    if (start < at) throw new EditRefused('two changes of the entry touch each other');
    parts.push(text.slice(at, start), put);
    at = end;
  }
  return [...parts, text.slice(at)].join('');
}

function inOrder(splices: readonly Splice[]): readonly Splice[] {
  return [...splices].sort((a, b) => a.start - b.start || a.end - b.end);
}

function splicesOf(text: string, entry: ObjectTree, format: TextFormat, changes: readonly Change[]): readonly Splice[] {
  const removals = Map.groupBy(
    changes.filter((change) => change.kind === 'remove'),
    ({ at }) => at.join('\0'),
  );
  const removed = [...removals.values()].flatMap((group) => removeAll(text, entry, format, group));
  const write = (value: EntryValue) => writeFor(text, entry, format, value);
  const made = (kinds: readonly Change[], renames: readonly Splice[]) =>
    kinds.flatMap((change) => spliceOf(text, entry, format, change, write, renames));
  const renames = made(
    changes.filter(({ kind }) => kind === 'rename'),
    [],
  );
  return [
    ...removed,
    ...renames,
    ...made(
      changes.filter(({ kind }) => kind !== 'rename'),
      renames,
    ),
  ];
}

/** The dotted names before a key, as they are spelled when all is renamed. */
function leadTo(text: string, { whole: [whole], keys: [key] }: TreeMember, renames: readonly Splice[]): string {
  if (!whole || !key) return '';
  const own = renames.filter(({ start, end }) => start >= whole.start && end <= key.start);
  return apply(
    text.slice(whole.start, key.start),
    inOrder(own.map((splice) => ({ ...splice, start: splice.start - whole.start, end: splice.end - whole.start }))),
  );
}

function removeAll(
  text: string,
  entry: ObjectTree,
  format: TextFormat,
  group: readonly (Change & { kind: 'remove' })[],
): readonly Splice[] {
  const object = objectIn(entry, group[0]?.at ?? []);
  const members = group.map(({ key }) => memberIn(object, key));
  return object.style === 'flow' ? removeFromFlow(text, object, members, format) : format.removeLines(text, object, members);
}

function spliceOf(
  text: string,
  entry: ObjectTree,
  format: TextFormat,
  change: Change,
  write: (value: EntryValue) => string,
  renames: readonly Splice[],
): readonly Splice[] {
  switch (change.kind) {
    case 'set':
      return replacements(treeIn(entry, change.at).stands, write(change.value));
    case 'rename':
      refuseOthers(treeIn(entry, change.at), change.only);
      return replacements(memberIn(objectIn(entry, change.at.slice(0, -1)), change.at.at(-1) ?? '').keys, format.writeKey(change.key));
    case 'add': {
      const object = objectIn(entry, change.at);
      const after = memberIn(object, change.after);
      if (object.style === 'flow') return addToFlow(text, after, change.key, write(change.value), format);
      return format.addLine(text, after, { key: change.key, value: write(change.value), lead: leadTo(text, after, renames) });
    }
    case 'prepend': {
      const array = arrayIn(entry, change.at);
      return (array.style === 'block' ? prependBlock : prependFlow)(text, array, change.items.map(write));
    }
    case 'drop': {
      const array = arrayIn(entry, change.at);
      return array.style === 'block' ? dropBlock(text, array, change.count) : dropFlow(text, array, change.count, format);
    }
    case 'remove':
      return [];
  }
}

function refuseOthers(tree: Tree, only: readonly string[] | undefined): void {
  const stray = only && tree.kind === 'object' ? tree.members.find(({ key }) => !only.includes(key)) : undefined;
  if (stray) throw new EditRefused(`${JSON.stringify(stray.key)} was added there since: take it out first`);
}

function writeFor(text: string, entry: ObjectTree, format: TextFormat, value: EntryValue): string {
  if (value === null || typeof value !== 'object' || 'number' in value) return format.write(value);
  const write = (inner: EntryValue) => writeFor(text, entry, format, inner);
  if ('list' in value) return `[${value.list.map(write).join(', ')}]`;
  if ('entries' in value)
    return `{${value.entries.map(([key, inner]) => `${format.writeKey(key)}${format.colon}${write(inner)}`).join(', ')}}`;
  const tree = treeIn(entry, value.copy);
  return tree.kind === 'scalar' && tree.isPortable ? textOf(text, tree) : format.write(valueIn(tree));
}

/** The tree at keys from the entry on; a number is an item of an array. Throws `EditRefused`. */
function treeIn(entry: Tree, at: readonly string[]): Tree {
  return at.reduce((tree, key) => {
    const next = tree.kind === 'array' ? tree.items[Number(key)] : memberOf(tree, key)?.value;
    if (!next) throw new EditRefused(`the entry has no ${JSON.stringify(key)}`);
    return next;
  }, entry);
}

function objectIn(entry: Tree, at: readonly string[]): ObjectTree {
  const tree = treeIn(entry, at);
  if (tree.kind !== 'object') throw new EditRefused(`${JSON.stringify(at.at(-1))} of the entry is no map`);
  return tree;
}

function arrayIn(entry: Tree, at: readonly string[]): Tree & { kind: 'array' } {
  const tree = treeIn(entry, at);
  if (tree.kind !== 'array') throw new EditRefused(`${JSON.stringify(at.at(-1))} of the entry is no list`);
  return tree;
}

function memberIn(object: ObjectTree, key: string): TreeMember {
  const member = memberOf(object, key);
  if (!member) throw new EditRefused(`the entry has no ${JSON.stringify(key)}`);
  return member;
}
