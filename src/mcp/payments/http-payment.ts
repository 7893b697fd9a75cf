/**
 * Payments as HTTP carries them (policy.md §8): challenges in the headers of a 402, credentials in those of a request.
 * What is read here is judged as if it had come in a message.
 */
import type { Json } from '../../core/json.ts';
import type { Offer } from '../../core/offer.ts';
import type { Slices } from '../../core/slices.ts';
import { decodeText, encodeText } from '../json/base64.ts';
import { applyEdits, cutItems, membersAt } from '../json/edit.ts';
import { foldKey } from '../json/keys.ts';
import type { HeaderValues } from '../messages/headers.ts';
import { type AuthChallenge, readAuthChallenges } from './auth-challenges.ts';
import { type Credential, readMppCredential, readX402Credential } from './credential.ts';
import { decodeObject, readMppOffer } from './offer.ts';
import { MAX_OFFERS } from './offer-lists.ts';
import { readAsked } from './payment.ts';

/** An HTTP answer that may ask to be paid: its headers by their names in lower case, repeated ones joined, and its body. */
export interface HttpAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `unreadable`: one of the offers may be read in two ways, or not at all. */
export type HttpDemand =
  | { readonly kind: 'unreadable' }
  | {
      readonly kind: 'offers';
      readonly offers: readonly Offer[];
      /** The body asks, and is no message: where x402 first had its offers, and clients still look for them. */
      readonly isPlain: boolean;
      /** The answer without the offers at these indexes; all else as it came. */
      without(cut: ReadonlySet<number>): HttpAnswer;
    };

const MPP = 'www-authenticate';
const X402 = 'payment-required';

/** Reads what a 402 asks to be paid, in slices where it is large; no offers where it asks for nothing. */
export function* readDemand({ headers, body }: HttpAnswer): Slices<HttpDemand> {
  const challenges = headers[MPP] === undefined ? NOTHING : readChallenges(headers[MPP]);
  const required = headers[X402] === undefined ? NOTHING : yield* readRequired(headers[X402]);
  const inBody = yield* readBody(body);
  if (!challenges || !required || !inBody) return { kind: 'unreadable' };
  if (challenges.offers.length + required.offers.length + inBody.offers.length > MAX_OFFERS) return { kind: 'unreadable' };
  const [second, third] = [challenges.offers.length, challenges.offers.length + required.offers.length];
  return {
    kind: 'offers',
    offers: [...challenges.offers, ...required.offers, ...inBody.offers],
    isPlain: inBody.offers.length > 0 && isPlain(body),
    without: (cut) => ({
      headers: withHeader(withHeader(headers, MPP, challenges.without(cut)), X402, required.without(from(second, cut))),
      body: inBody.without(from(third, cut)) ?? body,
    }),
  };
}

/** True where anything in these headers asks for a payment. */
export function mayAskForPayment(headers: Readonly<Record<string, string>>): boolean {
  return headers[X402] !== undefined || /payment/i.test(headers[MPP] ?? '');
}

/** Headers of an answer that is no 402, in which nothing may ask for a payment. */
export function withoutDemand(headers: Readonly<Record<string, string>>): Record<string, string> {
  const challenges = headers[MPP] === undefined ? NOTHING : readChallenges(headers[MPP]);
  const kept = challenges?.without(new Set(challenges.offers.keys()));
  return withHeader(withHeader(headers, X402, ''), MPP, challenges ? kept : '');
}

/** Offers in one place, and that place without some of them; undefined where it stays as it is, '' where nothing is left. */
interface Asked {
  readonly offers: readonly Offer[];
  without(cut: ReadonlySet<number>): string | undefined;
}

const NOTHING: Asked = { offers: [], without: () => undefined };

function from(first: number, cut: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...cut].flatMap((index) => (index >= first ? [index - first] : [])));
}

function withHeader(headers: Readonly<Record<string, string>>, name: string, value: string | undefined): Record<string, string> {
  if (value === undefined) return { ...headers };
  const { [name]: _, ...others } = headers;
  return value === '' ? others : { ...others, [name]: value };
}

