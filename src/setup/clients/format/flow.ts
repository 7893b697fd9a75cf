/** Edits between brackets: JSON, inline tables and arrays of TOML, flow collections of YAML. */
import type { Splice } from '../types.ts';
import { type ArrayTree, type ObjectTree, type Stand, stretchOf, type TextFormat, type Tree, type TreeMember } from './tree.ts';

/** Puts items before the first of an array. */
export function prependFlow(text: string, array: ArrayTree, items: readonly string[]): readonly Splice[] {
  const [first] = array.items;
  if (!first) return [insertion(stretchOf(array).start + 1, items.join(', '))];
  const { start } = stretchOf(first);
  return [insertion(start, items.map((item) => `${item},${separatorBefore(text, start, array)}`).join(''))];
}

/** Takes the first items of an array away. */
export function dropFlow(text: string, array: ArrayTree, count: number, format: TextFormat): readonly Splice[] {
  const [first] = array.items;
  const next = array.items[count];
  const last = array.items[count - 1];
  if (!first || !last) return [];
  const { start } = stretchOf(first);
  if (next) return [{ start, end: stretchOf(next).start, text: '' }];
  const { end } = stretchOf(last);
  return [{ start, end: commaAfter(text, end, format)?.end ?? end, text: '' }];
}

/** Adds a member behind another. */
export function addToFlow(text: string, after: TreeMember, key: string, value: string, format: TextFormat): readonly Splice[] {
  const { end } = stretchOf(after.value);
  const start = startOf(after);
  const colon = colonOf(text, after) ?? format.colon;
  const lead = leadOf(text, start) ?? (/\s$/.test(colon) ? ' ' : '');
  return [insertion(end, `,${lead}${format.writeKey(key)}${colon}${value}`)];
}

/** The text between key and value, where a further member may have the same. */
function colonOf(text: string, { keys, value }: TreeMember): string | undefined {
  const between = text.slice(keys.at(-1)?.end, stretchOf(value).start);
  return /^[ \t]*[:=][ \t]*$/.test(between) ? between : undefined;
}

/** Takes members away, with a comma each; comments stay. */
export function removeFromFlow(text: string, object: ObjectTree, removed: readonly TreeMember[], format: TextFormat): readonly Splice[] {
  const isGone = (member: TreeMember | undefined) => member !== undefined && removed.includes(member);
  return object.members.flatMap((member, at) => {
    const comma = commaAfter(text, stretchOf(member.value).end, format);
    const isLastLeft = object.members.slice(at + 1).every(isGone);
    // A comma in front of nothing goes, but for one that stood there before.
    if (!isGone(member))
      return isLastLeft && comma && at < object.members.length - 1 && !endsInComma(text, object, format) ? [cut(comma)] : [];
    const own: Stand = { start: startOf(member), end: stretchOf(member.value).end };
    const follows = comma && text.slice(own.end, comma.start).trim() === '' ? { start: own.start, end: comma.end } : own;
    const separate = comma && follows === own ? [cut(comma)] : [];
    return [cut(withBlank(text, follows)), ...separate];
  });
}

function endsInComma(text: string, { members }: ObjectTree, format: TextFormat): boolean {
  const last = members.at(-1);
  return last !== undefined && commaAfter(text, stretchOf(last.value).end, format) !== undefined;
}

/** The comma behind a value, past blanks and comments. */
function commaAfter(text: string, from: number, { comment }: TextFormat): Stand | undefined {
  let at = from;
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at++;
    comment.lastIndex = at;
    const found = comment.exec(text);
    if (!found) return text[at] === ',' ? { start: at, end: at + 1 } : undefined;
    at = comment.lastIndex;
  }
}

/** A piece with its line where nothing else is on it, else with the blanks behind it. */
function withBlank(text: string, { start, end }: Stand): Stand {
  const lead = leadOf(text, start);
  const rest = /[ \t]*(\r?\n)?/y;
  rest.lastIndex = end;
  const [blank = '', newline] = rest.exec(text) ?? [];
  if (lead !== undefined && newline !== undefined) return { start: start - lead.length, end: end + blank.length - newline.length };
  return newline === undefined ? { start, end: end + blank.length } : { start, end };
}

/** The line end and indentation before a place that begins its line. */
export function leadOf(text: string, start: number): string | undefined {
  let at = start;
  while (text[at - 1] === ' ' || text[at - 1] === '\t') at--;
  if (text[at - 1] !== '\n') return undefined;
  return text.slice(text[at - 2] === '\r' ? at - 2 : at - 1, start);
}

function separatorBefore(text: string, start: number, array: ArrayTree): string {
  const lead = leadOf(text, start);
  if (lead !== undefined) return lead;
  const [first, second] = array.items;
  if (!first || !second) return ' ';
  const between = text.slice(stretchOf(first).end, stretchOf(second).start);
  return between === ',' ? '' : ' ';
}

/** Where a member begins. */
export function startOf({ whole }: TreeMember): number {
  return Math.min(...whole.map(({ start }) => start));
}

function insertion(at: number, text: string): Splice {
  return { start: at, end: at, text };
}

/** A splice that takes a piece away. */
export function cut({ start, end }: Stand): Splice {
  return { start, end, text: '' };
}

/** Replaces a value, or a key, wherever it is spelled. */
export function replacements(stands: readonly Stand[], text: string): readonly Splice[] {
  return stands.map(({ start, end }) => ({ start, end, text }));
}

/** The text of a value as it stands. */
export function textOf(text: string, tree: Tree): string {
  const { start, end } = stretchOf(tree);
  return text.slice(start, end);
}
