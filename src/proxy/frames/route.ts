/** Where a frame of the agent goes: to the server, to judgement, back with an answer, or nowhere. */
import { isObject, type Json } from '../../core/json.ts';
import { resembledMethod } from '../../core/match.ts';
import { type OwnPaths, ownPathIn } from '../../core/own-path.ts';
import { methodDenial } from '../../core/plan.ts';
import type { Gate } from '../../engine/gate.ts';
import { readJson } from '../../mcp/json/values.ts';
import { readToolCall } from '../../mcp/messages/client.ts';
import { idAt, readMember } from '../../mcp/messages/envelope.ts';
import type { ClientFrame, ClientMessage, FrameBytes, NotificationFrame, ReplyFrame, RequestFrame } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { quote, type Refusal } from '../../mcp/messages/refusal.ts';
import { textOf } from '../../mcp/messages/reply.ts';
import { CLIENT_KEY, MODERN, VERSION_KEY } from '../../mcp/messages/revisions.ts';
import { forgo, outgoing, outgoingCancel, ownReply, type Route, refuse } from '../deliver.ts';
import type { Known, KnownOf, ReplyTo } from '../exchange.ts';
import { answerRefused, refusalOf, refusedAnswer, renderRefusal } from '../methods.ts';
import { paysWith, refusedPayment } from '../payments/challenge.ts';
import { meantBy, otherId, tokenSpan, tokenToSend } from '../requests/ids.ts';
import { MAX_IN_FLIGHT, type PendingRequest, type Purpose } from '../requests/inflight.ts';
import { foreignTaskError, namesForeignTask } from '../requests/own-tasks.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';
import { isOwnAnswer, isOwnState, showsPages, withoutOwnState } from '../waiting/pages.ts';
import { answerEvent, requestEvent } from './request-record.ts';

type Single = Exclude<ClientFrame, { kind: 'batch' }>;

/** One frame, or one element of a batch. */
export interface FrameElement {
  readonly frame: Single | Refusal;
  readonly bytes: FrameBytes;
  readonly to: ReplyTo | undefined;
  /** Of a large frame, which was looked through in slices. */
  readonly known?: Known | undefined;
}

/** Routes one frame. Requests that go on are in flight from here. */
export function routeFrame(element: FrameElement, gate: Gate, session: Session): Route {
  const { frame, to } = element;
  if (frame.kind === 'refused') return refuse(frame, to, session);
  const known = element.known?.get(frame) ?? { ownPath: ownPathOf(frame, session.served.own), fingerprint: undefined };
  switch (frame.kind) {
    case 'response':
      return routeAnswer(frame, element, known.ownPath, gate, session);
    case 'notification':
      return routeNotification(frame, element, known, gate, session);
    case 'request':
      return routeRequest(frame, element, known, gate, session);
  }
}

/**
 * The first text in a message of the agent that names one of Intercept's own files (policy.md §5.1). INVARIANT I13: asked
 * for every frame, whatever its method, before anything else is made of it.
 */
function ownPathOf({ text, span }: ClientMessage, own: OwnPaths | undefined): string | undefined {
  if (!own?.mayStandIn(textOf({ text, span }))) return undefined;
  return ownPathIn(readJson(text, span.start), own);
}

/** The server gets an error in the place of an answer that may not go on: it waits for one. */
function routeAnswer(frame: ReplyFrame, { bytes, to }: FrameElement, ownPath: string | undefined, gate: Gate, session: Session): Route {
  if (isOwnAnswer(frame.id, session)) return { kind: 'drop' };
  if (refusedPayment(() => to?.exchange?.credentials?.(), gate)) return dropPayment(to, session);
  const asked = frame.id && session.asked.take(frame.id.key);
  const refusal = refusedAnswer(asked, gate, ownPath);
  const event = answerEvent(frame, asked, refusal, gate, session, ownPath);
  if (!refusal) return { kind: 'forward', frame: outgoing(frame, bytes, false, to), to, event };
  if (!frame.id) return { kind: 'drop', event };
  const text = renderRefusal(frame.id.text, refusal, session.ports.clock());
  return { kind: 'forward', frame: ownReply(text, to?.exchange), to, event };
}

