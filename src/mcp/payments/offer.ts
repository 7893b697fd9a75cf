/** One offer of a payment challenge, as its protocol writes it (policy.md §8). */
import { canonicalText } from '../../core/fingerprint.ts';
import { isNumber, isObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Offer } from '../../core/offer.ts';
import { decodeText } from '../json/base64.ts';
import { definePlace, isLookAlike, type KeyPlace } from '../json/keys.ts';
import { readJson } from '../json/values.ts';

/** An element of MPP's `challenges`. */
export function readMppOffer(value: Json): Offer {
  const challenge = isObject(value) ? value : EMPTY;
  const request = requestOf(challenge);
  const expires = Date.parse(textOf(challenge.get('expires')) ?? '');
  return {
    protocol: 'mpp',
    intent: textOf(challenge.get('intent')),
    asset: textOf(request.get('currency')),
    amount: isOdd(challenge, request) ? undefined : amountOf(request.get('amount')),
    key: mppKey(challenge),
    expiresAt: Number.isNaN(expires) ? undefined : expires,
  };
}

/** An element of x402's `accepts`; the amount has another name in the protocol's first version. */
export function readX402Offer(value: Json): Offer {
  const requirements = isObject(value) ? value : EMPTY;
  const [amount, most] = [amountOf(requirements.get('amount')), amountOf(requirements.get('maxAmountRequired'))];
  // SECURITY: with both, each version's wallet pays another one.
  const both = requirements.has('amount') && requirements.has('maxAmountRequired');
  return {
    protocol: 'x402',
    intent: textOf(requirements.get('scheme')),
    asset: textOf(requirements.get('asset')),
    amount: (both && amount !== most) || seemsTwice(requirements, X402_KEYS) ? undefined : (amount ?? most),
    key: x402Key(requirements),
    expiresAt: undefined,
  };
}

export const MPP_KEYS = definePlace('id', 'realm', 'method', 'intent', 'request', 'expires', 'header');
const REQUEST_KEYS = definePlace('amount', 'currency');
const X402_KEYS = definePlace('scheme', 'network', 'amount', 'maxAmountRequired', 'asset');

/** SECURITY: a credential that comes in a header of the server's choice would not be seen. */
function isOdd(challenge: JsonObject, request: JsonObject): boolean {
  const header = challenge.get('header') ?? 'authorization';
  const isSeen = typeof header === 'string' && /^(?:payment-)?authorization$/i.test(header);
  return !isSeen || seemsTwice(challenge, MPP_KEYS) || seemsTwice(request, REQUEST_KEYS);
}

/** SECURITY: a reader that takes `Amount` for `amount` pays another price than the one that was judged. */
export function seemsTwice(object: JsonObject, place: KeyPlace): boolean {
  return [...object.keys()].some((key) => isLookAlike(key, place));
}

/** Distinguishes one MPP challenge from another. */
export function mppKey(challenge: JsonObject): string {
  const part = (name: string) => canonicalText(challenge.get(name) ?? null);
  return `mpp [${part('id')},${part('realm')},${part('method')},${part('intent')},${canonicalText(requestOf(challenge))}]`;
}

/** Distinguishes one offer of x402 from another. */
export function x402Key(requirements: JsonObject): string {
  return `${x402Prefix(textOf(requirements.get('scheme')) ?? '', textOf(requirements.get('network')) ?? '')}${canonicalText(requirements)}`;
}

/** The keys of all offers of a scheme and a network begin so. */
export function x402Prefix(scheme: string, network: string): string {
  return `x402 ${JSON.stringify(scheme)} ${JSON.stringify(network)} `;
}

/** MPP writes the request as an object, or as base64url of its JSON. */
function requestOf(challenge: JsonObject): JsonObject {
  const request = challenge.get('request');
  if (isObject(request)) return request;
  return typeof request === 'string' ? (decodeObject(request) ?? EMPTY) : EMPTY;
}

/** The JSON object in a base64url or base64 text; undefined where there is none that every reader reads alike. */
export function decodeObject(encoded: string): JsonObject | undefined {
  const text = decodeText(encoded);
  const value = text === undefined ? undefined : readJson(text);
  return isObject(value) ? value : undefined;
}

function amountOf(value: Json | undefined): string | undefined {
  return isNumber(value) ? value.number : textOf(value);
}

/** The value, where it is a text. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const EMPTY: JsonObject = new Map();
