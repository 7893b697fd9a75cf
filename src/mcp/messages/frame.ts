/**
 * Reads frames: what a client sends strictly, what a server sends leniently.
 * INVARIANT I7: what `readClientFrame` accepts reads alike in every JSON parser.
 */
import { type ClientMeta, clientMembers } from '../../core/client-meta.ts';
import { isObject, type Json, type JsonObject, NO_ARGUMENTS } from '../../core/json.ts';
import { finish, type Slices } from '../../core/slices.ts';
import { renderJson } from '../json/json.ts';
import { type Member, scanMessage, type Top } from '../json/scan.ts';
import { scanMessageInSlices } from '../json/scan-slices.ts';
import { openScan, type Scan, type Span, stringAt } from '../json/token.ts';
import { readClientMessage, recoverId, recoverIdInSlices } from './client.ts';
import { isLonger, type RequestId } from './id.ts';
import { createIdFinder } from './id-finder.ts';
import type {
  ClientFrame,
  ClientMessage,
  NotificationFrame,
  RequestFrame,
  ServerFrame,
  ServerMessage,
  ToolCall,
  UnreadableFrame,
} from './message.ts';
import { quote, type Refusal, refuse, refuseFault } from './refusal.ts';
import { readServerMessage, unreadable } from './server.ts';
import { MAX_VALUES, readMember, valuesIn } from './values.ts';

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
/** Characters of what a client adds in `_meta`: who decides is shown all of it. */
const MAX_META = 65_536;
/** SPEC: wire.md §2.4 — no revision has others, and a server that reads them reads what nobody judged. */
const CALL_MEMBERS: ReadonlySet<string> = new Set(['name', 'arguments', '_meta', 'task', 'inputResponses', 'requestState']);
/** Members of a message, of its `params` and of its `result`: each is looked at by more than one reader. A server's results are data (wire.md §2). */
const MAX_MEMBERS = { client: 4096, server: 32_768 };
const SERVER_RULES = { strict: false, maxDepth: 256, anySpace: true, maxMembers: MAX_MEMBERS.server };
/** Bytes between two pauses. */
const SLICE = 64 * 1024;
/** What is asked of a server's message as a value. All else is passed on as it came, and `_meta` is looked into where it stands. */
const ASKED: ReadonlySet<string> = new Set([
  'inputRequests',
  'protocolVersion',
  'requestState',
  'result',
  'status',
  'task',
  'taskId',
  'name',
  'uri',
]);
// A BOM is kept, to be seen and refused.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads one frame of a client: a message, a batch, or why it is refused. */
export function readClientFrame(bytes: Uint8Array, limits: FrameLimits): ClientFrame | Refusal {
  const scan = openClientScan(bytes, limits);
  if ('kind' in scan) return scan;
  const members: Member[] = [];
  const top = scanMessage(scan, members);
  if (!top) return refuseFault(scan, recoverId(scan.text));
  if (top === 'array') return finish(readClientBatch(scan.text, members, limits.maxName));
  return readClientMessage(scan.text, wholeOf(scan), top === 'object' ? members : undefined, limits.maxName);
}

/** Reads a large frame as `readClientFrame` does, and in slices what is asked of its requests: their `params`, as values. */
export function* readClientFrameInSlices(bytes: Uint8Array, limits: FrameLimits): Slices<ClientFrame | Refusal> {
  const scan = openClientScan(bytes, limits);
  if ('kind' in scan) return scan;
  yield;
  const members: Member[] = [];
  const top = yield* scanMessageInSlices(scan, members);
  if (!top) return refuseFault(scan, yield* recoverIdInSlices(scan.text));
  if (top !== 'array')
    return yield* withParams(readClientMessage(scan.text, wholeOf(scan), top === 'object' ? members : undefined, limits.maxName));
  const frame = yield* readClientBatch(scan.text, members, limits.maxName);
  if (frame.kind !== 'batch') return frame;
  const items: (ClientMessage | Refusal)[] = [];
  for (const item of frame.items) items.push(yield* withParams(item));
  return { ...frame, items };
}

