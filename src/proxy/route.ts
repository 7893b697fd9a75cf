/** Where a frame of the agent goes: to the server, to judgement, back with an answer, or nowhere. */
import type { PlainEvent } from '../core/audit.ts';
import { isObject } from '../core/json.ts';
import { type ClientFrame, type Refusal, type RequestId, readToolCall, type ToolCall } from '../mcp/frame.ts';
import { idAt } from '../mcp/id.ts';
import { readJson } from '../mcp/json.ts';
import { renderError } from '../mcp/reply.ts';
import type { BatchAnswer } from './batch.ts';
import { methodDenial, refusalOf, renderRefusal } from './gate.ts';
import { MAX_IN_FLIGHT, type PendingRequest, type Purpose } from './inflight.ts';
import { requestEvent } from './request-record.ts';
import { settle } from './settle.ts';
import { type FrameBytes, type Gate, MODERN, type Session, VERSION_KEY } from './state.ts';

type Single = Exclude<ClientFrame, { kind: 'batch' }>;

/** One frame, or one element of a batch. */
export interface Element {
  readonly frame: Single | Refusal;
  readonly bytes: FrameBytes;
  readonly batch: BatchAnswer | undefined;
}

/** `event`: the record that has to be written first. */
export type Route = { readonly event?: PlainEvent | undefined } & (
  | { readonly kind: 'forward'; readonly bytes: FrameBytes; readonly id?: RequestId; readonly batch?: BatchAnswer | undefined }
  | {
      readonly kind: 'judge';
      readonly toolCall: ToolCall;
      readonly id: RequestId | undefined;
      /** The request as it waits; undefined for a call without an id. */
      readonly pending: PendingRequest | undefined;
      readonly modern: boolean;
      readonly bytes: FrameBytes;
      readonly batch: BatchAnswer | undefined;
    }
  | { readonly kind: 'answer'; readonly text: string; readonly batch: BatchAnswer | undefined }
  | { readonly kind: 'drop' }
);

/** Routes one frame. Requests that go on are in flight from here. */
export function routeFrame(element: Element, gate: Gate, session: Session): Route {
  const { frame, bytes } = element;
  switch (frame.kind) {
    case 'refused':
      return refuse(frame, element.batch, session);
    case 'response':
      return { kind: 'forward', bytes };
    case 'notification':
      return routeNotification(frame, element, gate, session);
    case 'request':
      return routeRequest(frame, element, gate, session);
  }
}

/** Refuses a frame: recorded, said in the log, and answered with an error. */
export function refuse(
  refusal: Omit<Refusal, 'kind' | 'reason'> & { readonly reason: string },
  batch: BatchAnswer | undefined,
  session: Session,
): Route {
  session.deps.log.warn(`refused a frame of the agent (${refusal.reason}): ${refusal.message}`);
  const event: PlainEvent = { type: 'refused', fields: { reason: refusal.reason, message: refusal.message, request_id: refusal.id?.text } };
  return { kind: 'answer', text: renderError(refusal.id?.text ?? null, refusal.code, refusal.message), batch, event };
}

function routeRequest(frame: Extract<Single, { kind: 'request' }>, element: Element, gate: Gate, session: Session): Route {
  const { id, method } = frame;
  const refused = (reason: string, message: string) => refuse({ code: -32600, reason, message, id }, element.batch, session);
  if (session.inflight.has(id.key)) return refused('id_in_flight', `request id ${id.text} is still in flight`);
  if (session.inflight.size >= MAX_IN_FLIGHT) return refused('too_many_requests', `more than ${MAX_IN_FLIGHT} requests in flight`);
  if (method === 'initialize' && element.batch) return refused('batch', 'initialize must not be part of a batch');
  const modern = noteProtocol(frame, session);
  if (method === 'tools/call' && !areCallsDenied(gate)) return routeCall(frame, element, modern, session);
  const refusal = refusalOf(method, gate);
  const event = requestEvent('agent', frame, refusal, gate);
  if (refusal) return { kind: 'answer', text: renderRefusal(id.text, refusal, session.deps.clock()), batch: element.batch, event };
  session.inflight.add({ id, method, modern, batch: element.batch, purpose: purposeOf(frame), since: session.deps.monotonic() });
  return { kind: 'forward', bytes: element.bytes, id, batch: element.batch, event };
}

/** Whether `methods` itself denies every tool call, whatever `tools` says. */
function areCallsDenied({ rulebook }: Gate): boolean {
  if (rulebook?.policy.mode !== 'enforce' || rulebook.policy.methods.length === 0) return false;
  return methodDenial('tools/call', rulebook.policy) !== undefined;
}

