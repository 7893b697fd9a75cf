/**
 * Reads what a server sends. Below the envelope it is taken as it is; refused is what could be read in two ways where
 * that decides something: the envelope, and what distinguishes a failed call from one that succeeded (wire.md §2).
 */
import { finish, type Slices } from '../../core/slices.ts';
import { RESULT_KEYS } from '../json/keys.ts';
import { openScan, scanMessage } from '../json/scan.ts';
import { scanMessageInSlices } from '../json/scan-slices.ts';
import type { Member, Scan, Span, Top } from '../json/scan-types.ts';
import { stringAt } from '../json/values.ts';
import { type Envelope, findOddKey, idAt, isNull, isWord, NONE, readEnvelope, readParams, spansOf, valuesIn } from './envelope.ts';
import type { NotificationFrame, RequestFrame, ServerBatch, ServerFrame, ServerMessage, UnreadableFrame } from './frame.ts';
import { isLonger, type RequestId } from './id.ts';
import { createIdFinder } from './id-finder.ts';
import { quote } from './refusal.ts';

/** Members of a message, of its `params` and of its `result`: a server's results are data (wire.md §2). */
const MAX_MEMBERS = 32_768;
const SERVER_RULES = { strict: false, maxDepth: 256, anySpace: true, maxMembers: MAX_MEMBERS };
/** Bytes between two pauses. */
const SLICE = 64 * 1024;
/** These members of a server's message are read as values. All else is passed on as it came, and `_meta` is looked into where it stands. */
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
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads one frame of a server. */
export function readServerFrame(bytes: Uint8Array): ServerFrame {
  const scan = openScan(lenientUtf8.decode(bytes), SERVER_RULES, bytes);
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

function readSingle({ text }: Scan, top: Top, members: readonly Member[]): ServerMessage {
  return readServerMessage(text, { start: 0, end: text.length }, top === 'object' ? members : undefined);
}

function* withServerValues(frame: ServerMessage): Slices<ServerMessage> {
  if (frame.kind === 'unreadable' || frame.kind === 'error_without_id') return frame;
  const members = frame.kind === 'response' ? frame.members : frame.params.members;
  const values = yield* valuesIn(frame.text, members, (key) => ASKED.has(key));
  return values ? { ...frame, values } : unreadable('it has too many values', frame.kind === 'response' ? frame.id : undefined);
}

function* readServerBatch(text: string, elements: readonly Member[]): Slices<ServerBatch | UnreadableFrame> {
  if (elements.length === 0) return unreadable('the batch is empty', undefined);
  if (elements.some(({ start }) => text.charCodeAt(start) === 91)) return unreadable('a batch stands within the batch', undefined);
  const items: ServerMessage[] = [];
  for (const element of elements) {
    items.push(readServerMessage(text, element, element.members));
    yield;
  }
  return { kind: 'batch', items, text, span: { start: 0, end: text.length } };
}

/** Reads a broken message: before or after its id, it still ends that request (I9); without an id it is a banner, if it is no JSON. */
function readBroken({ fault, faultDetail }: Scan, id: RequestId | undefined): ServerFrame {
  if (fault === 'too_deep') return unreadable('it is nested too deeply', id);
  if (fault === 'too_many') return unreadable(`it has more than ${faultDetail} members`, id);
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

/** Reads one message of a scanned text. */
export function readServerMessage(text: string, span: Span, members: readonly Member[] | undefined): ServerMessage {
  if (!members) return unreadable('it is no JSON object', undefined);
  const envelope = withoutNulls(text, readEnvelope(members));
  const { method } = envelope;
  const why = faultOf(text, envelope);
  if (why !== undefined) return unreadable(why, knownId(text, members, envelope));
  return method ? readOwn(text, span, envelope, method) : readResponse(text, span, envelope);
}

/** Why an envelope cannot be read with certainty. */
function faultOf(text: string, { odd, jsonrpc, method, result, error }: Envelope): string | undefined {
  if (odd) return `key ${quote(odd.key)} of the message is there twice, or only looks like one of JSON-RPC's`;
  if (!jsonrpc || stringAt(text, jsonrpc) !== '2.0') return '"jsonrpc" is not "2.0"';
  if (method) return result || error ? 'it has "method" and an answer' : undefined;
  return !result === !error ? 'it has none of "method", "result" and "error", or two of them' : undefined;
}

/**
 * Members that are null count as absent: servers with one type for all messages write them (wire.md §2). Only a `result` of
 * null that nothing else stands beside is an answer. INVARIANT I7: what may be an agent's request stays what it is: `id` counts
 * as absent in notifications alone, so that nothing passes unjudged that a client might answer.
 */
function withoutNulls(text: string, envelope: Envelope): Envelope {
  const { method, error, result, id } = envelope;
  if (method && isNull(text, method)) delete envelope.method;
  if (error && isNull(text, error)) delete envelope.error;
  if ((envelope.method || envelope.error) && isNull(text, result)) delete envelope.result;
  const name = id && envelope.method && isNull(text, id) ? stringAt(text, envelope.method) : undefined;
  if (name?.startsWith('notifications/')) delete envelope.id;
  return envelope;
}

/**
 * The id of an answer that cannot be read: the only one there. SECURITY: the id of the server's own request, or in a line of
 * its log, could be that of one of the client's; it names nothing here.
 */
function knownId(text: string, members: readonly Member[], { jsonrpc, method, result, error }: Envelope): RequestId | undefined {
  if (!result && !error && (!jsonrpc || method)) return undefined;
  const [only, ...others] = members.filter(({ key }) => key === 'id');
  return only && others.length === 0 ? idAt(text, only) : undefined;
}

/** A frame that is not passed on. */
export function unreadable(why: string, id: RequestId | undefined): UnreadableFrame {
  return { kind: 'unreadable', id, why };
}

/** The server's own request or notification. Its id names nothing of ours, so an unreadable one names nothing. */
function readOwn(text: string, span: Span, envelope: Envelope, found: Member): RequestFrame | NotificationFrame | UnreadableFrame {
  const method = stringAt(text, found);
  if (method === undefined) return unreadable('"method" is not a string', undefined);
  const params = readParams(envelope.params);
  if (!envelope.id) return { kind: 'notification', method, params, text, span };
  const id = idAt(text, envelope.id);
  if (!id || isLonger(id.text, 1026)) return unreadable('the request\'s "id" is neither a string nor a number of at most 1 KiB', undefined);
  return { kind: 'request', id, idSpan: envelope.id, method, params, text, span };
}

function readResponse(text: string, span: Span, { id: found, result, error }: Envelope): ServerMessage {
  if (error && text.charCodeAt(error.start) !== 123) return unreadable('"error" is not an object', found && idAt(text, found));
  if (error && (!found || isNull(text, found))) return { kind: 'error_without_id', text, span };
  const id = found && idAt(text, found);
  if (!found || !id) return unreadable('an answer without the id of its request', undefined);
  if (result) return readResult(text, span, id, found, result);
  const nothing = { resultType: undefined, result: undefined, members: NONE };
  return { kind: 'response', id, idSpan: found, outcome: 'error', isError: true, error, ...nothing, text, span };
}

/** `null` is as good as absent for `isError` and `resultType`. */
function readResult(text: string, span: Span, id: RequestId, idSpan: Span, result: Member): ServerMessage {
  const odd = findOddKey(result.members, RESULT_KEYS);
  if (odd) return unreadable(`key ${quote(odd.key)} of "result" is there twice, or only looks like one of MCP's`, id);
  const members = spansOf(result.members);
  const isErrorAt = members.get('isError');
  const isError = isErrorAt !== undefined && isWord(text, isErrorAt, 'true');
  if (isErrorAt && !isError && !isNull(text, isErrorAt) && !isWord(text, isErrorAt, 'false'))
    return unreadable('"isError" is neither true nor false', id);
  const typeAt = members.get('resultType');
  const resultType = typeAt && stringAt(text, typeAt);
  if (typeAt && resultType === undefined && !isNull(text, typeAt)) return unreadable('"resultType" is not a string', id);
  return { kind: 'response', id, idSpan, outcome: 'result', isError, resultType, result, error: undefined, members, text, span };
}