function* withParams(frame: ClientMessage | Refusal): Slices<ClientMessage | Refusal> {
  if (frame.kind !== 'request' && frame.kind !== 'notification') return frame;
  const values = yield* valuesIn(frame.text, frame.params.members);
  if (values) return { ...frame, values };
  const message = `"params" has more values than can be judged (${MAX_VALUES}, where an array or an object counts as four)`;
  return refuse('too_many', message, frame.kind === 'request' ? frame.id : undefined);
}

function openClientScan(bytes: Uint8Array, limits: FrameLimits): Scan | Refusal {
  const text = decodeStrictly(bytes);
  if (text === undefined) return refuse('encoding', 'the message is not valid UTF-8');
  if (text.charCodeAt(0) === 0xfeff) return refuse('encoding', 'the message begins with a byte order mark');
  return openScan(text, { strict: true, maxDepth: limits.maxDepth, anySpace: limits.anySpace === true, maxMembers: MAX_MEMBERS.client });
}

function wholeOf({ text }: Scan): Span {
  return { start: 0, end: text.length };
}

/** Reads what a `tools/call` asks for, or why it can not be judged (wire.md §2.4). */
export function readToolCall(frame: RequestFrame | NotificationFrame): ToolCall | Refusal {
  const { text, params } = frame;
  for (const key of params.members.keys())
    if (!CALL_MEMBERS.has(key)) {
      const message = `"params" of a call has no member ${quote(key)}: what the tool is to get stands in "arguments"`;
      return refuse('bad_call', message, frame.kind === 'request' ? frame.id : undefined);
    }
  const bad = (message: string): Refusal => refuse('bad_call', message, frame.kind === 'request' ? frame.id : undefined);
  const nameAt = params.members.get('name');
  const name = nameAt && stringAt(text, nameAt);
  if (name === undefined) return bad('"params.name" has to be a string');
  if (isLonger(name, MAX_NAME)) return bad(`"params.name" is longer than ${MAX_NAME} bytes`);
  // `null` is as good as absent.
  const member = (key: string): Json | undefined => readMember(frame, key) ?? undefined;
  const [args, meta, inputs, task] = [member('arguments'), member('_meta'), member('inputResponses'), member('task')];
  const requestState = member('requestState');
  if (!isObjectOrAbsent(args)) return bad('"params.arguments" has to be an object');
  if (!isObjectOrAbsent(meta)) return bad('"params._meta" has to be an object');
  if (!isObjectOrAbsent(inputs)) return bad('"params.inputResponses" has to be an object');
  if (!isObjectOrAbsent(task)) return bad('"params.task" has to be an object');
  if (requestState !== undefined && typeof requestState !== 'string') return bad('"params.requestState" has to be a string');
  const argsAt = args && params.members.get('arguments');
  const argsText = argsAt ? text.slice(argsAt.start, argsAt.end) : '{}';
  const ownMeta = meta && clientMetaOf(meta);
  if (ownMeta && ownMeta.text.length > MAX_META) return bad(`"params._meta" is larger than ${MAX_META / 1024} KiB`);
  const inputsAt = inputs && params.members.get('inputResponses');
  return {
    name,
    args: args ?? NO_ARGUMENTS,
    argsText,
    meta,
    ownMeta,
    requestState,
    inputResponses: inputsAt && text.slice(inputsAt.start, inputsAt.end),
    task: task !== undefined,
  };
}

function clientMetaOf(meta: JsonObject): ClientMeta | undefined {
  const value = clientMembers(meta);
  return value && { value, text: renderJson(value) };
}

/** Reads one frame of a server. */
export function readServerFrame(bytes: Uint8Array): ServerFrame {
  const scan = openScan(lenientUtf8.decode(bytes), SERVER_RULES);
  const members: Member[] = [];
  const top = scanMessage(scan, members);
  if (!top) return readBroken(scan, finish(answeredId(scan.text, bytes)));
  return top === 'array' ? finish(readServerBatch(scan.text, members)) : readSingle(scan, top, members);
}

