/** Members of a text known to be valid: where they stand, and changes that leave the rest byte for byte as it came. */

import { openScan, scanElements, scanObject, scanValue } from './scan.ts';
import type { Member, Scan, Span } from './scan-types.ts';

/** `text` replaces what stands at the span; an empty span is a place to insert at. */
export interface Edit extends Span {
  readonly text: string;
}

/** The message at `span` with the edits made; they do not overlap and are in any order. */
export function applyEdits(text: string, span: Span, edits: readonly Edit[]): string {
  let out = '';
  let at = span.start;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + text.slice(at, span.end);
}

/** The edits that cut items out of a list (elements of an array, members of an object), with the commas that they leave. */
export function cutItems(items: readonly Span[], isCut: (index: number) => boolean): Edit[] {
  const edits: Edit[] = [];
  let keptEnd: number | undefined;
  for (const [index, item] of items.entries()) {
    if (!isCut(index)) keptEnd = item.end;
    else edits.push({ start: item.start, end: items[index + 1]?.start ?? item.end, text: '' });
  }
  return closeGap(edits, items.at(-1)?.end, keptEnd);
}

/** Cuts also the comma after the last item that stays, where the end of the list is cut. */
function closeGap(edits: Edit[], end: number | undefined, keptEnd: number | undefined): Edit[] {
  if (edits.at(-1)?.end !== end || end === undefined) return edits;
  if (keptEnd === undefined) return [{ start: edits[0]?.start ?? end, end, text: '' }];
  const kept = edits.filter((edit) => edit.start < keptEnd);
  return [...kept, { start: keptEnd, end, text: '' }];
}

/** The edit that gives the object at `span` this member: in the place of one of that name, else as its last. */
export function setMember(text: string, span: Span, key: string, value: string): Edit {
  const members = membersAt(text, span.start);
  const found = members.findLast((member) => member.key === key);
  if (found) return { start: found.start, end: found.end, text: value };
  const last = members.at(-1);
  const at = last ? last.end : span.start + 1;
  return { start: at, end: at, text: `${last ? ',' : ''}${JSON.stringify(key)}:${value}` };
}

/** The message at `span` without these members of the object at `object`. */
export function cutMembers(text: string, span: Span, object: Span, keys: readonly string[]): string {
  const members = membersAt(text, object.start);
  const places = members.map(({ keyStart, end }) => ({ start: keyStart, end }));
  return applyEdits(
    text,
    span,
    cutItems(places, (index) => keys.includes(members[index]?.key ?? '')),
  );
}

/** A scan of a text known to be valid. */
export function openLenient(text: string): Scan {
  return openScan(text, { strict: false, maxDepth: Number.POSITIVE_INFINITY, anySpace: true });
}

/** Members of the object that starts at `start` of a text known to be valid. */
export function membersAt(text: string, start: number): readonly Member[] {
  const into: Member[] = [];
  scanObject(openLenient(text), start, 1, into, false);
  return into;
}

/** Elements of the array that starts at `start` of a text known to be valid; the members of those that are objects. */
export function elementsAt(text: string, start: number): readonly Member[] {
  const into: Member[] = [];
  scanElements(openLenient(text), start, 1, into, Number.POSITIVE_INFINITY, false);
  return into;
}

/** True where a value within a text known to be valid also holds to the strict rules: no duplicate key, no lone surrogate. */
export function isStrictValue(text: string, start: number): boolean {
  return scanValue(openScan(text, { strict: true, maxDepth: 256, anySpace: true }), start, 1) >= 0;
}
