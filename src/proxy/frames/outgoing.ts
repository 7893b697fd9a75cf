/** Frames on their way to the server, with what its transport needs to know of them. */

import { isObject } from '../../core/json.ts';
import { applyEdits } from '../../mcp/json/edit.ts';
import type { Span } from '../../mcp/json/scan-types.ts';
import { readJson, renderJson } from '../../mcp/json/values.ts';
import { readClientFrame } from '../../mcp/messages/client.ts';
import { type ClientMessage, type FrameBytes, LINE_LIMITS, type NotificationFrame, type RequestFrame } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { Exchange, OutgoingFrame, ReplyTo } from '../exchange.ts';
import { tokenSpan } from '../requests/ids.ts';
import type { PendingRequest } from '../requests/inflight.ts';

/** A message of the agent that may go on; of a request, as it waits for its answer. */
export function outgoing(
  message: ClientMessage,
  bytes: FrameBytes,
  modern: boolean,
  to: ReplyTo | undefined,
  request?: PendingRequest,
): OutgoingFrame {
  const sent = request && message.kind === 'request' ? withReplaced(message, bytes, request) : bytes;
  return { bytes: sent, kind: message.kind, message, id: request?.sentAs, modern, exchange: to?.exchange };
}

/** The agent gives up a request; `span` is where it names it. */
export function outgoingCancel(
  message: NotificationFrame,
  bytes: FrameBytes,
  span: Span | undefined,
  request: PendingRequest | undefined,
  isModern: boolean,
  to: ReplyTo | undefined,
): OutgoingFrame {
  const isReplaced = span && request && request.sentAs !== request.id;
  const sent = isReplaced ? applyEdits(message.text, message.span, [{ ...span, text: request.sentAs.text }]) : bytes;
  return {
    bytes: sent,
    kind: message.kind,
    message,
    modern: request?.modern ?? isModern,
    exchange: to?.exchange,
    cancels: request?.sentAs,
  };
}

/** INVARIANT I7: what is not replaced goes on byte for byte; what is, stands where the id or the token stood. */
function withReplaced(frame: RequestFrame, bytes: FrameBytes, { id, sentAs, token }: PendingRequest): FrameBytes {
  const span = token && token.sentAs !== token.given ? tokenSpan(frame) : undefined;
  if (sentAs === id && !span) return bytes;
  const edits = [{ ...frame.idSpan, text: sentAs.text }];
  if (span && token) edits.push({ ...span, text: token.sentAs.text });
  return applyEdits(frame.text, frame.span, edits);
}

/** The proxy's own answer to a request of the server; in the place of the client's, where that came with an exchange. */
export function ownReply(text: string, exchange?: Exchange): OutgoingFrame {
  return { bytes: text, kind: 'response', modern: false, exchange, own: exchange === undefined };
}

/** Tells the server that the client of a modern request is gone. `meta` is what the client last said of the protocol. */
export function ownCancel(id: RequestId, meta: string | undefined, exchange: Exchange): OutgoingFrame {
  const more = meta === undefined ? '' : `,"_meta":${protocolMeta(meta)}`;
  const text = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id.text}${more}}}`;
  return { bytes: text, kind: 'notification', message: readOwn(text), modern: true, exchange, cancels: id, own: true };
}

/** The proxy's own request. */
export function ownRequest(text: string, id: RequestId, modern: boolean): OutgoingFrame {
  return { bytes: text, kind: 'request', message: readOwn(text), id, modern, own: true };
}

/** SECURITY: a payment credential or a progress token belongs to the client's own request, and is not sent with another. */
export function protocolMeta(text: string): string {
  const meta = readJson(text);
  const members = isObject(meta) ? [...meta].filter(([key]) => key.startsWith('io.modelcontextprotocol/')) : [];
  return renderJson(new Map(members));
}

/** Read like a client's, because a transport writes its headers from what it says. */
function readOwn(text: string): ClientMessage {
  const frame = readClientFrame(new TextEncoder().encode(text), LINE_LIMITS);
  if (frame.kind === 'refused' || frame.kind === 'batch') throw new Error('the proxy wrote what it cannot read');
  return frame;
}