/** Reads a large frame as `readServerFrame` does, and in slices what may be asked of it besides what it carries. */
export function* readServerFrameInSlices(bytes: Uint8Array): Slices<ServerFrame> {
  const scan = openScan(lenientUtf8.decode(bytes), SERVER_RULES);
  yield;
  const members: Member[] = [];
  const top = yield* scanMessageInSlices(scan, members);
  if (!top) return readBroken(scan, yield* answeredId(scan.text, bytes));
  if (top !== 'array') return yield* withServerValues(readSingle(scan, top, members));
  const frame = yield* readServerBatch(scan.text, members);
  if (frame.kind !== 'batch') return frame;
  const items: ServerMessage[] = [];
  for (const item of frame.items) items.push(yield* withServerValues(item));
  return { ...frame, items };
}

function readSingle(scan: Scan, top: Top, members: readonly Member[]): ServerMessage {
  return readServerMessage(scan.text, wholeOf(scan), top === 'object' ? members : undefined);
}

function* withServerValues(frame: ServerMessage): Slices<ServerMessage> {
  if (frame.kind === 'unreadable' || frame.kind === 'error_without_id') return frame;
  const members = frame.kind === 'response' ? frame.members : frame.params.members;
  const values = yield* valuesIn(frame.text, members, (key) => ASKED.has(key));
  return values ? { ...frame, values } : unreadable('it has too many values', frame.kind === 'response' ? frame.id : undefined);
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function* readClientBatch(
  text: string,
  elements: readonly Member[],
  maxName: number,
): Slices<Extract<ClientFrame, { kind: 'batch' }> | Refusal> {
  if (elements.length === 0) return refuse('batch', 'the batch is empty');
  if (elements.some(({ start }) => text.charCodeAt(start) === 91)) return refuse('batch', 'a batch stands within the batch');
  const items: (ClientMessage | Refusal)[] = [];
  for (const element of elements) {
    items.push(readClientMessage(text, element, element.members, maxName));
    yield;
  }
  return { kind: 'batch', items, text, span: { start: 0, end: text.length } };
}

function* readServerBatch(text: string, elements: readonly Member[]): Slices<Extract<ServerFrame, { kind: 'batch' }> | UnreadableFrame> {
  if (elements.length === 0) return unreadable('the batch is empty', undefined);
  if (elements.some(({ start }) => text.charCodeAt(start) === 91)) return unreadable('a batch stands within the batch', undefined);
  const items: ServerMessage[] = [];
  for (const element of elements) {
    items.push(readServerMessage(text, element, element.members));
    yield;
  }
  return { kind: 'batch', items, text, span: { start: 0, end: text.length } };
}

/** What is broken before or after its id still ends that request (I9); what has none is a banner, if it is no JSON. */
function readBroken({ fault, faultMost }: Scan, id: RequestId | undefined): ServerFrame {
  if (fault === 'too_deep') return unreadable('it is nested too deeply', id);
  if (fault === 'too_many') return unreadable(`it has more than ${faultMost} members`, id);
  if (fault === 'batch') return unreadable('the batch has too many messages', undefined);
  return id ? unreadable('it is not valid JSON', id) : { kind: 'noise' };
}

/** The request that a broken text answers. SECURITY: the ids of the server's own requests, and those in its logs, name none of ours. */
function* answeredId(text: string, bytes: Uint8Array): Slices<RequestId | undefined> {
  if (!text.includes('"jsonrpc"')) return undefined;
  const finder = createIdFinder();
  for (let at = 0; at < bytes.length; at += SLICE) {
    finder.push(bytes.subarray(at, at + SLICE));
    yield;
  }
  const { id, isRequest } = finder.found();
  return isRequest ? undefined : id;
}

function isObjectOrAbsent(value: Json | undefined): value is JsonObject | undefined {
  return value === undefined || isObject(value);
}
