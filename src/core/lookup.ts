/**
 * The one way to look a name up in an object that an agent sent (policy.md §3, §4). A test finds every other one.
 * SECURITY: servers that read keys without case, or normalise them, take `Amount` for `amount`, and of both the last.
 */
import type { Json, JsonObject } from './json.ts';
import { foldName } from './names.ts';

/** The object has a key that only looks like the name: nobody knows which one the server takes. */
export const AMBIGUOUS = Symbol('ambiguous');

/** The member of that name; undefined where there is none, AMBIGUOUS where another key looks like it. */
export function lookUp(object: JsonObject, name: string): Json | undefined | typeof AMBIGUOUS {
  const isPlain = ASCII.test(name);
  for (const key of object.keys()) if (key !== name && looksLike(key, name, isPlain)) return AMBIGUOUS;
  return object.get(name);
}

const ASCII = /^[!-~]*$/;

/** Most keys are plain, and of another length. */
function looksLike(key: string, name: string, isPlain: boolean): boolean {
  if (!isPlain || !ASCII.test(key)) return foldKey(key) === foldKey(name);
  return key.length === name.length && key.toLowerCase() === name.toLowerCase();
}

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
