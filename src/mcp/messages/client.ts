/**
 * Reads what a client sends, strictly (wire.md §2.3, §2.4): frames, the messages in them, and what a call asks for.
 * INVARIANT I7: what `readClientFrame` accepts reads alike in every JSON parser.
 */
import { type ClientMeta, clientMembers } from '../../core/client-meta.ts';
import { isObject, type Json, type JsonObject, NO_ARGUMENTS } from '../../core/json.ts';
import { finish, type Slices } from '../../core/slices.ts';
import { definePlace, isLookAlike, PARAMS_KEYS, RESULT_KEYS } from '../json/keys.ts';
import { openScan, scanMessage } from '../json/scan.ts';
import { scanMessageInSlices } from '../json/scan-slices.ts';
import type { Member, Scan, Span, Top } from '../json/scan-types.ts';
import { readJson, renderJson, stringAt } from '../json/values.ts';
import { ABSENT, type Envelope, findLookAlike, idAt, isWord, MAX_VALUES, NONE, readEnvelope, valuesIn } from './envelope.ts';
import type {
  ClientBatch,
  ClientFrame,
  ClientMessage,
  FrameLimits,
  NotificationFrame,
  Params,
  ReplyFrame,
  RequestFrame,
  ToolCall,
} from './frame.ts';
import { isLonger, type RequestId } from './id.ts';
import { quote, type Refusal, refuse, refuseFault } from './refusal.ts';

const MAX_NAME = 1024;
/** Characters of what a client adds in `_meta`: who decides is shown all of it. */
const MAX_META = 65_536;
/** SPEC: wire.md §2.4 — no revision has others, and a server that reads them reads what nobody judged. */
const CALL_MEMBERS: ReadonlySet<string> = new Set(['name', 'arguments', '_meta', 'task', 'inputResponses', 'requestState']);
/** Members of a message, of its `params` and of its `result`: each is looked at by more than one reader. */
const MAX_MEMBERS = 4096;
// A BOM is kept, to be seen and refused.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads one frame of a client: a message, a batch, or why it is refused. */
export function readClientFrame(bytes: Uint8Array, limits: FrameLimits): ClientFrame | Refusal {
  const scan = openClientScan(bytes, limits, bytes);
  if ('kind' in scan) return scan;
  const members: Member[] = [];
  const top = scanMessage(scan, members);
  if (!top) return refuseFault(scan, recoverId(scan.text));
  if (top === 'array') return finish(readClientBatch(scan.text, members, limits.maxName));
  return readSingle(scan, top, members, limits);
}

/** Reads a large frame as `readClientFrame` does, and in slices what is asked of its requests: their `params`, as values. */
export function* readClientFrameInSlices(bytes: Uint8Array, limits: FrameLimits): Slices<ClientFrame | Refusal> {
  const scan = openClientScan(bytes, limits);
  if ('kind' in scan) return scan;
  yield;
  const members: Member[] = [];
  const top = yield* scanMessageInSlices(scan, members);
  if (!top) return refuseFault(scan, yield* recoverIdInSlices(scan.text));
  if (top !== 'array') return yield* withParams(readSingle(scan, top, members, limits));
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

/** `whole`: where the frame is scanned in one go. */
function openClientScan(bytes: Uint8Array, { maxDepth, anySpace = false }: FrameLimits, whole?: Uint8Array): Scan | Refusal {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return refuse('encoding', 'the message is not valid UTF-8');
  }
  if (text.charCodeAt(0) === 0xfeff) return refuse('encoding', 'the message begins with a byte order mark');
  return openScan(text, { strict: true, maxDepth, anySpace, maxMembers: MAX_MEMBERS }, whole);
}

function readSingle({ text }: Scan, top: Top, members: readonly Member[], limits: FrameLimits): ClientMessage | Refusal {
  return readClientMessage(text, { start: 0, end: text.length }, top === 'object' ? members : undefined, limits.maxName);
}

