/**
 * Keys that only look like one that matters (wire.md §2.3). A server that reads keys without case, or normalises
 * them, would take `Name` or `paramſ` for the real one and run another call than the one that was judged.
 */
import { foldName } from '../core/names.ts';

/** The keys that matter at one place, and what they fold to. */
export interface Place {
  readonly keys: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
}

const PLAIN = /^[a-z0-9_]*$/;
/** What shows nothing, and what stands for bytes that could not be decoded. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\ufffd]/gu;
const DOTTED = /i\u0307/g;
/** No key that matters has so many characters that show. */
const LONG = 64;

/** The place where these keys belong. */
export function definePlace(...keys: readonly string[]): Place {
  return { keys: new Set(keys), folded: new Set(keys.map(foldKey)) };
}

export const ENVELOPE_KEYS = definePlace('jsonrpc', 'id', 'method', 'params', 'result', 'error', '_meta');
export const PARAMS_KEYS = definePlace('name', 'arguments', 'uri', 'task', '_meta', 'cursor', 'inputResponses', 'requestState', 'taskId');
export const RESULT_KEYS = definePlace('resultType', 'isError', 'structuredContent', '_meta', 'content');

/** Whether the key is not one of the place's but a lenient reader could take it for one. */
export function isLookAlike(key: string, place: Place): boolean {
  return !place.keys.has(key) && place.folded.has(foldKey(key));
}

/**
 * What a lenient reader may see in a key. SECURITY: beyond `foldName`, a reader in C stops at NUL, some drop control
 * characters or what they could not decode, and a Turkish lower case makes `i` of `İ`.
 */
export function foldKey(key: string): string {
  if (PLAIN.test(key)) return key;
  const end = key.indexOf('\0');
  const seen = (end < 0 ? key : key.slice(0, end)).replace(UNSEEN, '');
  return seen.length > LONG ? seen : foldName(seen).replace(DOTTED, 'i');
}
