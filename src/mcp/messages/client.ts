/** What a client may send (wire.md §2.3, §2.4): one message, judged by its envelope. */
import type { Slices } from '../../core/slices.ts';
import { definePlace, isLookAlike, PARAMS_KEYS, RESULT_KEYS } from '../json/keys.ts';
import { type Member, scanMessage } from '../json/scan.ts';
import { scanMessageInSlices } from '../json/scan-slices.ts';
import { openScan, type Span, stringAt } from '../json/token.ts';
import { type Envelope, findLookAlike, isWord, readEnvelope, readParams } from './envelope.ts';
import { idAt, isLonger, isStrictId, type RequestId } from './id.ts';
import type { ClientMessage, ReplyFrame } from './message.ts';
import { quote, type Refusal, type RefusalReason, refuse } from './refusal.ts';

/** How deep a refused text is still read to find the id of its request, and how many members it may have. */
const RECOVERY = { strict: false, maxDepth: 2000, anySpace: true, maxMembers: 4096 };
/** Bytes of an id in an answer, or in a message that is refused. */
const MAX_ID = 1024;
/** What tells a request from an answer, and which. */
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
  const fault = checkEnvelope(text, envelope, members, maxName);
  if (fault) return fault;
  if (!envelope.method) return readReply(text, span, envelope);
  const meta = members.find(({ key }) => key === '_meta');
  return readRequest(text, span, envelope, envelope.method, meta, maxName);
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

function checkEnvelope(text: string, envelope: Envelope, members: readonly Member[], maxName: number): Refusal | undefined {
  const { odd, jsonrpc, method, result, error } = envelope;
  const no = (reason: RefusalReason, message: string): Refusal => refuse(reason, message, certainId(text, members, maxName));
  if (odd) return no(odd.kind, `key ${quote(odd.key)} only looks like one of JSON-RPC's`);
  if (!jsonrpc || stringAt(text, jsonrpc) !== '2.0') return no('not_json_rpc', '"jsonrpc" has to be "2.0"');
  if (method && (result || error)) return no('not_json_rpc', 'a message with "method" has neither "result" nor "error"');
  if (!method && !result === !error) return no('not_json_rpc', 'a message has "method", or one of "result" and "error"');
  return undefined;
}

function isValidId(id: RequestId, maxName: number): boolean {
  return isStrictId(id) && !isLonger(id.text, maxName + 2);
}

function readRequest(
  text: string,
  span: Span,
  envelope: Envelope,
  found: Member,
  meta: Span | undefined,
  maxName: number,
): ClientMessage | Refusal {
  const id = envelope.id && idAt(text, envelope.id);
  if (envelope.id && !(id && isValidId(id, maxName))) return badId(text, envelope.id);
  const method = stringAt(text, found);
  if (method === undefined) return refuse('not_json_rpc', '"method" has to be a string', id);
  if (isLonger(method, maxName)) return refuse('too_long', `"method" is longer than ${maxName} bytes`, id);
  const fault = checkParams(text, envelope.params, id);
  if (fault) return fault;
  const params = readParams(envelope.params);
  if (!id || !envelope.id) return { kind: 'notification', method, params, meta, text, span };
  return { kind: 'request', id, idSpan: envelope.id, method, params, meta, text, span };
}

function checkParams(text: string, found: Member | undefined, id: RequestId | undefined): Refusal | undefined {
  if (!found) return undefined;
  if (!found.members) return isWord(text, found, 'null') ? undefined : refuse('bad_params', '"params" has to be an object', id);
  const odd = findLookAlike(found.members, PARAMS_KEYS);
  return odd === undefined ? undefined : refuse('look_alike_key', `key ${quote(odd)} of "params" only looks like one of MCP's`, id);
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
