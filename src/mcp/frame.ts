/**
 * Reads frames: what a client sends strictly, what a server sends leniently.
 * INVARIANT I7: what `readClientFrame` accepts reads alike in every JSON parser.
 */
import { isObject, type Json, type JsonObject, NO_ARGUMENTS } from '../core/json.ts';
import { readClientMessage, recoverId } from './client.ts';
import { isLonger, type RequestId } from './id.ts';
import { createIdFinder } from './id-finder.ts';
import { readJson } from './json.ts';
import type { ClientFrame, ClientMessage, NotificationFrame, RequestFrame, ServerFrame, ServerMessage, ToolCall } from './message.ts';
import { type Refusal, refuse, refuseFault } from './refusal.ts';
import { type Member, scanMessage } from './scan.ts';
import { readServerMessage, unreadable } from './server.ts';
import { openScan, type Span, stringAt } from './token.ts';

export type { RequestId } from './id.ts';
export type * from './message.ts';
export type { Refusal, RefusalReason } from './refusal.ts';

export interface FrameLimits {
  readonly maxDepth: number;
  /** Bytes of an id, a method or a tool's name. */
  readonly maxName: number;
  /** Over HTTP all four characters of JSON's white space are fine (wire.md §2.6); a line has spaces only. */
  readonly anySpace?: boolean;
}

const MAX_NAME = 1024;
const SERVER_RULES = { strict: false, maxDepth: 256, anySpace: true };
// A BOM is kept, to be seen and refused.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads one frame of a client: a message, a batch, or why it is refused. */
export function readClientFrame(bytes: Uint8Array, limits: FrameLimits): ClientFrame | Refusal {
  const text = decodeStrictly(bytes);
  if (text === undefined) return refuse('encoding', 'the message is not valid UTF-8');
  if (text.charCodeAt(0) === 0xfeff) return refuse('encoding', 'the message begins with a byte order mark');
  const scan = openScan(text, { strict: true, maxDepth: limits.maxDepth, anySpace: limits.anySpace === true });
  const members: Member[] = [];
  const top = scanMessage(scan, members);
  const span = { start: 0, end: text.length };
  switch (top) {
    case 'object':
      return readClientMessage(text, span, members, limits.maxName);
    case 'array':
      return readClientBatch(text, span, members, limits.maxName);
    case 'other':
      return readClientMessage(text, span, undefined, limits.maxName);
    default:
      return refuseFault(scan, recoverId(text));
  }
}

/** Reads what a `tools/call` asks for, or why it can not be judged (wire.md §2.4). */
export function readToolCall(frame: RequestFrame | NotificationFrame): ToolCall | Refusal {
  const { text, params } = frame;
  const bad = (message: string): Refusal => refuse('bad_call', message, frame.kind === 'request' ? frame.id : undefined);
  const nameAt = params.members.get('name');
  const name = nameAt && stringAt(text, nameAt);
  if (name === undefined) return bad('"params.name" has to be a string');
  if (isLonger(name, MAX_NAME)) return bad(`"params.name" is longer than ${MAX_NAME} bytes`);
  const member = (key: string): Json | undefined => valueAt(text, params.members.get(key));
  const [args, meta, inputs, task] = [member('arguments'), member('_meta'), member('inputResponses'), member('task')];
  const requestState = member('requestState');
  if (!isObjectOrAbsent(args)) return bad('"params.arguments" has to be an object');
  if (!isObjectOrAbsent(meta)) return bad('"params._meta" has to be an object');
  if (!isObjectOrAbsent(inputs)) return bad('"params.inputResponses" has to be an object');
  if (!isObjectOrAbsent(task)) return bad('"params.task" has to be an object');
  if (requestState !== undefined && typeof requestState !== 'string') return bad('"params.requestState" has to be a string');
  const argsAt = args && params.members.get('arguments');
  const argsText = argsAt ? text.slice(argsAt.start, argsAt.end) : '{}';
  return { name, args: args ?? NO_ARGUMENTS, argsText, meta, requestState, inputResponses: inputs !== undefined, task: task !== undefined };
}

/** Reads one frame of a server. */
export function readServerFrame(bytes: Uint8Array): ServerFrame {
  const text = lenientUtf8.decode(bytes);
  const scan = openScan(text, SERVER_RULES);
  const members: Member[] = [];
  const top = scanMessage(scan, members);
  const span = { start: 0, end: text.length };
  switch (top) {
    case 'object':
      return readServerMessage(text, span, members);
    case 'array':
      return readServerBatch(text, span, members);
    case 'other':
      return unreadable('it is no JSON object', undefined);
    default:
      return readBroken(text, scan.fault, bytes);
  }
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function readClientBatch(text: string, span: Span, elements: readonly Member[], maxName: number): ClientFrame | Refusal {
  if (elements.length === 0) return refuse('batch', 'the batch is empty');
  if (elements.some(({ start }) => text.charCodeAt(start) === 91)) return refuse('batch', 'a batch stands within the batch');
  const items = elements.map((element): ClientMessage | Refusal => readClientMessage(text, element, element.members, maxName));
  return { kind: 'batch', items, text, span };
}

function readServerBatch(text: string, span: Span, elements: readonly Member[]): ServerFrame {
  if (elements.length === 0) return unreadable('the batch is empty', undefined);
  if (elements.some(({ start }) => text.charCodeAt(start) === 91)) return unreadable('a batch stands within the batch', undefined);
  return { kind: 'batch', items: elements.map((element): ServerMessage => readServerMessage(text, element, element.members)), text, span };
}

/** What is broken before or after its id still ends that request (I9); what has none is a banner, if it is no JSON. */
function readBroken(text: string, fault: string | undefined, bytes: Uint8Array): ServerFrame {
  const id = answeredId(text, bytes);
  if (fault === 'too_deep') return unreadable('it is nested too deeply', id);
  if (fault === 'batch') return unreadable('the batch has too many messages', undefined);
  return id ? unreadable('it is not valid JSON', id) : { kind: 'noise' };
}

/** The request that a broken text answers. SECURITY: the ids of the server's own requests, and those in its logs, name none of ours. */
function answeredId(text: string, bytes: Uint8Array): RequestId | undefined {
  if (!text.includes('"jsonrpc"')) return undefined;
  const finder = createIdFinder();
  finder.push(bytes);
  const { id, isRequest } = finder.found();
  return isRequest ? undefined : id;
}

/** The value of a member; `null` is as good as absent. */
function valueAt(text: string, span: Span | undefined): Json | undefined {
  return span && (readJson(text, span.start) ?? undefined);
}

function isObjectOrAbsent(value: Json | undefined): value is JsonObject | undefined {
  return value === undefined || isObject(value);
}
