/**
 * Finds the lists of payment offers in a JSON text (policy.md §8), wherever they stand, also in JSON that stands in a
 * string. Each character is read a few times at most, in slices.
 */
import type { Slices } from '../../core/slices.ts';
import { isStrictValue } from '../json/edit.ts';
import type { Span } from '../json/scan-types.ts';
import { goOn, openWalk, partOf } from './challenge-walk.ts';
import type { Finds, OfferList } from './offer-lists.ts';
import { mayAsk } from './offer-names.ts';

/** A text within a text: a JSON document in a string. */
export interface Nested extends Span {
  readonly text: string;
  readonly parts: Parts;
}

/** What asks for a payment in one text, in the order in which it stands there. */
export type Parts = readonly (OfferList | Nested)[];

/** `unreadable`: two readers could read two things, or it is more than is judged. `noise`: the text is no JSON. */
export type Found = { readonly kind: 'unreadable' } | { readonly kind: 'noise' } | { readonly kind: 'found'; readonly parts: Parts };

/** JSON in a string in JSON in a string: no wallet looks deeper. */
const MAX_NESTED = 2;
/** Characters read in one slice: some milliseconds, whatever they are. */
const SLICE = 65_536;
/** No shorter JSON text asks for a payment. */
const SHORTEST = 16;

const UNREADABLE: Found = { kind: 'unreadable' };
const NOISE: Found = { kind: 'noise' };

/** Searches the JSON text at `span`. */
export function* searchOffers(text: string, span: Span, nesting = 0, total = { offers: 0 }): Slices<Found> {
  const finds: Finds = { lists: [], askings: [], total, isUnreadable: false };
  const walk = openWalk(text, span, finds);
  const nested: Nested[] = [];
  const isWanted = (string: Span) => nesting < MAX_NESTED && string.end - string.start >= SHORTEST && mayAsk(text, string);
  for (let until = walk.at + SLICE; ; ) {
    const string = goOn(walk, until, isWanted);
    if (finds.isUnreadable) return UNREADABLE;
    if (walk.at < 0) return walk.scan.fault === 'too_deep' ? UNREADABLE : NOISE;
    if (string) {
      const inner = yield* decode(text, string);
      const found = yield* searchInner(inner, nesting + 1, total);
      if (found.kind === 'unreadable') return found;
      if (found.kind === 'found' && found.parts.length > 0) nested.push({ ...string, text: inner, parts: found.parts });
    } else if (walk.at < until) break;
    if (walk.at < until) continue;
    yield;
    until = walk.at + SLICE;
  }
  // SECURITY: a duplicate key anywhere in what asks, and two readers read two prices.
  if (finds.askings.some(({ start }) => !isStrictValue(text, start))) return UNREADABLE;
  return { kind: 'found', parts: [...finds.lists, ...nested].sort((a, b) => a.start - b.start) };
}

function* searchInner(text: string, nesting: number, total: { offers: number }): Slices<Found> {
  const span = { start: 0, end: text.length };
  return mayAsk(text, span) ? yield* searchOffers(text, span, nesting, total) : NOISE;
}

/** The value of the string at `span`. */
function* decode(text: string, { start, end }: Span): Slices<string> {
  const values: string[] = [];
  for (let at = start + 1; at < end - 1; ) {
    const part = partOf(text, at, Math.min(at + SLICE, end - 1));
    values.push(part.value);
    at = part.end;
    if (at < end - 1) yield;
  }
  return values.join('');
}
