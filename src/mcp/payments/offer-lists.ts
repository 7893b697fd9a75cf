/**
 * The lists of payment offers that a search through a text has found (policy.md §8), the names that they are known by, as
 * any reader may see them, and whether all readers find the same.
 */
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

/** True where a key that begins so, and goes on beyond `MAX_KEY`, is no name for certain. SECURITY: one of which little shows may be taken for any. */
export function isNoName(beginning: string): boolean {
  return isLong(beginning);
}

/** Matches a word as a lenient reader may find it: what stands between the letters some readers drop (wire.md §2.3). */
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

/** A list of offers; the spans are those of its elements. */
export interface OfferList extends Span {
  readonly protocol: 'mpp' | 'x402';
  readonly elements: readonly Span[];
}

/** The findings of one text. `askings` are the outermost objects that ask. */
export interface Finds {
  readonly lists: OfferList[];
  readonly askings: Span[];
  /** All texts of the search have this in common. */
  readonly total: { offers: number };
  isUnreadable: boolean;
}

/** An array that may be a list of offers: whether it is one is known when the object around it ends. */
export interface OfferListing {
  readonly name: 'accepts' | 'challenges';
  readonly isExact: boolean;
  readonly start: number;
  end: number;
  readonly elements: Span[];
  /** One of the elements says what kind of payment it is: other things are called challenges, too. */
  hasIntent: boolean;
  isLong: boolean;
}

/** An object that has a name that matters, and what is known of it. */
export interface AskingObject {
  readonly counts: Record<Name, number>;
  isVersionExact: boolean;
  readonly lists: OfferListing[];
}

/** So many offers of one answer are judged (policy.md §8). A list without any counts as one. */
export const MAX_OFFERS = 64;
/** Characters of what asks, all its places together: they are read once more, strictly. */
const MAX_ASKING = 1_048_576;

/** Nothing yet. */
export function openAsking(): AskingObject {
  return { counts: { accepts: 0, challenges: 0, intent: 0, x402Version: 0 }, isVersionExact: false, lists: [] };
}

/** One more key with a name that matters. */
export function noteName(asking: AskingObject, name: Name, isExact: boolean): void {
  asking.counts[name] += 1;
  if (name === 'x402Version') asking.isVersionExact ||= isExact;
}

/** The list that the array at `start` may be. Several under one name are one: whether it asks is all that matters of it then. */
export function openList(asking: AskingObject, name: Name | undefined, isExact: boolean, start: number): OfferListing | undefined {
  if (name !== 'accepts' && name !== 'challenges') return undefined;
  const known = asking.lists.find((list) => list.name === name);
  if (known) return known;
  const list: OfferListing = { name, isExact, start, end: start, elements: [], hasIntent: false, isLong: false };
  asking.lists.push(list);
  return list;
}

/** One more element. */
export function noteElement(list: OfferListing, element: Span): void {
  if (list.elements.length < MAX_OFFERS) list.elements.push(element);
  else list.isLong = true;
}

/** The object has ended: now it is known whether it asks, and whether everybody reads it alike. */
export function endAsking({ counts, isVersionExact, lists }: AskingObject, span: Span, finds: Finds): void {
  const isX402 = counts.x402Version > 0;
  const asking = lists.filter(({ name, hasIntent }) => (name === 'accepts' ? isX402 : hasIntent));
  if (asking.length === 0) return;
  const isTwice = counts.accepts > 1 || counts.challenges > 1 || counts.x402Version > 1;
  const isOdd = isTwice || (isX402 && !isVersionExact) || asking.some(({ isExact, isLong }) => !isExact || isLong);
  if (isOdd) finds.isUnreadable = true;
  else {
    for (const list of asking) addList(list, finds);
    addAsking(span, finds);
  }
}

function addList({ name, start, end, elements }: OfferListing, finds: Finds): void {
  const { lists, total } = finds;
  total.offers += Math.max(1, elements.length);
  // What is offered within an offer would be cut out, or left, with it: no wallet is known to look there.
  const isAround = lists.some((list) => list.start > start && list.end < end);
  if (isAround || total.offers > MAX_OFFERS) finds.isUnreadable = true;
  lists.push({ protocol: name === 'accepts' ? 'x402' : 'mpp', start, end, elements });
}

/** Objects end from the inside to the outside. */
function addAsking(span: Span, finds: Finds): void {
  const { askings } = finds;
  while ((askings.at(-1)?.start ?? -1) > span.start) askings.pop();
  askings.push(span);
  if (askings.reduce((sum, { start, end }) => sum + end - start, 0) > MAX_ASKING) finds.isUnreadable = true;
}
