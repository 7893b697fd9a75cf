/**
 * The headers that repeat a message of 2026-07-28 (wire.md §2.10): the body decides, and a header that says otherwise
 * is refused. SECURITY: whoever stands behind us and reads headers alone would see another call than the one judged.
 */
import { AMBIGUOUS, isArray, isObject, type Json } from '../../core/json.ts';
import { decodeHeader, encodeHeader, headerText, saysTheSame } from './header-value.ts';
import type { ClientFrame, ClientMessage } from './message.ts';
import { argumentAt, paramHeaders } from './param-headers.ts';
import { quote, type Refusal } from './refusal.ts';
import { readMember } from './values.ts';

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

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
export const MODERN = '2026-07-28';
const VERSION = 'MCP-Protocol-Version';
const METHOD = 'Mcp-Method';
const NAME = 'Mcp-Name';
const PARAM = 'Mcp-Param-';
/** What `Mcp-Name` repeats. */
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

const REPEATING = /^mcp-(?:method|name|param-)/i;

/** Whether there is a header that repeats what the body says. `raw`: names and values in turn. */
export function hasRepeating(raw: readonly string[]): boolean {
  for (let index = 0; index < raw.length; index += 2) if (REPEATING.test(raw[index] as string)) return true;
  return false;
}

/**
 * What is wrong with the headers of a body; undefined where they agree with it, and for bodies that are refused anyway.
 * `repeating`: whether any repeats the body, but for the version; without, only a message that names its version can lack one.
 */
export function checkHeaders(
  frame: ClientFrame | Refusal,
  valuesOf: HeaderValues,
  schemaOf: SchemaOf,
  repeating = true,
): HeaderFault | undefined {
  if (!repeating && !namesVersion(frame)) return undefined;
  for (const said of expected(frame, schemaOf)) {
    const fault = compare(said, valuesOf(said.header.toLowerCase()));
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

/** Whether a message says that it is of 2026-07-28 or later: then it belongs to no session. */
export function isModern(frame: ClientFrame | Refusal): boolean {
  return (frame.kind === 'request' || frame.kind === 'notification') && (versionOf(frame) ?? '') >= MODERN;
}

/** Whether a message of the modern era says what its client can do; without, it is answered with -32602 and status 400. */
export function declaresCapabilities(frame: Asking): boolean {
  const meta = memberOf(frame, '_meta');
  return isObject(meta) && meta.has(CAPABILITIES_KEY);
}

/** What one header has to say. */
interface Said {
  readonly header: string;
  /** Undefined: the body has nothing that the header could repeat. AMBIGUOUS: nobody knows which of two things it repeats. */
  readonly value: Json | undefined | typeof AMBIGUOUS;
  readonly isRequired: boolean;
}

function namesVersion(frame: ClientFrame | Refusal): boolean {
  return (frame.kind === 'request' || frame.kind === 'notification') && versionOf(frame) !== undefined;
}

function* expected(frame: ClientFrame | Refusal, schemaOf: SchemaOf): Iterable<Said> {
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
function* expectedParams(frame: Asking, tool: string, isRequired: boolean, schemaOf: SchemaOf): Iterable<Said> {
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

function compare({ header, value, isRequired }: Said, values: readonly string[]): string | undefined {
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
