/**
 * The headers that repeat a message of 2026-07-28 (wire.md §2.10): the body decides, and a header that says otherwise
 * is refused. SECURITY: whoever stands behind us and reads headers alone would see another call than the one judged.
 */

import { AMBIGUOUS, equalJson, isArray, isNumber, isObject, type Json } from '../../core/json.ts';
import { decodeBytes, encodeText } from '../json/base64.ts';
import { readMember } from './envelope.ts';
import type { ClientFrame, ClientMessage } from './frame.ts';
import { argumentAt, paramHeaders } from './param-headers.ts';
import { quote, type Refusal } from './refusal.ts';
import { CAPABILITIES_KEY, MODERN, VERSION_KEY } from './revisions.ts';

type Asking = Extract<ClientMessage, { kind: 'request' | 'notification' }>;

/** The values of all headers of this name (in lower case), as they stood on the wire. */
export type HeaderValues = (name: string) => readonly string[];
/** The schema of a tool's arguments as the server listed it; undefined where it is not known. */
export type SchemaOf = (tool: string) => Json | undefined;

/** HTTP 400. */
export interface HeaderFault {
  readonly code: -32020;
  readonly message: string;
}

const VERSION = 'MCP-Protocol-Version';
const METHOD = 'Mcp-Method';
const NAME = 'Mcp-Name';
const PARAM = 'Mcp-Param-';
/** `Mcp-Name` repeats these members, by method. */
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

const REPEATING = /^mcp-(?:method|name|param-)/i;

/** True where a header repeats what the body says. `raw`: names and values in turn. */
export function hasRepeating(raw: readonly string[]): boolean {
  for (let index = 0; index < raw.length; index += 2) if (REPEATING.test(raw[index] as string)) return true;
  return false;
}

/**
 * Finds what is wrong with the headers of a body; undefined where they agree with it, and for bodies that are refused anyway.
 * `repeating`: whether any repeats the body, but for the version; without, only a message that names its version can lack one.
 */
export function checkHeaders(
  frame: ClientFrame | Refusal,
  valuesOf: HeaderValues,
  schemaOf: SchemaOf,
  repeating = true,
): HeaderFault | undefined {
  if (!repeating && !namesVersion(frame)) return undefined;
  for (const wanted of expected(frame, schemaOf)) {
    const fault = compare(wanted, valuesOf(wanted.header.toLowerCase()));
    if (fault !== undefined) return { code: -32020, message: `the headers and the body disagree: ${fault}` };
  }
  return undefined;
}

/** The headers that a message of the modern era goes with; none for others. */
export function headersFor(
  { message }: { readonly message?: ClientMessage | undefined },
  schemaOf: SchemaOf,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  if (!message || message.kind === 'response' || (versionOf(message) ?? '') < MODERN) return headers;
  for (const { header, value } of expected(message, schemaOf)) {
    const text = value === AMBIGUOUS ? undefined : headerText(value);
    if (text !== undefined) headers[header] = encodeHeader(text);
  }
  return headers;
}

/** True where a message says that it is of 2026-07-28 or later: then it belongs to no session. */
export function isModern(frame: ClientFrame | Refusal): boolean {
  return (frame.kind === 'request' || frame.kind === 'notification') && (versionOf(frame) ?? '') >= MODERN;
}

/** True where a message of the modern era declares its client's capabilities; without, it is answered with -32602 and status 400. */
export function declaresCapabilities(frame: Asking): boolean {
  const meta = memberOf(frame, '_meta');
  return isObject(meta) && meta.has(CAPABILITIES_KEY);
}

/** One header and the value that it has to have. */
interface Wanted {
  readonly header: string;
  /** Undefined: the body has nothing that the header could repeat. AMBIGUOUS: nobody knows which of two things it repeats. */
  readonly value: Json | undefined | typeof AMBIGUOUS;
  readonly isRequired: boolean;
}

function namesVersion(frame: ClientFrame | Refusal): boolean {
  return (frame.kind === 'request' || frame.kind === 'notification') && versionOf(frame) !== undefined;
}

function* expected(frame: ClientFrame | Refusal, schemaOf: SchemaOf): Iterable<Wanted> {
  if (frame.kind === 'refused') return;
  if (frame.kind === 'batch' || frame.kind === 'response') {
    for (const header of [METHOD, NAME]) yield { header, value: undefined, isRequired: false };
    return;
  }
  const version = versionOf(frame);
  const isRequired = frame.kind === 'request' && version !== undefined && version >= MODERN;
  if (version !== undefined) yield { header: VERSION, value: version, isRequired };
  yield { header: METHOD, value: frame.method, isRequired };
  const name = memberOf(frame, NAMED_BY.get(frame.method));
  if (typeof name !== 'string') return;
  yield { header: NAME, value: name, isRequired };
  if (frame.method === 'tools/call') yield* expectedParams(frame, name, isRequired, schemaOf);
}

/** SPEC: an argument that is null or absent has no header to compare; a number that no double holds, none that a client could write. */
function* expectedParams(frame: Asking, tool: string, isRequired: boolean, schemaOf: SchemaOf): Iterable<Wanted> {
  const declared = paramHeaders(schemaOf(tool));
  if (declared.length === 0) return;
  const args = memberOf(frame, 'arguments');
  for (const { path, name } of declared) {
    const value = argumentAt(args, path);
    if (value === AMBIGUOUS) {
      yield { header: `${PARAM}${name}`, value, isRequired };
      continue;
    }
    if (value === undefined || value === null || isObject(value) || isArray(value)) continue;
    yield { header: `${PARAM}${name}`, value, isRequired: isRequired && headerText(value) !== undefined };
  }
}

function compare({ header, value, isRequired }: Wanted, values: readonly string[]): string | undefined {
  const [first, second] = values;
  if (first === undefined && !isRequired) return undefined;
  // SECURITY: what goes by the header, and a server that folds keys, would see two different calls.
  if (value === AMBIGUOUS) return `${header} repeats an argument, and another one looks like it`;
  if (first === undefined) return `${header} is missing`;
  if (second !== undefined) return `${header} is there more than once`;
  if (value === undefined) return `${header} is ${quote(first)}, and the body has nothing of the kind`;
  const decoded = decodeHeader(first);
  if (decoded === undefined) return `${header} is neither ASCII nor valid base64 of UTF-8`;
  return saysTheSame(decoded, value) ? undefined : `${header} is ${quote(decoded)}, and the body says otherwise`;
}

function versionOf(frame: Asking): string | undefined {
  const meta = memberOf(frame, '_meta');
  const version = isObject(meta) ? meta.get(VERSION_KEY) : undefined;
  return typeof version === 'string' ? version : undefined;
}

function memberOf(frame: Asking, name: string | undefined): Json | undefined {
  return name === undefined ? undefined : readMember(frame, name);
}

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

/** Decodes a header's value; undefined where it is framed and cannot be decoded. SECURITY: so is what is bare and no ASCII, which readers decode in different ways. */
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

/** True where the decoded header says what the body says; numbers by their value. */
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
