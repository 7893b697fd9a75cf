/** Text that a reader can trust to be what it looks like: how it is written, how much of a record that takes, and where it is cut. */

/** Control, format and bidi characters, line and paragraph separators, lone surrogates, and what renders as nothing. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const IS_UNSEEN = new RegExp(UNSEEN.source, 'u');
/** Of these each is one byte in JSON. */
const UNESCAPED = /^[ !#-[\]-~]*$/;
const PLAIN = /^[\x20-\x7e]*$/;
const BARE = /^[\w.\-/:@]+$/;

/**
 * Writes unseen characters as `\uXXXX`. In JSON text without white space outside its strings but blanks, such
 * characters stand inside strings only, where the escape means the same: JSON stays the same JSON.
 */
export function escapeUnseen(text: string): string {
  // SECURITY: a name or an argument must not move the cursor, turn the reading direction or start a new line.
  return PLAIN.test(text) ? text : text.replace(UNSEEN, escapeUnits);
}

/** A name as it stands in a line of `key=value` pairs: bare where it cannot be mistaken, else quoted. */
export function renderName(name: string): string {
  return BARE.test(name) ? name : escapeUnseen(JSON.stringify(name));
}

function escapeUnits(character: string): string {
  let text = '';
  for (let i = 0; i < character.length; i++) text += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return text;
}

/** The bytes of one UTF-16 unit at most: `\uXXXX`. */
export const MOST_COST = 6;
/** Bytes of the notice that says how much was cut. */
const NOTICE = 64;

/** The bytes of a text in JSON, escapes and all; where they are more than `most`, some number above it. */
export function costOf(text: string, most: number): number {
  if (text.length > most) return text.length;
  if (UNESCAPED.test(text)) return text.length;
  let cost = 0;
  for (let i = 0; i < text.length && cost <= most; i++) cost += unitCost(text, i);
  return cost;
}

/** Where a beginning ends and an end begins that take so many `bytes` together, with what stands between them. */
export function cutPlaces(text: string, bytes: number): { readonly head: number; readonly tail: number } {
  const half = (bytes - NOTICE) / 2;
  let head = 0;
  for (let cost = 0; head < text.length; head++) {
    cost += unitCost(text, head);
    if (cost > half) break;
  }
  let tail = text.length;
  for (let cost = 0; tail > head; tail--) {
    cost += unitCost(text, tail - 1);
    if (cost > half) break;
  }
  return { head: isInside(text, head) ? head - 1 : head, tail: isInside(text, tail) ? tail + 1 : tail };
}

function unitCost(text: string, index: number): number {
  const code = text.charCodeAt(index);
  if (code < 0x80) return code === 0x22 || code === 0x5c ? 2 : code < 0x20 || code === 0x7f ? MOST_COST : 1;
  // Of a pair each half counts as an escape: some pairs are written so.
  if (code >= 0xd800 && code <= 0xdfff) return MOST_COST;
  if (IS_UNSEEN.test(text.charAt(index))) return MOST_COST;
  return code < 0x800 ? 2 : 3;
}

/** Between the halves of a pair. */
function isInside(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return index > 0 && code >= 0xdc00 && code <= 0xdfff;
}
