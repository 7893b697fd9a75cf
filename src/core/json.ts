/**
 * JSON as Intercept judges it (policy.md §4): numbers keep the text they arrived in, objects are Maps, so that
 * `9007199254740993` is not rounded and `__proto__` is an ordinary key.
 */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;

/** A number by its text, valid JSON number grammar. Compare with `decimal.ts`, never with `Number()`. */
export interface JsonNumber {
  readonly number: string;
}

export type JsonObject = ReadonlyMap<string, Json>;

export type JsonType = 'null' | 'boolean' | 'string' | 'number' | 'array' | 'object';

/** The JSON type of a value. */
export function typeOf(value: Json): JsonType {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'string') return 'string';
  if (isArray(value)) return 'array';
  return isObject(value) ? 'object' : 'number';
}

/** Narrows to an array. */
export function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Narrows to an object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map;
}

/** Narrows to a number. */
export function isNumber(value: Json | undefined): value is JsonNumber {
  return typeof value === 'object' && value !== null && 'number' in value;
}

/** The arguments of a call that has none. */
export const NO_ARGUMENTS: JsonObject = new Map();
