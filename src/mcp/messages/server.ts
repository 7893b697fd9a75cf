/**
 * What a server may send. Below the envelope it is taken as it is; refused is what could be read in two ways where
 * that decides something: the envelope, and what tells a failed call from one that succeeded (wire.md §2).
 */

import { RESULT_KEYS } from '../json/keys.ts';
import type { Member } from '../json/scan.ts';
import { type Span, stringAt } from '../json/token.ts';
import { type Envelope, findOddKey, isNull, isWord, readEnvelope, readParams, spansOf } from './envelope.ts';
import { idAt, isLonger, type RequestId } from './id.ts';
import type { NotificationFrame, RequestFrame, ResponseFrame, ServerMessage, UnreadableFrame } from './message.ts';
import { quote } from './refusal.ts';

/** Reads one message of a scanned text. */
export function readServerMessage(text: string, span: Span, members: readonly Member[] | undefined): ServerMessage {
  if (!members) return unreadable('it is no JSON object', undefined);
  const envelope = withoutNulls(text, readEnvelope(members));
  const { odd, jsonrpc, method, result, error } = envelope;
  // SECURITY: the id of the server's own request, or in a line of its log, could be that of one of the client's; it names nothing here.
  const isAnswer = result || error || (jsonrpc && !method);
  const id = isAnswer ? knownId(text, members) : undefined;
  if (odd) return unreadable(`key ${quote(odd.key)} of the message is there twice, or only looks like one of JSON-RPC's`, id);
  if (!jsonrpc || stringAt(text, jsonrpc) !== '2.0') return unreadable('"jsonrpc" is not "2.0"', id);
  if (method && (result || error)) return unreadable('it has "method" and an answer', id);
  if (method) return readOwn(text, span, envelope, method);
  if (!result === !error) return unreadable('it has none of "method", "result" and "error", or two of them', id);
  return readResponse(text, span, envelope);
}

/**
 * Members that are null count as absent: servers with one type for all messages write them (wire.md §2). Only a `result` of
 * null that nothing else stands beside is an answer. INVARIANT I7: what may be an agent's request stays what it is: `id` counts
 * as absent in notifications alone, so that nothing passes unjudged that a client might answer.
 */
function withoutNulls(text: string, envelope: Envelope): Envelope {
  const { method, error, result, id } = envelope;
  if (isNull(text, method)) delete envelope.method;
  if (isNull(text, error)) delete envelope.error;
  if (isNull(text, result) && (envelope.method || envelope.error)) delete envelope.result;
  const name = id && envelope.method && isNull(text, id) ? stringAt(text, envelope.method) : undefined;
  if (name?.startsWith('notifications/')) delete envelope.id;
  return envelope;
}

/** The id of a message that can not be read: the only one there. */
function knownId(text: string, members: readonly Member[]): RequestId | undefined {
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
  if (!result) return { ...answer(text, span, id, found), outcome: 'error', isError: true, error };
  const odd = findOddKey(result.members, RESULT_KEYS);
  if (odd) return unreadable(`key ${quote(odd.key)} of "result" is there twice, or only looks like one of MCP's`, id);
  return readResult(text, { ...answer(text, span, id, found), result, members: spansOf(result.members) });
}

function answer(text: string, span: Span, id: RequestId, idSpan: Span): ResponseFrame {
  const nothing = { resultType: undefined, result: undefined, error: undefined, members: new Map() };
  return { kind: 'response', id, idSpan, outcome: 'result', isError: false, ...nothing, text, span };
}

/** `null` is as good as absent for both members. */
function readResult(text: string, frame: ResponseFrame): ServerMessage {
  const isErrorAt = present(text, frame.members.get('isError'));
  const resultTypeAt = present(text, frame.members.get('resultType'));
  const isError = isErrorAt !== undefined && isWord(text, isErrorAt, 'true');
  if (isErrorAt && !isError && !isWord(text, isErrorAt, 'false')) return unreadable('"isError" is neither true nor false', frame.id);
  const resultType = resultTypeAt && stringAt(text, resultTypeAt);
  if (resultTypeAt && resultType === undefined) return unreadable('"resultType" is not a string', frame.id);
  return { ...frame, isError, resultType };
}

function present(text: string, span: Span | undefined): Span | undefined {
  return isNull(text, span) ? undefined : span;
}
