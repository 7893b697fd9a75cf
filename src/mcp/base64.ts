/** JSON in base64, as the headers of payments carry it (policy.md §8). */
import { isStrictValue, scanMessage } from './scan.ts';
import { openScan } from './token.ts';

/** The text of the JSON object in a base64url or base64 text; undefined where there is none that every reader reads alike. */
export function decodeText(encoded: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(encoded.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const isSound = scanMessage(openScan(text, { strict: true, maxDepth: 256, anySpace: true }), []) === 'object';
    return isSound && isStrictValue(text, text.length - text.trimStart().length) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The other way round, in the alphabet that all of them read. */
export function encodeText(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
