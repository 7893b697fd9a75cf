/** The lists of payment offers that a search through a text has found (policy.md §8), and whether all readers find the same. */

import type { Span } from '../json/scan-types.ts';
import type { Name } from './offer-names.ts';

/** A list of offers; the spans are those of its elements. */
export interface OfferList extends Span {
  readonly protocol: 'mpp' | 'x402';
  readonly elements: readonly Span[];
}

/** What was found in one text. `askings` are the outermost objects that ask. */
export interface Finds {
  readonly lists: OfferList[];
  readonly askings: Span[];
  /** What all texts of the search have in common. */
  readonly total: { offers: number };
  isUnreadable: boolean;
}

/** An array that may be a list of offers: whether it is one is known when the object around it ends. */
export interface Listing {
  readonly name: 'accepts' | 'challenges';
  readonly isExact: boolean;
  readonly start: number;
  end: number;
  readonly elements: Span[];
  /** One of the elements says what kind of payment it is: other things are called challenges, too. */
  hasIntent: boolean;
  isLong: boolean;
}

/** What is known of an object that has a name that matters. */
export interface Asking {
  readonly counts: Record<Name, number>;
  isVersionExact: boolean;
  readonly lists: Listing[];
}

/** How many offers of one answer are judged (policy.md §8). A list without any counts as one. */
export const MAX_OFFERS = 64;
/** Characters of what asks, all its places together: they are read once more, strictly. */
const MAX_ASKING = 1_048_576;

/** Nothing yet. */
export function openAsking(): Asking {
  return { counts: { accepts: 0, challenges: 0, intent: 0, x402Version: 0 }, isVersionExact: false, lists: [] };
}

/** One more key with a name that matters. */
export function noteName(asking: Asking, name: Name, isExact: boolean): void {
  asking.counts[name] += 1;
  if (name === 'x402Version') asking.isVersionExact ||= isExact;
}

/** The list that the array at `start` may be. Several under one name are one: whether it asks is all that matters of it then. */
export function openList(asking: Asking, name: Name | undefined, isExact: boolean, start: number): Listing | undefined {
  if (name !== 'accepts' && name !== 'challenges') return undefined;
  const known = asking.lists.find((list) => list.name === name);
  if (known) return known;
  const list: Listing = { name, isExact, start, end: start, elements: [], hasIntent: false, isLong: false };
  asking.lists.push(list);
  return list;
}

/** One more element. */
export function noteElement(list: Listing, element: Span): void {
  if (list.elements.length < MAX_OFFERS) list.elements.push(element);
  else list.isLong = true;
}

/** The object has ended: now it is known whether it asks, and whether everybody reads it alike. */
export function endAsking({ counts, isVersionExact, lists }: Asking, span: Span, finds: Finds): void {
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

function addList({ name, start, end, elements }: Listing, finds: Finds): void {
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
