/**
 * Where routes end: frames are written to the server, answers and the server's frames to the agent (I9). Nothing throws
 * where a peer is gone: it must not keep others from their answers.
 */
import type { PlainEvent } from '../core/audit.ts';
import { isObject } from '../core/json.ts';
import { applyEdits } from '../mcp/json/edit.ts';
import type { Span } from '../mcp/json/scan-types.ts';
import { readJson, renderJson } from '../mcp/json/values.ts';
import { readClientFrame } from '../mcp/messages/client.ts';
import {
  type ClientMessage,
  type FrameBytes,
  LINE_LIMITS,
  type NotificationFrame,
  type RequestFrame,
  type ToolCall,
} from '../mcp/messages/frame.ts';
import type { RequestId } from '../mcp/messages/id.ts';
import { renderError } from '../mcp/messages/reply.ts';
import type { Credential } from '../mcp/payments/credential.ts';
import { createBatchAnswer, type Exchange, type Incoming, type KnownOf, type OutgoingFrame, type ReplyTo } from './exchange.ts';
import { tokenSpan } from './requests/ids.ts';
import type { PendingRequest } from './requests/inflight.ts';
import { settle } from './settle.ts';
import type { Session } from './state.ts';

/** Where a frame of the agent goes. `event`: the record that has to be written first. */
export type Route = { readonly event?: PlainEvent | undefined } & (
  | { readonly kind: 'forward'; readonly frame: OutgoingFrame; readonly to: ReplyTo | undefined }
  | {
      readonly kind: 'judge';
      readonly toolCall: ToolCall;
      readonly id: RequestId | undefined;
      /** The request as it waits; undefined for a call without an id. */
      readonly pending: PendingRequest | undefined;
      /** Reads what it pays with. */
      readonly credentials: () => readonly (Credential | undefined)[];
      readonly known: KnownOf;
      /** Its client comes back from the approval page. */
      readonly returned: boolean;
      readonly frame: OutgoingFrame;
      readonly to: ReplyTo | undefined;
    }
  | { readonly kind: 'answer'; readonly text: string; readonly to: ReplyTo | undefined; readonly code?: number | undefined }
  | { readonly kind: 'drop' }
);

type Forward = Extract<Route, { kind: 'forward' }>;

/** Refuses a frame: recorded, logged, and answered with an error. */
export function refuse(
  { reason, code, message, id, data }: Refused,
  to: ReplyTo | undefined,
  session: Session,
): Extract<Route, { kind: 'answer' }> {
  session.ports.log.warn(`refused a frame of the agent (${reason}): ${message}`);
  const event: PlainEvent = { type: 'refused', fields: { reason, message, agent: session.client.agent, request_id: id?.text } };
  return { kind: 'answer', text: renderError(id?.text ?? null, code, message, data), to, code, event };
}

interface Refused {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly id: RequestId | undefined;
  readonly data?: object;
}

/** Delivers what was routed together: answers one by one, what goes on in one write. */
export function deliver(routes: readonly Route[], session: Session): void {
  const forwards: Forward[] = [];
  const frames: OutgoingFrame[] = [];
  for (const route of routes) {
    if (route.kind === 'answer') answer(route.text, route.to, session, route.code);
    if (route.kind !== 'forward') continue;
    forwards.push(route);
    frames.push(route.frame);
  }
  if (forwards.length === 0) return;
  try {
    session.output.toServer(session.joinBatches ? joined(forwards) : frames);
  } catch (error) {
    session.ports.log.error(`the server cannot be written to: ${String(error)}`);
    for (const route of forwards) undeliverable(route, session);
  }
}

/** SPEC: wire.md §2.1 — of a batch one array goes on, with what passed of it. */
function joined(forwards: readonly Forward[]): readonly OutgoingFrame[] {
  const batches = new Map<unknown, Forward[]>();
  for (const forward of forwards) {
    const together = forward.to?.batch ?? forward;
    batches.set(together, [...(batches.get(together) ?? []), forward]);
  }
  return [...batches.values()].map((parts) => (parts[0]?.to?.batch ? joinParts(parts) : (parts[0] as Forward).frame));
}

