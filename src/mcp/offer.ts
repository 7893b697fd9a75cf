/** One offer of a payment challenge, and the credential that pays one, as their protocols write them (policy.md §8). */
import { canonicalText } from '../core/fingerprint.ts';
import { isNumber, isObject, type Json, type JsonObject } from '../core/json.ts';
import type { Offer } from '../core/offer.ts';
import { decodeText } from './base64.ts';
import { readJson } from './json.ts';
import { definePlace, isLookAlike, type Place } from './keys.ts';

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

/** The keys of the offers that a credential may pay; it has to be one that was delivered. Undefined: it cannot be read. */
export interface Credential {
  readonly protocol: Offer['protocol'];
  readonly pays: (key: string) => boolean;
  /** What it signs for, in the asset's smallest unit, where it says so: it must not be more than the offer. */
  readonly amount: string | undefined;
  /** Alike for the same payment, sent once more. */
  readonly text: string;
}

/** The credential under `org.paymentauth/credential`. */
export function readMppCredential(value: Json): Credential | undefined {
  const challenge = isObject(value) ? value.get('challenge') : undefined;
  if (!isObject(challenge) || !isObject(value)) return undefined;
  if (seemsTwice(value, CREDENTIAL_KEYS) || seemsTwice(challenge, MPP_KEYS)) return undefined;
  const wanted = mppKey(challenge);
  return { protocol: 'mpp', pays: (key) => key === wanted, amount: undefined, text: canonicalText(value) };
}

/** The credential under `x402/payment`. */
export function readX402Credential(value: Json): Credential | undefined {
  if (!isObject(value) || seemsTwice(value, CREDENTIAL_KEYS)) return undefined;
  const payload = value.get('payload');
  if (isObject(payload) && hasTwoAmounts(payload)) return undefined;
  const amount = signedAmount(payload);
  const text = canonicalText(value);
  const accepted = value.get('accepted');
  if (isObject(accepted)) {
    const wanted = x402Key(accepted);
    return { protocol: 'x402', pays: (key) => key === wanted, amount, text };
  }
  const [scheme, network] = [textOf(value.get('scheme')), textOf(value.get('network'))];
  if (scheme === undefined || network === undefined) return undefined;
  // The first version does not repeat what was accepted: scheme and network name it.
  const prefix = x402Prefix(scheme, network);
  return { protocol: 'x402', pays: (key) => key.startsWith(prefix), amount, text };
}

const MPP_KEYS = definePlace('id', 'realm', 'method', 'intent', 'request', 'expires', 'header');
const REQUEST_KEYS = definePlace('amount', 'currency');
const X402_KEYS = definePlace('scheme', 'network', 'amount', 'maxAmountRequired', 'asset');

const CREDENTIAL_KEYS = definePlace('challenge', 'accepted', 'payload', 'scheme', 'network', 'x402Version');
const PAYLOAD_KEYS = definePlace('authorization');
const AUTHORIZATION_KEYS = definePlace('value');

/** Where what is signed for may be read in two ways. */
function hasTwoAmounts(payload: JsonObject): boolean {
  const authorization = payload.get('authorization');
  return seemsTwice(payload, PAYLOAD_KEYS) || (isObject(authorization) && seemsTwice(authorization, AUTHORIZATION_KEYS));
}

/** SECURITY: a credential that comes in a header of the server's choice would not be seen. */
function isOdd(challenge: JsonObject, request: JsonObject): boolean {
  const header = challenge.get('header') ?? 'authorization';
  const isSeen = typeof header === 'string' && /^(?:payment-)?authorization$/i.test(header);
  return !isSeen || seemsTwice(challenge, MPP_KEYS) || seemsTwice(request, REQUEST_KEYS);
}

/** SECURITY: a reader that takes `Amount` for `amount` pays another price than the one that was judged. */
function seemsTwice(object: JsonObject, place: Place): boolean {
  return [...object.keys()].some((key) => isLookAlike(key, place));
}

function mppKey(challenge: JsonObject): string {
  const part = (name: string) => canonicalText(challenge.get(name) ?? null);
  return `mpp [${part('id')},${part('realm')},${part('method')},${part('intent')},${canonicalText(requestOf(challenge))}]`;
}

function x402Key(requirements: JsonObject): string {
  return `${x402Prefix(textOf(requirements.get('scheme')) ?? '', textOf(requirements.get('network')) ?? '')}${canonicalText(requirements)}`;
}

function x402Prefix(scheme: string, network: string): string {
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

/** What a payment in EVM's `exact` scheme authorises. */
function signedAmount(payload: Json | undefined): string | undefined {
  const authorization = isObject(payload) ? payload.get('authorization') : undefined;
  return isObject(authorization) ? amountOf(authorization.get('value')) : undefined;
}

function amountOf(value: Json | undefined): string | undefined {
  return isNumber(value) ? value.number : textOf(value);
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const EMPTY: JsonObject = new Map();
