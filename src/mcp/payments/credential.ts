/** The credential that pays an offer, as its protocol writes it (policy.md §8). */
import { canonicalText } from '../../core/fingerprint.ts';
import { isObject, type Json } from '../../core/json.ts';
import type { Offer } from '../../core/offer.ts';
import { membersAt } from '../json/edit.ts';
import { definePlace, foldKey } from '../json/keys.ts';
import type { Member, Span } from '../json/scan-types.ts';
import { readJson } from '../json/values.ts';
import type { NotificationFrame, RequestFrame } from '../messages/frame.ts';
import { MPP_KEYS, mppKey, seemsTwice, textOf, x402Key, x402Prefix } from './offer.ts';
import { readAmounts } from './signed-amount.ts';

/** The keys of the offers that a credential may pay; it has to be one that was delivered. Undefined: it cannot be read. */
export interface Credential {
  readonly protocol: Offer['protocol'];
  readonly pays: (key: string) => boolean;
  /** It signs for this amount, in the asset's smallest unit, where it says so. */
  readonly amount: bigint | undefined;
  /** The largest amount that it names: it must not be more than the offer. */
  readonly most: bigint;
  /** Alike for the same payment, sent once more. */
  readonly text: string;
}

/** The credential under `org.paymentauth/credential`. */
export function readMppCredential(value: Json): Credential | undefined {
  const challenge = isObject(value) ? value.get('challenge') : undefined;
  if (!isObject(challenge) || !isObject(value)) return undefined;
  if (seemsTwice(value, CREDENTIAL_KEYS) || seemsTwice(challenge, MPP_KEYS)) return undefined;
  const amounts = readAmounts(value, ['challenge', 'request']);
  const wanted = mppKey(challenge);
  return amounts && { protocol: 'mpp', pays: (key) => key === wanted, ...amounts, text: canonicalText(value) };
}

/** The credential under `x402/payment`. */
export function readX402Credential(value: Json): Credential | undefined {
  if (!isObject(value) || seemsTwice(value, CREDENTIAL_KEYS)) return undefined;
  const amounts = readAmounts(value, ['accepted']);
  if (!amounts) return undefined;
  const text = canonicalText(value);
  const accepted = value.get('accepted');
  if (isObject(accepted)) {
    const wanted = x402Key(accepted);
    return { protocol: 'x402', pays: (key) => key === wanted, ...amounts, text };
  }
  const [scheme, network] = [textOf(value.get('scheme')), textOf(value.get('network'))];
  if (scheme === undefined || network === undefined) return undefined;
  // The first version does not repeat what was accepted: scheme and network name it.
  const prefix = x402Prefix(scheme, network);
  return { protocol: 'x402', pays: (key) => key.startsWith(prefix), ...amounts, text };
}

const CREDENTIAL_KEYS = definePlace('challenge', 'accepted', 'payload', 'scheme', 'network', 'x402Version');
const MPP_CREDENTIAL = 'org.paymentauth/credential';
const X402_CREDENTIAL = 'x402/payment';

/**
 * The credentials that a request carries, in the `_meta` of its params or of the message itself. Undefined in the list:
 * one that cannot be read, or that only some readers would take for one.
 */
export function findCredentials({
  text,
  params,
  meta,
}: Pick<RequestFrame | NotificationFrame, 'text' | 'params' | 'meta'>): readonly (Credential | undefined)[] {
  return [params.members.get('_meta'), meta].flatMap((place) => (place ? credentialsAt(text, place) : []));
}

/** Characters of a `_meta` in which payments are looked for. */
const MAX_META = 1_048_576;
/** A cheap look: both keys have the word in common, but for escapes and characters that a lenient reader folds into it. */
const MAY_PAY = /payment|\\|[^ -~]/i;

function credentialsAt(text: string, { start, end }: Span): readonly (Credential | undefined)[] {
  if (text.charCodeAt(start) !== 123) return [];
  if (end - start > MAX_META) return [undefined];
  return MAY_PAY.test(text.slice(start, end)) ? membersAt(text, start).flatMap((member) => credentialIn(text, member)) : [];
}

function credentialIn(text: string, { key, start }: Member): readonly (Credential | undefined)[] {
  if (key === MPP_CREDENTIAL) return [readMppCredential(readJson(text, start))];
  if (key === X402_CREDENTIAL) return [readX402Credential(readJson(text, start))];
  const folded = foldKey(key);
  return folded === MPP_CREDENTIAL || folded === X402_CREDENTIAL ? [undefined] : [];
}