function routeCall(
  frame: Extract<Single, { kind: 'request' | 'notification' }>,
  element: Element,
  modern: boolean,
  session: Session,
): Route {
  const toolCall = readToolCall(frame);
  if ('kind' in toolCall) return refuse(toolCall, element.batch, session);
  const { bytes, batch } = element;
  if (frame.kind === 'notification') return { kind: 'judge', toolCall, id: undefined, pending: undefined, modern, bytes, batch };
  return { kind: 'judge', toolCall, id: frame.id, pending: waitForJudgement(frame.id, modern, batch, session), modern, bytes, batch };
}

/** In flight before anything else is read, so that frames that arrive together see each other's ids (wire.md §2.7). */
function waitForJudgement(id: RequestId, modern: boolean, batch: BatchAnswer | undefined, { inflight, deps }: Session): PendingRequest {
  const pending: PendingRequest = { id, method: 'tools/call', modern, batch, purpose: { kind: 'judging' }, since: deps.monotonic() };
  inflight.add(pending);
  return pending;
}

/** A call without an id is judged all the same, and never answered (wire.md §2.5). */
function routeNotification(frame: Extract<Single, { kind: 'notification' }>, element: Element, gate: Gate, session: Session): Route {
  if (frame.method === 'tools/call' && !areCallsDenied(gate)) {
    const route = routeCall(frame, element, false, session);
    return route.kind === 'answer' ? { kind: 'drop', event: route.event } : route;
  }
  if (frame.method === 'notifications/initialized') session.protocol.initialized = true;
  if (frame.method === 'notifications/cancelled') cancel(frame, session);
  if (frame.method.startsWith('notifications/')) return { kind: 'forward', bytes: element.bytes };
  const refusal = refusalOf(frame.method, gate);
  const event = requestEvent('agent', frame, refusal, gate);
  return refusal ? { kind: 'drop', event } : { kind: 'forward', bytes: element.bytes, event };
}

/** SPEC: policy.md §6 — cancelled after sending: the outcome is unknown, the reservation stays spent. */
function cancel(frame: Extract<Single, { kind: 'notification' }>, session: Session): void {
  const span = frame.params.members.get('requestId');
  if (!span) return;
  const id = idAt(frame.text, span);
  const request = id && session.inflight.cancel(id.key);
  request?.batch?.forgo();
  if (request?.purpose.kind === 'call')
    void settle([{ call: request.purpose.call, outcome: { result: 'kept', error: 'cancelled by the client' } }], session);
}

function purposeOf({ method, params, text }: Extract<Single, { kind: 'request' }>): Purpose {
  const member = (name: string) => {
    const span = params.members.get(name);
    return span && readJson(text, span.start);
  };
  if (method === 'tools/list') {
    const cursor = member('cursor');
    return { kind: 'tools/list', cursor: typeof cursor === 'string' ? cursor : undefined };
  }
  if (method === 'tasks/get' || method === 'tasks/result' || method === 'tasks/cancel') {
    const taskId = member('taskId');
    return { kind: 'task', taskId: typeof taskId === 'string' ? taskId : undefined };
  }
  if (method !== 'subscriptions/listen') return { kind: 'other' };
  const wanted = member('notifications');
  return { kind: 'listen', toolChanges: isObject(wanted) && wanted.get('toolsListChanged') === true };
}

/** Learns who speaks and in which era; answers whether this request is of the modern one. */
function noteProtocol({ method, params, text }: Extract<Single, { kind: 'request' }>, { protocol }: Session): boolean {
  if (method === 'initialize') protocol.client ??= clientName(text, params.members.get('clientInfo')?.start);
  const meta = params.members.get('_meta');
  // The common legacy request has no `_meta`, or one without a version: neither is parsed.
  if (!meta || !text.includes('protocolVersion', meta.start)) return false;
  const value = readJson(text, meta.start);
  const version = isObject(value) ? value.get(VERSION_KEY) : undefined;
  if (typeof version !== 'string' || version < MODERN) return false;
  protocol.modernMeta = text.slice(meta.start, meta.end);
  return true;
}

function clientName(text: string, start: number | undefined): string | undefined {
  const info = start === undefined ? undefined : readJson(text, start);
  const name = isObject(info) ? info.get('name') : undefined;
  return typeof name === 'string' ? name.slice(0, 200) : undefined;
}
