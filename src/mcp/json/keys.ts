/**
 * Keys that only look like one that matters (wire.md §2.3). A server that reads keys without case, or normalises
 * them, would take `Name` or `paramſ` for the real one and run another call than the one that was judged.
 */
import { foldKey as fold, UNSEEN } from '../../core/json.ts';

/** The keys that matter at one place, and what they fold to. */
export interface KeyPlace {
  readonly keys: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
}

/** No key that matters has so many characters that show. */
const LONG = 64;

/** The place where these keys belong. */
export function definePlace(...keys: readonly string[]): KeyPlace {
  return { keys: new Set(keys), folded: new Set(keys.map(foldKey)) };
}

export const ENVELOPE_KEYS = definePlace('jsonrpc', 'id', 'method', 'params', 'result', 'error', '_meta');
export const PARAMS_KEYS = definePlace('name', 'arguments', 'uri', 'task', '_meta', 'cursor', 'inputResponses', 'requestState', 'taskId');
export const RESULT_KEYS = definePlace('resultType', 'isError', 'structuredContent', '_meta', 'content');

/** True where the key is not one of the place's but a lenient reader could take it for one. */
export function isLookAlike(key: string, place: KeyPlace): boolean {
  return !place.keys.has(key) && place.folded.has(foldKey(key));
}

/** `foldKey` of the core; a key that shows more characters than any that matters is not folded at all. */
export function foldKey(key: string): string {
  return isLong(key) ? key : fold(key);
}

/** True where more of the key shows than of any key that matters. */
export function isLong(key: string): boolean {
  return key.length > LONG && key.replace(UNSEEN, '').length > LONG;
}

/**
 * The keys that nearly every message has, as constants. A key cut from a fresh text is a new string that has to be
 * hashed and compared by character; measured, that was a third of the cost of reading a call.
 */
export const COMMON_KEYS = [
  'id',
  'name',
  'task',
  'error',
  '_meta',
  'method',
  'params',
  'result',
  'jsonrpc',
  'content',
  'isError',
  'version',
  'arguments',
  'resultType',
  'progressToken',
  'structuredContent',
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/serverInfo',
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientCapabilities',
] as const;