function routeRequest(frame: RequestFrame, element: FrameElement, known: KnownOf, gate: Gate, session: Session): Route {
  const { id, method } = frame;
  const { to } = element;
  const refused = (reason: string, message: string, code: Refusal['code'] = -32600) => refuse({ code, reason, message, id }, to, session);
  const sentAs = session.inflight.has(id.key) ? otherId(id, to, session) : id;
  if (!sentAs) return refused('id_in_flight', `request id ${id.text} is still in flight`);
  if (session.inflight.isFull) return refused('too_many_requests', `more than ${MAX_IN_FLIGHT} requests in flight`);
  if (method === 'initialize' && to?.batch) return refused('batch', 'initialize must not be part of a batch');
  if (session.ownTasks && namesForeignTask(frame, session.ownTasks))
    return refuse({ ...foreignTaskError(frame), reason: 'unknown_task', id }, to, session);
  const alike = resembledMethod(method, gate.rulebook?.policy);
  if (alike !== undefined) return refused('look_alike_method', likeMethod(method, alike));
  const mayDeclare = method === 'initialize' || frame.params.members.has('_meta');
  const modern = mayDeclare && noteProtocol(frame, session);
  if (method === 'tools/call' && !areCallsDenied(gate)) return routeCall(frame, element, modern, sentAs, known, gate, session);
  const refusal = refusalOf(method, gate, known.ownPath) ?? refusedPayment(() => paysWith(frame, to), gate);
  const event = requestEvent('agent', frame, refusal, gate, session, known.ownPath);
  if (refusal) return { kind: 'answer', text: answerRefused(method, id.text, refusal, modern, session.ports.clock()), to, event };
  const request = waitFor(frame, sentAs, modern, purposeOf(frame), to, session);
  return { kind: 'forward', frame: outgoing(frame, element.bytes, modern, to, request), to, event };
}

function likeMethod(method: string, alike: string): string {
  return `method ${quote(method)} only looks like ${quote(alike)}: write it exactly so`;
}

const NO_TASK = 'there is no such task';

/** True where `methods` itself denies every tool call, whatever `tools` says. */
function areCallsDenied({ rulebook }: Gate): boolean {
  if (rulebook?.policy.mode !== 'enforce' || rulebook.policy.methods.length === 0) return false;
  return methodDenial('tools/call', rulebook.policy) !== undefined;
}

function routeCall(
  frame: RequestFrame | NotificationFrame,
  element: FrameElement,
  modern: boolean,
  sentAs: RequestId | undefined,
  known: KnownOf,
  gate: Gate,
  session: Session,
  returned = false,
): Route {
  const { to } = element;
  const toolCall = readToolCall(frame);
  if ('kind' in toolCall) return refuse(toolCall, to, session);
  const { requestState } = toolCall;
  if (frame.kind === 'request' && requestState !== undefined && isOwnState(requestState)) {
    const cut = withoutOwnState(frame, toolCall, known.fingerprint, session);
    if (cut.kind === 'refused') return refuse(cut, to, session);
    return routeCall(cut, { ...element, bytes: cut.text }, modern, sentAs, known, gate, session, true);
  }
  const pending = frame.kind === 'request' && sentAs ? waitFor(frame, sentAs, modern, JUDGING, to, session) : undefined;
  return {
    kind: 'judge',
    toolCall,
    id: pending?.id,
    pending,
    credentials: () => paysWith(frame, to),
    known,
    returned,
    frame: outgoing(frame, element.bytes, modern, to, pending),
    to,
  };
}

const JUDGING: Purpose = { kind: 'judging' };

/** In flight before anything else is read, so that frames that arrive together see each other's ids (wire.md §2.7). */
function waitFor(
  frame: RequestFrame,
  sentAs: RequestId,
  modern: boolean,
  purpose: Purpose,
  to: ReplyTo | undefined,
  session: Session,
): PendingRequest {
  const { id, method, text } = frame;
  // Over stdio there is one way back to the agent, and progress takes it without an exchange to name it.
  const token = session.replaceIds ? tokenToSend(text, tokenSpan(frame), session) : undefined;
  const pending: PendingRequest = { id, sentAs, method, modern, to, purpose, since: session.ports.monotonic(), token };
  session.inflight.add(pending);
  return pending;
}

