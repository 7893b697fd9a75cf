/**
 * Payment challenges in what a server sends (policy.md §8): MPP's `challenges` and x402's `accepts`, wherever they
 * stand, also in JSON that stands in a text. Each offer can be taken out; the rest stays as it came.
 */
import type { Offer } from '../core/offer.ts';
import { applyEdits, cutItems, type Edit } from './edit.ts';
import { readJson } from './json.ts';
import { foldKey } from './keys.ts';
import type { NotificationFrame, RequestFrame, ResponseFrame } from './message.ts';
import { type Credential, readMppCredential, readMppOffer, readX402Credential, readX402Offer } from './offer.ts';
import { elementsAt, isStrictValue, type Member, membersAt, scanMessage } from './scan.ts';
import { openScan, type Span, stringAt } from './token.ts';

/** `unreadable`: something asks for a payment, and two readers could read two things. */
export type Challenge =
  | { readonly kind: 'unreadable' }
  | {
      readonly kind: 'offers';
      readonly offers: readonly Offer[];
      /** The message without the offers at these indexes. */
      without(cut: ReadonlySet<number>): string;
    };

/** A list of offers in a text; `first` is the index of its first one. */
interface Listed {
  readonly elements: readonly Member[];
  readonly first: number;
}

/** A text within a text: a JSON document in a string. */
interface Nested {
  readonly span: Span;
  readonly text: string;
  readonly found: Found;
}

interface Found {
  readonly lists: Listed[];
  readonly nested: Nested[];
}

interface Search {
  readonly offers: Offer[];
  unreadable: boolean;
}

/** JSON in a string in JSON in a string: no wallet looks deeper. */
const MAX_NESTED = 2;

/** Finds what a message asks to be paid; undefined where it asks for nothing. */
export function findChallenge({ text, span }: Pick<ResponseFrame | NotificationFrame, 'text' | 'span'>): Challenge | undefined {
  if (!mayAsk(text)) return undefined;
  const search: Search = { offers: [], unreadable: false };
  const found = searchValue(text, span, search, 0);
  if (search.unreadable) return { kind: 'unreadable' };
  if (search.offers.length === 0) return undefined;
  return {
    kind: 'offers',
    offers: search.offers,
    without: (cut) => applyEdits(text, span, editsOf(found, cut)),
  };
}

/** With the characters that Unicode folds into these. */
const MAY_ASK = /x402version|challenges|\\u/iu;

/** A cheap look before the long one. SECURITY: with an escape in it, a text may say what it does not seem to say. */
function mayAsk(text: string): boolean {
  return MAY_ASK.test(text);
}

function searchValue(text: string, span: Span, search: Search, depth: number): Found {
  const found: Found = { lists: [], nested: [] };
  visit(text, span, found, search, depth);
  return found;
}

function visit(text: string, span: Span, found: Found, search: Search, depth: number): void {
  const code = text.charCodeAt(span.start);
  if (code === 123) visitObject(text, span, found, search, depth);
  else if (code === 91) for (const element of elementsAt(text, span.start)) visit(text, element, found, search, depth);
  else if (code === 34 && depth < MAX_NESTED) visitString(text, span, found, search, depth);
}

function visitObject(text: string, span: Span, found: Found, search: Search, depth: number): void {
  const members = membersAt(text, span.start);
  const isX402 = members.some(({ key }) => foldKey(key) === 'x402version');
  const isLookAlike = (member: Member) =>
    member.key !== foldKey(member.key) || (isX402 && !members.some(({ key }) => key === 'x402Version'));
  for (const member of members) {
    const read = offerReader(foldKey(member.key), isX402, text, member);
    if (!read) {
      visit(text, member, found, search, depth);
      continue;
    }
    const alike = members.filter(({ key }) => foldKey(key) === foldKey(member.key));
    search.unreadable ||= !isStrictValue(text, span.start) || alike.length > 1 || isLookAlike(member);
    const elements = elementsAt(text, member.start);
    found.lists.push({ elements, first: search.offers.length });
    for (const element of elements) search.offers.push(read(readJson(text, element.start)));
  }
}

/** What reads the offers in a member, where it is a list of them. `key` is folded: some wallets read keys without case. */
function offerReader(key: string, isX402: boolean, text: string, span: Span): typeof readMppOffer | undefined {
  if (text.charCodeAt(span.start) !== 91) return undefined;
  if (key === 'accepts' && isX402) return readX402Offer;
  return key === 'challenges' && asksForPayment(text, span) ? readMppOffer : undefined;
}

/** Other things are called challenges, too: those of a payment have an intent. */
function asksForPayment(text: string, span: Span): boolean {
  return elementsAt(text, span.start).some((element) => element.members?.some(({ key }) => foldKey(key) === 'intent'));
}

function visitString(text: string, span: Span, found: Found, search: Search, depth: number): void {
  if (!mayAsk(text.slice(span.start, span.end))) return;
  const inner = stringAt(text, span) ?? '';
  if (!mayAsk(inner) || scanMessage(openScan(inner, { strict: false, maxDepth: 256, anySpace: true }), []) === undefined) return;
  const start = inner.length - inner.trimStart().length;
  const nested = searchValue(inner, { start, end: inner.length }, search, depth + 1);
  if (nested.lists.length > 0 || nested.nested.length > 0) found.nested.push({ span, text: inner, found: nested });
}

function editsOf({ lists, nested }: Found, cut: ReadonlySet<number>): Edit[] {
  const edits = lists.flatMap(({ elements, first }) => cutItems(elements, (index) => cut.has(first + index)));
  for (const { span, text, found } of nested) {
    const inner = editsOf(found, cut);
    if (inner.length === 0) continue;
    edits.push({ ...span, text: JSON.stringify(applyEdits(text, { start: 0, end: text.length }, inner)) });
  }
  return edits;
}

const MPP_CREDENTIAL = 'org.paymentauth/credential';
const X402_CREDENTIAL = 'x402/payment';

/**
 * The credentials that a request carries, in the `_meta` of its params or of the message itself. Undefined in the list:
 * one that cannot be read, or that only some readers would take for one.
 */
export function findCredentials(frame: Pick<RequestFrame, 'text' | 'span' | 'params'>): readonly (Credential | undefined)[] {
  const { text, span, params } = frame;
  if (!MAY_PAY.test(text)) return [];
  const metas = [params.members.get('_meta'), membersAt(text, span.start).find(({ key }) => key === '_meta')];
  return metas
    .flatMap((meta) => (meta && text.charCodeAt(meta.start) === 123 ? membersAt(text, meta.start) : []))
    .flatMap((member) => credentialIn(text, member));
}

/** A cheap look: both keys have the word in common, but for escapes and characters that a lenient reader folds into it. */
const MAY_PAY = /payment|\\u|[^ -~]/i;

function credentialIn(text: string, { key, start }: Member): readonly (Credential | undefined)[] {
  if (key === MPP_CREDENTIAL) return [readMppCredential(readJson(text, start))];
  if (key === X402_CREDENTIAL) return [readX402Credential(readJson(text, start))];
  const folded = foldKey(key);
  return folded === MPP_CREDENTIAL || folded === X402_CREDENTIAL ? [undefined] : [];
}
