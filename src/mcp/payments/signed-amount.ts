/** Finds how much a payment signs for (policy.md §8). SECURITY: what is not known is not "enough" (I2). */
import { isArray, isNumber, isObject, type Json, type JsonObject } from '../../core/json.ts';
import { definePlace, foldKey, type KeyPlace } from '../json/keys.ts';
import { seemsTwice } from './offer.ts';

/** In the asset's smallest unit. `amount`: what is signed for, where it can be read. `most`: the largest amount that is named anywhere. */
export interface SignedAmounts {
  readonly amount: bigint | undefined;
  readonly most: bigint;
}

/** Where the two ways to sign on EVM chains have their amount: EIP-3009 and Permit2. */
const WAYS: readonly (readonly string[])[] = [
  ['authorization', 'value'],
  ['permit2Authorization', 'permitted', 'amount'],
];

/** The keys that matter on the way to an amount, by how deep they stand. */
const PLACES: readonly KeyPlace[] = [
  definePlace('authorization', 'permit2Authorization'),
  definePlace('value', 'permitted'),
  definePlace('amount'),
];

/**
 * Reads the amounts of a credential, all but what stands at `offered`: that is the offer itself, and compared as a whole.
 * Undefined: it is signed in two ways, or one of the amounts may be read in two ways, or not at all.
 */
export function readAmounts(credential: JsonObject, offered: readonly string[]): SignedAmounts | undefined {
  const payload = credential.get('payload');
  const signed = isObject(payload) ? WAYS.flatMap((way) => (payload.has(way[0] ?? '') ? [at(payload, way)] : [])) : [];
  if (signed.length > 1 || signed.includes('odd') || (isObject(payload) && seemsTwice(payload, PLACES[0] as KeyPlace))) return undefined;
  const named: bigint[] = [];
  if (!collect(credential, offered, named)) return undefined;
  const [amount] = signed;
  return {
    amount: amount === undefined || amount === 'odd' ? undefined : wholeOf(amount),
    most: largest(named),
  };
}

function largest(amounts: readonly bigint[]): bigint {
  let most = 0n;
  for (const amount of amounts) if (amount > most) most = amount;
  return most;
}

/** The value at the end of a way; `odd` where another key on it only looks like the one. */
function at(object: JsonObject, way: readonly string[]): Json | 'odd' | undefined {
  let value: Json | undefined = object;
  for (const [depth, key] of way.entries()) {
    if (!isObject(value)) return undefined;
    if (seemsTwice(value, PLACES[depth] as KeyPlace)) return 'odd';
    value = value.get(key);
  }
  return value;
}

/** Servers and signers that nobody here knows call an amount so. */
const AMOUNT =
  /^(?:.*amounts?|(?:max|min|total|paid|transfer|permitted|authorized|approved|required)*(?:values?|sum|total|quantity|lamports|wei))(?:in|out|max|min|required|authorized|permitted|\d)*$/;

/** Collects what is named as an amount, at any depth; false where one cannot be read. */
function collect(value: Json, offered: readonly string[], into: bigint[]): boolean {
  if (isArray(value)) return value.every((item) => collect(item, [], into));
  if (!isObject(value)) return true;
  for (const [key, item] of value) {
    const [next, ...rest] = offered;
    if (key === next && rest.length === 0) continue;
    if (AMOUNT.test(foldKey(key).replace(/[_ .-]/g, '')) && !take(item, into)) return false;
    if (!collect(item, key === next ? rest : [], into)) return false;
  }
  return true;
}

/** One amount, or a list of them; what stands in an object is looked at by itself. */
function take(value: Json, into: bigint[]): boolean {
  if (isArray(value)) return value.every((item) => take(item, into));
  if (isObject(value) || value === null) return true;
  const whole = wholeOf(value);
  if (whole !== undefined) into.push(whole);
  return whole !== undefined;
}

/** Whole numbers in decimal or hexadecimal digits, as numbers or texts: a sign, a fraction or an exponent is none that everybody reads alike. */
function wholeOf(value: Json): bigint | undefined {
  const text = isNumber(value) ? value.number : value;
  return typeof text === 'string' && /^(?:\d{1,78}|0x[\da-fA-F]{1,64})$/.test(text) ? BigInt(text) : undefined;
}
