/** Values in headers (2026-07-28, Streamable HTTP): what a header cannot carry as it is stands there in base64, in a frame that says so. */
import { equalJson, isNumber, type Json } from '../../core/json.ts';
import { decodeBytes, encodeText } from '../json/base64.ts';

const PREFIX = '=?base64?';
const SUFFIX = '?=';
/** Of a length that four divides. Groups of four would say so themselves, and cost a hundred times as much in a long text. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Visible ASCII, with spaces and tabs within. */
const PLAIN = /^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/;
const ASCII = /^[\t\x20-\x7e]*$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text as a header's value. */
export function encodeHeader(text: string): string {
  if (PLAIN.test(text) && !isFramed(text)) return text;
  return `${PREFIX}${encodeText(text)}${SUFFIX}`;
}

/** What a header's value says; undefined where it is framed and cannot be decoded. SECURITY: so is what is bare and no ASCII, which readers decode in different ways. */
export function decodeHeader(value: string): string | undefined {
  const bare = withoutSpace(value);
  if (!isFramed(bare)) return ASCII.test(bare) ? bare : undefined;
  const base64 = bare.slice(PREFIX.length, -SUFFIX.length);
  if (base64.length % 4 !== 0 || !BASE64.test(base64)) return undefined;
  try {
    return utf8.decode(decodeBytes(base64));
  } catch {
    return undefined;
  }
}

/** An argument as the text of a header; undefined for what a client leaves out. */
export function headerText(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (!isNumber(value)) return undefined;
  const number = Number(value.number);
  return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number)) ? String(number) : undefined;
}

/** Whether the decoded header says what the body says; numbers by their value. */
export function saysTheSame(decoded: string, value: Json): boolean {
  if (isNumber(value)) return decoded === headerText(value) || (DECIMAL.test(decoded) && equalJson({ number: decoded }, value));
  return decoded === headerText(value);
}

/** Without the white space that HTTP allows around a value, and no other: U+00A0 belongs to it. */
function withoutSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

function isFramed(text: string): boolean {
  return text.length >= PREFIX.length + SUFFIX.length && text.startsWith(PREFIX) && text.endsWith(SUFFIX);
}