function joinParts(parts: readonly Forward[]): OutgoingFrame {
  const ids = parts.flatMap(({ frame }) => (frame.id ? [frame.id] : []));
  const bytes = `[${parts.map(({ frame }) => String(frame.bytes)).join(',')}]`;
  return { bytes, kind: 'batch', ids, modern: false, exchange: parts[0]?.frame.exchange };
}

/** Ends a frame that may have reached the server in part, so what was reserved stays spent. */
function undeliverable({ frame }: Forward, session: Session): void {
  const request = frame.id && session.inflight.take(frame.id.key);
  if (!request) return;
  if (request.purpose.kind === 'call')
    void settle([{ call: request.purpose.call, outcome: { result: 'kept', error: 'it could not be written' } }], session);
  answer(renderError(request.id.text, -32000, 'the server cannot be reached'), request.to, session);
}

/** Answers a request, alone or as part of its batch; `code` is that of an error. */
export function answer(text: string, to: ReplyTo | undefined, session: Session, code?: number): void {
  if (to?.batch) sendBatch(to.batch.add(text), to, session);
  else send(text, to, session, code);
}

/** The client waits for this request no more: its batch is answered without it. */
export function forgo(to: ReplyTo | undefined, session: Session): void {
  if (to?.batch) sendBatch(to.batch.forgo(), to, session);
}

/** The requests in a frame that is not taken in: each gets an answer, under its id where that is known. */
interface Asked {
  readonly ids: readonly (RequestId | undefined)[];
  readonly isBatch: boolean;
}

/** Reads what a frame asks, to refuse it. */
export function askedIn(line: Incoming, session: Session): Asked {
  if (line.kind === 'too_long') return { ids: [line.sender.isRequest ? line.sender.id : undefined], isBatch: false };
  const frame = line.frame ?? readClientFrame(line.bytes, session.limits);
  const items = frame.kind === 'batch' ? frame.items : [frame];
  const ids = items.flatMap((item) => (item.kind === 'request' || item.kind === 'refused' ? [item.id] : []));
  return { ids, isBatch: frame.kind === 'batch' };
}

/** Answers all of them with the same error; those of a batch in one array. */
export function answerAll(
  { ids, isBatch }: Asked,
  error: { readonly code: number; readonly message: string },
  exchange: Exchange | undefined,
  session: Session,
): void {
  const to = { exchange, batch: isBatch ? createBatchAnswer(ids.length) : undefined };
  for (const id of ids) answer(renderError(id?.text ?? null, error.code, error.message), to, session, error.code);
}

function sendBatch(answers: string | undefined, to: ReplyTo, session: Session): void {
  if (answers !== undefined) send(`[${answers}]`, to, session);
}

function send(text: string, to: ReplyTo | undefined, { output, ports }: Session, code?: number): void {
  try {
    output.toAgent([text], to?.exchange, code);
  } catch (error) {
    ports.log.error(`the agent cannot be written to: ${String(error)}`);
  }
}

/** A message of the server for the agent, or messages with commas between them that belong into one array. */
export interface Passed {
  readonly bytes: FrameBytes;
  readonly exchange: Exchange | undefined;
  readonly inArray: boolean;
  /** The request that it answers. */
  readonly answers?: PendingRequest | undefined;
}

/** Writes in order; what follows each other and goes to one exchange is one write. */
export function writePassed(passed: readonly Passed[], session: Session): void {
  const { output, ports } = session;
  let frames: FrameBytes[] = [];
  for (const [index, one] of passed.entries()) {
    frames.push(one.inArray ? `[${one.bytes}]` : one.bytes);
    endAnswer(one, session);
    if (index + 1 < passed.length && passed[index + 1]?.exchange === one.exchange) continue;
    try {
      output.toAgent(frames, one.exchange);
    } catch (error) {
      ports.log.error(`the agent cannot be written to: ${String(error)}`);
    }
    frames = [];
  }
}

/** Its request waits no more: what is written next is its answer. */
export function endAnswer({ answers, exchange }: Passed, { inflight }: Session): void {
  if (answers && exchange) inflight.answering.end(answers);
}

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

/** Notifies the server that the client of a modern request is gone. `meta` is the last that the client declared of the protocol. */
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
