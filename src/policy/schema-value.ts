/** Values on their way into the schema engine, which knows doubles only: one that a double would change does not go in. */
import { canonicalDecimal, parseDecimal } from '../core/decimal.ts';
import { isArray, isNumber, isObject, type Json } from '../core/json.ts';

type Plain = null | boolean | string | number | readonly Plain[] | { readonly [key: string]: Plain };

/** A value the engine can not judge; the call is denied. */
class UnjudgeableError extends Error {
  readonly code = 'unjudgeable';
}

export interface Plainer {
  plain(value: Json): Plain;
  /** How many values have gone through. */
  count(): number;
}

/** Turns one value, and counts. */
export function openPlainer(): Plainer {
  let count = 0;
  function plain(value: Json): Plain {
    count++;
    if (value === null || typeof value !== 'object') return value;
    if (isNumber(value)) return exactDouble(value.number);
    return isArray(value) ? value.map(plain) : plainObject(value);
  }
  function plainObject(value: Json): Plain {
    // SECURITY: without a prototype `__proto__` is a key like any other, and nothing is inherited.
    const object: { [key: string]: Plain } = Object.create(null);
    if (!isObject(value)) return object;
    for (const [key, member] of value) object[key] = plain(member);
    return object;
  }
  return { plain, count: () => count };
}

/**
 * The double that is written so. Two numbers that are both the shortest spelling of their doubles compare as their
 * doubles do, so the engine's comparisons are exact.
 */
function exactDouble(text: string): number {
  const double = Number(text);
  if (String(double) === text) return double;
  const written = parseDecimal(text);
  const held = parseDecimal(String(double));
  if (!written || !held || canonicalDecimal(written) !== canonicalDecimal(held)) {
    throw new UnjudgeableError(`the number ${text.slice(0, 40)} can not be judged exactly`);
  }
  return double;
}

/** `canonicalText` of the core, for plain values: `enum`, `const` and `uniqueItems` need not compare each with each. */
export function canonicalPlain(value: unknown): string {
  if (typeof value === 'number') return canonicalNumber(String(value));
  if (Array.isArray(value)) return `[${value.map(canonicalPlain).join()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalPlain(member)}`).join()}}`;
}

function canonicalNumber(text: string): string {
  const value = parseDecimal(text);
  return value ? canonicalDecimal(value) : text;
}