/** Reads what a request pays with in its headers. Undefined in the list: a credential that cannot be read. */
export function credentialsOf(header: HeaderValues): readonly (Credential | undefined)[] {
  const authorizations = [...header('authorization'), ...header('payment-authorization')];
  // Servers look for the scheme among several, too.
  const schemes = authorizations.flatMap((value) => value.split(','));
  const mpp = schemes.flatMap((value) => (/^Payment\s/i.exec(value.trimStart()) ? value.trimStart().slice('Payment'.length) : []));
  const x402 = [...header('payment-signature'), ...header('x-payment')];
  return [...mpp.map((text) => readAs(text, readMppCredential)), ...x402.map((text) => readAs(text, readX402Credential))];
}

function readAs(encoded: string, read: (value: Json) => Credential | undefined): Credential | undefined {
  const value = decodeObject(encoded.trim());
  return value && read(value);
}

/** SECURITY: each offer was read in the very text that is written; where they all go, so does what else the header says. */
function* readRequired(encoded: string): Slices<Asked | undefined> {
  const text = decodeText(encoded.trim());
  const asked = text === undefined ? undefined : yield* readAsked(text, spanOf(text));
  if (asked?.kind !== 'offers') return undefined;
  return {
    offers: asked.offers,
    without: (cut) => (noneOf(asked.offers, cut) ? undefined : allOf(asked.offers, cut) ? '' : encodeText(asked.without(cut))),
  };
}

/** Reads a body; a text that is no JSON is no message, and reaches nobody. */
function* readBody(text: string): Slices<Asked | undefined> {
  const asked = yield* readAsked(text, spanOf(text));
  if (asked.kind === 'unreadable') return undefined;
  if (asked.kind !== 'offers') return NOTHING;
  return { offers: asked.offers, without: (cut) => (noneOf(asked.offers, cut) ? undefined : asked.without(cut)) };
}

function isPlain(text: string): boolean {
  const { start } = spanOf(text);
  const keys = text.charCodeAt(start) === 123 ? membersAt(text, start).map(({ key }) => key) : [];
  return keys.includes('x402Version') && !keys.some((key) => foldKey(key) === 'jsonrpc');
}

function spanOf(text: string) {
  return { start: text.length - text.trimStart().length, end: text.length };
}

function noneOf(offers: readonly Offer[], cut: ReadonlySet<number>): boolean {
  return !offers.some((_, index) => cut.has(index));
}

function allOf(offers: readonly Offer[], cut: ReadonlySet<number>): boolean {
  return offers.every((_, index) => cut.has(index));
}

/** The `Payment` challenges among those of a `WWW-Authenticate` header; the others stay byte for byte. */
function readChallenges(value: string): Asked | undefined {
  if (!/payment/i.test(value)) return NOTHING;
  const challenges = readAuthChallenges(value);
  if (!challenges || challenges.filter(({ scheme }) => scheme === 'payment').length > MAX_OFFERS || challenges.some(isOdd))
    return undefined;
  const paid = challenges.flatMap((challenge, index) =>
    challenge.scheme === 'payment' ? [{ index, offer: readChallenge(challenge) }] : [],
  );
  const offers = paid.flatMap(({ offer }) => offer ?? []);
  if (offers.length < paid.length) return undefined;
  return {
    offers,
    without(cut) {
      if (noneOf(offers, cut)) return undefined;
      const gone = new Set(paid.filter((_, at) => cut.has(at)).map(({ index }) => index));
      if (gone.size === challenges.length) return '';
      const edits = cutItems(challenges, (index) => gone.has(index));
      return applyEdits(value, { start: 0, end: value.length }, edits);
    },
  };
}

/** SECURITY: who looks for the scheme without minding quotes, or takes a parameter for it, finds a challenge that we do not. */
function isOdd({ params }: AuthChallenge): boolean {
  return params.some(({ name, raw }) => name === 'payment' || /,\s*payment\s/i.test(raw));
}

/** These members decide which offer is paid, and at what price. */
const MATTERS = /^(?:id|realm|method|intent|request|expires|header)$/;

function readChallenge({ params }: AuthChallenge): Offer | undefined {
  const challenge = new Map<string, Json>();
  for (const { name, raw } of params) {
    // SECURITY: some readers make one character of what begins with `\u`, and others a `u`.
    if (challenge.has(name) || (MATTERS.test(name) && raw.includes('\\u'))) return undefined;
    challenge.set(name, raw.startsWith('"') ? raw.slice(1, -1).replace(/\\(.)/g, '$1') : raw);
  }
  return challenge.has('id') && challenge.has('intent') && challenge.has('request') ? readMppOffer(challenge) : undefined;
}
