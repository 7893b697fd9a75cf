/**
 * JSON as Intercept judges it (policy.md §4): numbers keep the text they arrived in, objects are Maps, so that
 * `9007199254740993` is not rounded and `__proto__` is an ordinary key. A test finds every other way to look a name up in
 * an object that an agent sent.
 */
import { compareDecimals, parseDecimal } from './decimal.ts';
import { foldName } from './names.ts';

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

/** The object has a key that only looks like the name: nobody knows which one the server takes. */
export const AMBIGUOUS = Symbol('ambiguous');

/** The member of that name; undefined where there is none, AMBIGUOUS where another key looks like it. */
export function lookUp(object: JsonObject, name: string): Json | undefined | typeof AMBIGUOUS {
  const isPlain = ASCII.test(name);
  for (const key of object.keys()) {
    if (key === name) continue;
    let arePlain = isPlain;
    for (let at = 0; arePlain && at < key.length; at++) {
      const code = key.charCodeAt(at);
      arePlain = code > 32 && code < 127;
    }
    // Most keys are plain, and of another length.
    if (arePlain) {
      if (key.length === name.length && key.toLowerCase() === name.toLowerCase()) return AMBIGUOUS;
    } else if (foldKey(key) === foldKey(name)) return AMBIGUOUS;
  }
  return object.get(name);
}

const ASCII = /^[!-~]*$/;

/** Names that somebody (a policy, a schema, a compared value) gives to members. */
export interface Names {
  readonly exact: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
}

/** Readies names for `membersBy`. */
export function namesOf(names: Iterable<string>): Names {
  const exact = new Set(names);
  return { exact, folded: new Set(Array.from(exact, foldKey)) };
}

/** The object, to be read by these names; undefined where one of its keys only looks like one of them. */
export function membersBy(object: JsonObject, names: Names): ReadonlyMap<string, Json> | undefined {
  return lookAlikeIn(object, names) === undefined ? object : undefined;
}

/** The first key of the object that looks like one of the names, and is none of them. Linear in the keys. */
function lookAlikeIn(object: JsonObject, names: Names): string | undefined {
  if (names.exact.size === 0) return undefined;
  for (const key of object.keys()) if (!names.exact.has(key) && names.folded.has(foldKey(key))) return key;
  return undefined;
}

/** Characters that show nothing, and the one that stands for bytes that could not be decoded. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\ufffd]/gu;
const DOTTED = /i\u0307/g;

/**
 * Folds a key to what a lenient reader may see in it. SECURITY: beyond `foldName`, a reader in C stops at NUL, some drop control
 * characters or what they could not decode, and a Turkish lower case makes `i` of `İ`.
 */
export function foldKey(key: string): string {
  if (ASCII.test(key)) return key.toLowerCase();
  const end = key.indexOf('\0');
  const seen = (end < 0 ? key : key.slice(0, end)).replace(UNSEEN, '');
  return foldName(seen).replace(DOTTED, 'i');
}

/** True where two values are the same JSON value. Numbers whose value cannot be known are equal only by their text. */
export function equalJson(a: Json, b: Json): boolean {
  return compareJson(a, b) === true;
}

/**
 * Compares what an agent sent with a value that somebody wrote down. Undefined, which no comparison may pass for an
 * answer (policy.md §3): an object in it has a key that only looks like one that the written value has there.
 */
export function compareJson(sent: Json, written: Json): boolean | undefined {
  if (sent === written) return true;
  if (isNumber(sent)) return isNumber(written) && equalNumbers(sent.number, written.number);
  if (isArray(sent)) return isArray(written) && compareArrays(sent, written);
  return isObject(sent) && isObject(written) && compareObjects(sent, written);
}

function equalNumbers(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseDecimal(a);
  const right = parseDecimal(b);
  return left !== undefined && right !== undefined && compareDecimals(left, right) === 0;
}

/** No reader merges elements: lists of different lengths differ for all. */
function compareArrays(sent: readonly Json[], written: readonly Json[]): boolean | undefined {
  if (sent.length !== written.length) return false;
  let equal = true;
  for (const [index, value] of sent.entries()) {
    const same = compareJson(value, written[index] ?? null);
    if (same === undefined) return undefined;
    equal &&= same;
  }
  return equal;
}

function compareObjects(sent: JsonObject, written: JsonObject): boolean | undefined {
  const members = membersBy(sent, namesOf(written.keys()));
  if (!members) return undefined;
  let equal = sent.size === written.size;
  for (const [key, value] of written) {
    const found = members.get(key);
    const same = found !== undefined && compareJson(found, value);
    if (same === undefined) return undefined;
    equal &&= same;
  }
  return equal;
}