/** Reads what a `tools/call` asks for, or why it cannot be judged (wire.md §2.4). */
export function readToolCall(frame: RequestFrame | NotificationFrame): ToolCall | Refusal {
  const { text, params } = frame;
  const id = frame.kind === 'request' ? frame.id : undefined;
  const values = new Map<string, Json>();
  for (const [key, { start }] of params.members) {
    if (!CALL_MEMBERS.has(key)) {
      const message = `"params" of a call has no member ${quote(key)}: what the tool is to get stands in "arguments"`;
      return refuse('bad_call', message, id);
    }
    if (key === 'name') continue;
    const value = frame.values?.get(key) ?? readJson(text, start);
    // `null` is as good as absent.
    if (value !== null) values.set(key, value);
  }
  const nameAt = params.members.get('name');
  const name = nameAt && stringAt(text, nameAt);
  if (name === undefined) return refuse('bad_call', '"params.name" has to be a string', id);
  if (name.length * 3 > MAX_NAME && isLonger(name, MAX_NAME))
    return refuse('bad_call', `"params.name" is longer than ${MAX_NAME} bytes`, id);
  const [args, meta, inputs, task] = [values.get('arguments'), values.get('_meta'), values.get('inputResponses'), values.get('task')];
  const requestState = values.get('requestState');
  const bad = (key: string, kind: string) => refuse('bad_call', `"params.${key}" has to be ${kind}`, id);
  if (args !== undefined && !isObject(args)) return bad('arguments', 'an object');
  if (meta !== undefined && !isObject(meta)) return bad('_meta', 'an object');
  if (inputs !== undefined && !isObject(inputs)) return bad('inputResponses', 'an object');
  if (task !== undefined && !isObject(task)) return bad('task', 'an object');
  if (requestState !== undefined && typeof requestState !== 'string') return bad('requestState', 'a string');
  const ownMeta = meta && clientMetaOf(meta);
  if (ownMeta && ownMeta.text.length > MAX_META) return refuse('bad_call', `"params._meta" is larger than ${MAX_META / 1024} KiB`, id);
  const argsAt = args && params.members.get('arguments');
  const inputsAt = inputs && params.members.get('inputResponses');
  return {
    name,
    args: args ?? NO_ARGUMENTS,
    argsText: argsAt ? text.slice(argsAt.start, argsAt.end) : '{}',
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

function* readClientBatch(text: string, elements: readonly Member[], maxName: number): Slices<ClientBatch | Refusal> {
  if (elements.length === 0) return refuse('batch', 'the batch is empty');
  if (elements.some(({ start }) => text.charCodeAt(start) === 91)) return refuse('batch', 'a batch stands within the batch');
  const items: (ClientMessage | Refusal)[] = [];
  for (const element of elements) {
    items.push(readClientMessage(text, element, element.members, maxName));
    yield;
  }
  return { kind: 'batch', items, text, span: { start: 0, end: text.length } };
}

/** A refused text is still read so deep to find the id of its request, and may have so many members. */
const RECOVERY = { strict: false, maxDepth: 2000, anySpace: true, maxMembers: MAX_MEMBERS };
/** Bytes of an id in an answer, or in a message that is refused. */
const MAX_ID = 1024;
/** These keys distinguish a request from an answer, and name the request. */
const ANSWER_KEYS = definePlace('id', 'result', 'error');

/** Reads one message of a strictly scanned text. */
export function readClientMessage(
  text: string,
  span: Span,
  members: readonly Member[] | undefined,
  maxName: number,
): ClientMessage | Refusal {
  if (!members) return refuse('not_json_rpc', 'a JSON-RPC message is a JSON object');
  const envelope = readEnvelope(members);
  const fault = faultOf(text, envelope);
  if (fault) return refuse(fault.reason, fault.message, certainId(text, members, maxName));
  return envelope.method ? readRequest(text, span, envelope, envelope.method, maxName) : readReply(text, span, envelope);
}

/**
 * The id of a message that is refused, where it is certain: a whole JSON object with one id that is no answer.
 * SECURITY: an answer's id is of the other side's making; an error to it could end another request of the client.
 */
export function recoverId(text: string): RequestId | undefined {
  const members: Member[] = [];
  const top = scanMessage(openScan(text, RECOVERY), members);
  return top === 'object' ? certainId(text, members, MAX_ID) : undefined;
}

/** The same for a large text. */
export function* recoverIdInSlices(text: string): Slices<RequestId | undefined> {
  const members: Member[] = [];
  const top = yield* scanMessageInSlices(openScan(text, RECOVERY), members);
  return top === 'object' ? certainId(text, members, MAX_ID) : undefined;
}

/** The only id, where no member makes the message an answer or, misspelt, could. */
function certainId(text: string, members: readonly Member[], most: number): RequestId | undefined {
  const [only, ...others] = members.filter(({ key }) => ANSWER_KEYS.keys.has(key) || isLookAlike(key, ANSWER_KEYS));
  const id = only?.key === 'id' && others.length === 0 ? idAt(text, only) : undefined;
  return id && isValidId(id, most) && id.key.isWellFormed() ? id : undefined;
}

type EnvelopeFault = Pick<Refusal, 'reason' | 'message'>;

/** Why an envelope is refused. */
function faultOf(text: string, { odd, jsonrpc, method, result, error }: Envelope): EnvelopeFault | undefined {
  if (odd) return { reason: odd.kind, message: `key ${quote(odd.key)} only looks like one of JSON-RPC's` };
  if (!jsonrpc || stringAt(text, jsonrpc) !== '2.0') return { reason: 'not_json_rpc', message: '"jsonrpc" has to be "2.0"' };
  if (method && !result && !error) return undefined;
  if (method) return { reason: 'not_json_rpc', message: 'a message with "method" has neither "result" nor "error"' };
  return !result === !error ? { reason: 'not_json_rpc', message: 'a message has "method", or one of "result" and "error"' } : undefined;
}

/** True where a client may use the id: a string, or a number written as a whole one (`1.0` and `1e0` are not), and not too long. */
function isValidId({ key, text }: RequestId, maxName: number): boolean {
  if (!key.startsWith('s:') && !WHOLE.test(text)) return false;
  return text.length * 3 <= maxName || !isLonger(text, maxName + 2);
}

const WHOLE = /^-?\d+$/;

function readRequest(text: string, span: Span, envelope: Envelope, found: Member, maxName: number): ClientMessage | Refusal {
  const id = envelope.id && idAt(text, envelope.id);
  if (envelope.id && !(id && isValidId(id, maxName))) return badId(text, envelope.id);
  const method = stringAt(text, found);
  if (method === undefined) return refuse('not_json_rpc', '"method" has to be a string', id);
  if (method.length * 3 > maxName && isLonger(method, maxName)) return refuse('too_long', `"method" is longer than ${maxName} bytes`, id);
  const params = envelope.params ? readStrictParams(text, envelope.params, id) : ABSENT;
  if ('kind' in params) return params;
  const { meta } = envelope;
  if (!id || !envelope.id) return { kind: 'notification', method, params, meta, text, span };
  return { kind: 'request', id, idSpan: envelope.id, method, params, meta, text, span };
}

/** The params, where no key only looks like one of MCP's. A strict scan has seen that none occurs twice. */
function readStrictParams(text: string, found: Member, id: RequestId | undefined): Params | Refusal {
  if (!found.members)
    return isWord(text, found, 'null') ? { members: NONE, span: found } : refuse('bad_params', '"params" has to be an object', id);
  const members = new Map<string, Member>();
  for (const member of found.members) {
    const { key } = member;
    if (!PARAMS_KEYS.keys.has(key) && isLookAlike(key, PARAMS_KEYS))
      return refuse('look_alike_key', `key ${quote(key)} of "params" only looks like one of MCP's`, id);
    members.set(key, member);
  }
  return { members, span: found };
}

function readReply(text: string, span: Span, { id: found, result, error }: Envelope): ReplyFrame | Refusal {
  const odd = findLookAlike(result?.members, RESULT_KEYS);
  if (odd !== undefined) return refuse('look_alike_key', `key ${quote(odd)} of "result" only looks like one of MCP's`);
  if (error && text.charCodeAt(error.start) !== 123) return refuse('not_json_rpc', '"error" has to be an object');
  const isError = error !== undefined;
  if (isError && (!found || isWord(text, found, 'null')))
    return { kind: 'response', id: undefined, idSpan: undefined, isError, text, span };
  const id = found && idAt(text, found);
  if (!found) return refuse('bad_id', 'an answer has the "id" of its request');
  if (!id || !isValidId(id, MAX_ID)) return badId(text, found);
  return { kind: 'response', id, idSpan: found, isError, text, span };
}

function badId(text: string, span: Span): Refusal {
  return refuse('bad_id', `"id" has to be a string or a whole number of at most 1 KiB, got ${quote(text.slice(span.start, span.end))}`);
}
