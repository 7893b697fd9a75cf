/**
 * The keys that nearly every message has, as constants. A key cut from a fresh text is a new string that has to be
 * hashed and compared by character; measured, that was a third of the cost of reading a call.
 */
const COMMON = [
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

/** By length, and then by the first character: what is left to compare is nearly always one key. */
const BY_LENGTH = Array.from({ length: 43 }, (_, length) => COMMON.filter((key) => key.length === length));

/** The part of the text between two places; one of the common keys as that key's constant. */
export function cutKey(text: string, start: number, end: number): string {
  const candidates = BY_LENGTH[end - start];
  if (candidates === undefined || candidates.length === 0) return text.slice(start, end);
  const first = text.charCodeAt(start);
  for (let i = 0; i < candidates.length; i++) {
    const key = candidates[i] ?? '';
    if (key.charCodeAt(0) === first && text.startsWith(key, start)) return key;
  }
  return text.slice(start, end);
}