/** A call without an id is judged all the same, and never answered (wire.md §2.5). */
function routeNotification(frame: NotificationFrame, element: FrameElement, known: KnownOf, gate: Gate, session: Session): Route {
  const { method } = frame;
  const { to } = element;
  if (method === 'tools/call' && !areCallsDenied(gate)) {
    const route = routeCall(frame, element, noteProtocol(frame, session), undefined, known, gate, session);
    return route.kind === 'answer' ? { kind: 'drop', event: route.event } : route;
  }
  const alike = resembledMethod(method, gate.rulebook?.policy);
  if (alike !== undefined) {
    const refused = { code: -32600, reason: 'look_alike_method', message: likeMethod(method, alike), id: undefined };
    return { kind: 'drop', event: refuse(refused, to, session).event };
  }
  if (refusedPayment(() => paysWith(frame, to), gate)) return dropPayment(to, session);
  const refusal = refusalOf(method, gate, known.ownPath);
  const event = requestEvent('agent', frame, refusal, gate, session, known.ownPath);
  if (refusal) return { kind: 'drop', event };
  if (method === 'notifications/initialized') session.protocol.initialized = true;
  if (method === 'notifications/cancelled') return cancel(frame, element, session);
  const forwarded = outgoing(frame, element.bytes, noteProtocol(frame, session), to);
  if (session.ownTasks && namesForeignTask(frame, session.ownTasks))
    return { kind: 'drop', event: refuse({ code: -32602, reason: 'unknown_task', message: NO_TASK, id: undefined }, to, session).event };
  return { kind: 'forward', frame: forwarded, to, event };
}

/** SPEC: policy.md §8 — a payment with anything but a call is denied; what has no answer is dropped. */
function dropPayment(to: ReplyTo | undefined, session: Session): Route {
  const message = 'a payment came with a message that is no request';
  return { kind: 'drop', event: refuse({ code: -32600, reason: 'payment', message, id: undefined }, to, session).event };
}

/** SPEC: policy.md §6 — cancelled after sending: the outcome is unknown, the reservation stays spent. */
function cancel(frame: NotificationFrame, { bytes, to }: FrameElement, session: Session): Route {
  const span = frame.params.members.get('requestId');
  const id = span && idAt(frame.text, span);
  const isModern = noteProtocol(frame, session);
  const meant = id ? meantBy(id, session) : [];
  // In the legacy era a session is one client, which means what it sent last; in the modern one another client may be meant.
  if (isModern && meant.length > 1) return { kind: 'drop' };
  const request = meant.at(-1);
  if (request) {
    session.inflight.cancel(request.sentAs.key);
    forgo(request.to, session);
  }
  session.waits.wake();
  if (request?.purpose.kind === 'call')
    void settle([{ call: request.purpose.call, outcome: { result: 'kept', error: 'cancelled by the client' } }], session);
  return { kind: 'forward', frame: outgoingCancel(frame, bytes, span, request, isModern, to), to };
}

/** The purpose of anything but a tool call. */
function purposeOf(frame: RequestFrame): Purpose {
  const { method } = frame;
  const member = (name: string) => readMember(frame, name);
  if (method === 'tools/list') {
    const cursor = member('cursor');
    return { kind: 'tools/list', cursor: typeof cursor === 'string' ? cursor : undefined };
  }
  if (method === 'tasks/list') return { kind: 'tasks/list' };
  if (method === 'tasks/get' || method === 'tasks/result' || method === 'tasks/cancel') {
    const taskId = member('taskId');
    return { kind: 'task', taskId: typeof taskId === 'string' ? taskId : undefined };
  }
  if (method !== 'subscriptions/listen') return { kind: 'other' };
  const wanted = member('notifications');
  return { kind: 'listen', toolChanges: isObject(wanted) && wanted.get('toolsListChanged') === true };
}

/** Learns who speaks and in which era; answers whether this message is of the modern one. */
function noteProtocol(frame: RequestFrame | NotificationFrame, { protocol }: Session): boolean {
  const { method, params, text } = frame;
  if (method === 'initialize') {
    protocol.client ??= nameIn(readMember(frame, 'clientInfo'));
    protocol.showsPages = showsPages(readMember(frame, 'capabilities'));
  }
  const meta = params.members.get('_meta');
  // The common legacy request has no `_meta`, or one without a version: neither is parsed.
  if (!meta || !text.includes('protocolVersion', meta.start)) return false;
  const value = readMember(frame, '_meta');
  if (!isObject(value)) return false;
  const version = value.get(VERSION_KEY);
  if (typeof version !== 'string' || version < MODERN) return false;
  protocol.modernMeta = text.slice(meta.start, meta.end);
  // There is no handshake: each message says who sends it.
  protocol.client = nameIn(value.get(CLIENT_KEY)) ?? protocol.client;
  return true;
}

function nameIn(info: Json | undefined): string | undefined {
  const name = isObject(info) ? info.get('name') : undefined;
  return typeof name === 'string' ? name.slice(0, 200) : undefined;
}
