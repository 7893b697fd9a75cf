/** The names that a payment challenge is known by (policy.md §8), as any reader may see them. */
import { foldKey, isLong } from '../json/keys.ts';
import type { Span } from '../json/scan-types.ts';

export type Name = 'accepts' | 'challenges' | 'intent' | 'x402Version';

/** By what a lenient reader makes of them. */
const NAMES: ReadonlyMap<string, Name> = new Map([
  ['accepts', 'accepts'],
  ['challenges', 'challenges'],
  ['intent', 'intent'],
  ['x402version', 'x402Version'],
]);

/** Characters of a key that may be a name: however it is escaped, and whatever in it does not show. */
export const MAX_KEY = 1_024;

const ASCII = /^[ -~]*$/;

/** The name that a lenient reader may see in a key: some read keys without case, or normalise them. */
export function nameOf(key: string): Name | undefined {
  if (!ASCII.test(key)) return NAMES.get(foldKey(key));
  return key.length < 6 ? undefined : NAMES.get(key.trim().toLowerCase());
}

/** Whether a key that begins so, and goes on beyond `MAX_KEY`, is no name for certain. SECURITY: one of which little shows may be taken for any. */
export function isNoName(beginning: string): boolean {
  return isLong(beginning);
}

/** How a lenient reader may find a word: what stands between the letters some readers drop (wire.md §2.3). */
function spelt(word: string): string {
  return [...word].join('(?:\\\\+[bfnrt])*');
}

/** SECURITY: with an escape in it, a text may say what it does not seem to say. */
const MAY_ASK = new RegExp(`${spelt('x402version')}|${spelt('challenges')}|\\\\u`, 'i');

const BEYOND_ASCII = /[^ -~]/;
/** Characters that fold into others, or into nothing, out of those that people do not write all the time. Looked for alone: together it takes ten times as long. */
const FOLDED =
  /[\u007f-\u009f\u00aa-\u00ba\u017f\u02b0-\u036f\u061c\u115f\u1160\u17b4-\u180f\u1d00-\u1eff\u2000-\u200f\u2028-\u202f\u205f-\u209f\u2100-\u218f\u2460-\u24ff\u3164\u3300-\u33ff\ufb00-\ufe0f\ufeff-\uffff]|\ud835|\udb40|\ud83c[\udd00-\uddff]/;

/** Characters that are looked through in one piece. */
const LOOK = 262_144;

/** A cheap look before the long one; what is larger is read in slices anyway. */
export function mayAsk(text: string, { start, end }: Span): boolean {
  if (end - start > LOOK) return true;
  const part = start === 0 && end === text.length ? text : text.slice(start, end);
  return MAY_ASK.test(part) || (BEYOND_ASCII.test(part) && FOLDED.test(part));
}
