/**
 * Payment challenges in what a server sends (policy.md §8): MPP's `challenges` and x402's `accepts`, wherever they
 * stand, also in JSON that stands in a text. Each offer can be taken out; the rest stays as it came.
 */
import type { Offer } from '../../core/offer.ts';
import type { Slices } from '../../core/slices.ts';
import { applyEdits, cutItems, type Edit, isStrictValue } from '../json/edit.ts';
import type { Span } from '../json/scan-types.ts';
import { readJson } from '../json/values.ts';
import type { NotificationFrame, ResponseFrame } from '../messages/frame.ts';
import { goOn, openWalk, partOf } from './challenge-walk.ts';
import { readMppOffer, readX402Offer } from './offer.ts';
import { type Finds, mayAsk, type OfferList } from './offer-lists.ts';

/** `unreadable`: something asks for a payment, and two readers could read two things, or it is more than is judged. */
export type Challenge =
  | { readonly kind: 'unreadable' }
  | {
      readonly kind: 'offers';
      readonly offers: readonly Offer[];
      /** The message without the offers at these indexes. */
      without(cut: ReadonlySet<number>): string;
    };

/** A text asks for a payment, for nothing, or is no JSON (`noise`). */
export type Asked = Challenge | { readonly kind: 'nothing' } | { readonly kind: 'noise' };

type Placed = Pick<ResponseFrame | NotificationFrame, 'text' | 'span'>;

/** Finds what a message asks to be paid, in slices where it is large; undefined where it asks for nothing. */
export function* findChallenge({ text, span }: Placed): Slices<Challenge | undefined> {
  const asked = mayAsk(text, span) ? yield* readAsked(text, span) : NOTHING;
  if (asked.kind === 'nothing') return undefined;
  return asked.kind === 'offers' ? asked : { kind: 'unreadable' };
}

const NOTHING: Asked = { kind: 'nothing' };

/** The same for a text of which nothing is known. */
export function* readAsked(text: string, span: Placed['span']): Slices<Asked> {
  const found = yield* searchOffers(text, span);
  if (found.kind !== 'found') return found;
  const offers: Offer[] = [];
  const first = new Map<OfferList, number>();
  collect(text, found.parts, offers, first);
  if (offers.length === 0) return NOTHING;
  return { kind: 'offers', offers, without: (cut) => applyEdits(text, span, editsOf(found.parts, first, cut)) };
}

/** Reads the offers in their order; `first` is where those of each list begin. */
function collect(text: string, parts: PaymentParts, offers: Offer[], first: Map<OfferList, number>): void {
  for (const part of parts) {
    if (isNested(part)) {
      collect(part.text, part.parts, offers, first);
      continue;
    }
    first.set(part, offers.length);
    const read = part.protocol === 'x402' ? readX402Offer : readMppOffer;
    for (const { start } of part.elements) offers.push(read(readJson(text, start)));
  }
}

function isNested(part: OfferList | Nested): part is Nested {
  return 'parts' in part;
}

function editsOf(parts: PaymentParts, first: ReadonlyMap<OfferList, number>, cut: ReadonlySet<number>): Edit[] {
  return parts.flatMap((part) => {
    if (!isNested(part)) return cutItems(part.elements, (index) => cut.has((first.get(part) ?? 0) + index));
    const { text, start, end } = part;
    const inner = editsOf(part.parts, first, cut);
    return inner.length === 0 ? [] : [{ start, end, text: JSON.stringify(applyEdits(text, { start: 0, end: text.length }, inner)) }];
  });
}

/** A text within a text: a JSON document in a string. */
export interface Nested extends Span {
  readonly text: string;
  readonly parts: PaymentParts;
}

/** The parts of one text that ask for a payment, in the order in which they stand there. */
export type PaymentParts = readonly (OfferList | Nested)[];

/** `unreadable`: two readers could read two things, or it is more than is judged. `noise`: the text is no JSON. */
export type FoundParts =
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'noise' }
  | { readonly kind: 'found'; readonly parts: PaymentParts };

/** JSON in a string in JSON in a string: no wallet looks deeper. */
const MAX_NESTED = 2;
/** Characters read in one slice: some milliseconds, whatever they are. */
const SLICE = 65_536;
/** No shorter JSON text asks for a payment. */
const SHORTEST = 16;

const UNREADABLE: FoundParts = { kind: 'unreadable' };
const NOISE: FoundParts = { kind: 'noise' };

/** Searches the JSON text at `span`. */
export function* searchOffers(text: string, span: Span, nesting = 0, total = { offers: 0 }): Slices<FoundParts> {
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

function* searchInner(text: string, nesting: number, total: { offers: number }): Slices<FoundParts> {
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
