/**
 * Payment challenges in what a server sends (policy.md §8): MPP's `challenges` and x402's `accepts`, wherever they
 * stand, also in JSON that stands in a text. Each offer can be taken out; the rest stays as it came.
 */
import type { Offer } from '../../core/offer.ts';
import type { Slices } from '../../core/slices.ts';
import { applyEdits, cutItems, type Edit } from '../json/edit.ts';
import { readJson } from '../json/values.ts';
import type { NotificationFrame, ResponseFrame } from '../messages/frame.ts';
import { type Nested, type Parts, searchOffers } from './challenge-search.ts';
import { readMppOffer, readX402Offer } from './offer.ts';
import type { OfferList } from './offer-lists.ts';
import { mayAsk } from './offer-names.ts';

/** `unreadable`: something asks for a payment, and two readers could read two things, or it is more than is judged. */
export type Challenge =
  | { readonly kind: 'unreadable' }
  | {
      readonly kind: 'offers';
      readonly offers: readonly Offer[];
      /** The message without the offers at these indexes. */
      without(cut: ReadonlySet<number>): string;
    };

/** What a text asks to be paid; `noise` where it is no JSON. */
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
function collect(text: string, parts: Parts, offers: Offer[], first: Map<OfferList, number>): void {
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

function editsOf(parts: Parts, first: ReadonlyMap<OfferList, number>, cut: ReadonlySet<number>): Edit[] {
  return parts.flatMap((part) => {
    if (!isNested(part)) return cutItems(part.elements, (index) => cut.has((first.get(part) ?? 0) + index));
    const { text, start, end } = part;
    const inner = editsOf(part.parts, first, cut);
    return inner.length === 0 ? [] : [{ start, end, text: JSON.stringify(applyEdits(text, { start: 0, end: text.length }, inner)) }];
  });
}
