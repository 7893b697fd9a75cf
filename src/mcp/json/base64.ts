/** JSON in base64, as the headers of payments carry it (policy.md §8). */
import { isStrictValue } from './edit.ts';
import { openScan, scanMessage } from './scan.ts';

/** The text of the JSON object in a base64url or base64 text; undefined where there is none that every reader reads alike. */
export function decodeText(encoded: string): string | undefined {
  try {
    const bytes = decodeBytes(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const isSound = scanMessage(openScan(text, { strict: true, maxDepth: 256, anySpace: true }), []) === 'object';
    return isSound && isStrictValue(text, text.length - text.trimStart().length) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The other way round, in the alphabet that all of them read. */
export function encodeText(text: string): string {
  return encodeBytes(new TextEncoder().encode(text));
}

/** So many characters are made at once: each is an argument. */
const PIECE = 8192;

function encodeBytes(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += PIECE) binary += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(binary);
}

/** Bytes out of base64; throws where it is none. */
export function decodeBytes(base64: string): Uint8Array {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
