/**
 * Payments as HTTP carries them (policy.md §8): challenges in the headers of a 402, credentials in those of a request.
 * What is read here is judged as if it had come in a message.
 */
import type { Json } from '../core/json.ts';
import type { Offer } from '../core/offer.ts';
import { type Credential, decodeObject, readMppCredential, readMppOffer, readX402Credential, readX402Offer } from './offer.ts';
import { findChallenge } from './payment.ts';

/** All values of a header, in their order; none where it is absent. */
export type HeaderValues = (name: string) => readonly string[];

/** The offers of a 402; `unreadable` where one of them may be read in two ways, or not at all. */
export function offersOf402(header: HeaderValues, body: string): readonly Offer[] | 'unreadable' {
  const mpp = header('www-authenticate').flatMap(readChallenges);
  const x402 = header('payment-required').map(readRequired);
  const start = body.length - body.trimStart().length;
  const inBody = findChallenge({ text: body, span: { start, end: body.length } });
  if (mpp.includes(undefined) || x402.includes(undefined) || inBody?.kind === 'unreadable') return 'unreadable';
  const offers = [...mpp, ...x402.flat(), ...(inBody?.offers ?? [])];
  return offers.filter((offer) => offer !== undefined);
}

/** What a request pays with in its headers. Undefined in the list: a credential that cannot be read. */
export function credentialsOf(header: HeaderValues): readonly (Credential | undefined)[] {
  const authorizations = [...header('authorization'), ...header('payment-authorization')];
  // Servers look for the scheme among several, too.
  const schemes = authorizations.flatMap((value) => value.split(','));
  const mpp = schemes.flatMap((value) => /^\s*Payment(?:\s+(.*?))?\s*$/i.exec(value)?.[1] ?? []);
  const x402 = [...header('payment-signature'), ...header('x-payment')];
  return [...mpp.map((text) => readAs(text, readMppCredential)), ...x402.map((text) => readAs(text, readX402Credential))];
}

function readAs(encoded: string, read: (value: Json) => Credential | undefined): Credential | undefined {
  const value = decodeObject(encoded.trim());
  return value && read(value);
}

function readRequired(encoded: string): readonly Offer[] | undefined {
  const accepts = decodeObject(encoded.trim())?.get('accepts');
  return Array.isArray(accepts) ? accepts.map(readX402Offer) : undefined;
}

/** The `Payment` challenges among those of a `WWW-Authenticate` header. */
function readChallenges(value: string): readonly (Offer | undefined)[] {
  const starts = [...value.matchAll(/(?:^|,)\s*(Payment)(?=\s|$)/gi)].map((match) => match.index + match[0].length);
  return starts.map((start, index) => readChallenge(value.slice(start, starts[index + 1])));
}

/** `name="value"` or `name=token`, with commas between. */
const PARAMETER = /\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/y;

function readChallenge(text: string): Offer | undefined {
  const challenge = new Map<string, Json>();
  PARAMETER.lastIndex = 0;
  for (let found = PARAMETER.exec(text); found; found = PARAMETER.exec(text)) {
    const name = (found[1] ?? '').toLowerCase();
    // SECURITY: some readers make one character of what begins with `\u`, and others a `u`.
    if (challenge.has(name) || found[2]?.includes('\\u')) return undefined;
    challenge.set(name, found[2]?.replace(/\\(.)/g, '$1') ?? found[3] ?? '');
  }
  return challenge.has('id') && challenge.has('intent') && challenge.has('request') ? readMppOffer(challenge) : undefined;
}
