/**
 * Frames from the agent: taken in within a budget, read strictly, judged, and only then written to the server (wire.md §2).
 * INVARIANT I7: what is written is what was read, byte for byte, or nothing.
 */
import type { AuditEvent } from '../../core/audit.ts';
import { type Gate, readGate } from '../../engine/gate.ts';
import { readClientFrame } from '../../mcp/messages/client.ts';
import type { ClientFrame } from '../../mcp/messages/frame.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import { renderError } from '../../mcp/messages/reply.ts';
import { enforceCalls } from '../calls/calls.ts';
import { answerAll, askedIn, deliver, ownReply, type Route } from '../deliver.ts';
import { createBatchAnswer, type Exchange, type Incoming, type ReplyTo } from '../exchange.ts';
import { FRAME_COST, MAX_BUFFERED } from '../shared.ts';
import type { Session } from '../state.ts';
import { type FrameElement, routeFrame } from './route.ts';

/** Takes in the frames that fit the budget (wire.md §2.13), and reserves it until `releaseBuffer`; refuses the others at once. */
export function reserveBuffer(lines: readonly Incoming[], session: Session): readonly Incoming[] {
  const { buffer } = session;
  const admitted: Incoming[] = [];
  for (const line of lines) {
    const cost = FRAME_COST + (line.kind === 'line' ? line.bytes.length : 0);
    // Alone a frame may have any length that `--max-message` allows.
    if (buffer.bytes > 0 && buffer.bytes + cost > MAX_BUFFERED) {
      refuseOverBudget(line, session);
      continue;
    }
    buffer.bytes += cost;
    admitted.push(line);
  }
  return admitted;
}

/** Releases the bytes of frames that are done with. */
export function releaseBuffer(lines: readonly Incoming[], { buffer }: Session): void {
  for (const line of lines) buffer.bytes -= FRAME_COST + (line.kind === 'line' ? line.bytes.length : 0);
}

const WHY = `more than ${MAX_BUFFERED / 1024 / 1024} MiB wait to be judged`;

/** Requests are answered (I9); what has no answer is dropped. */
function refuseOverBudget(line: Incoming, session: Session): void {
  session.ports.log.warn(`refused a frame of the agent (too_many_requests): ${WHY}`);
  const asked = askedIn(line, session);
  const about = { reason: 'too_many_requests', message: WHY, agent: session.client.agent };
  for (const id of asked.ids.length > 0 ? asked.ids : [undefined])
    tryWrite([{ type: 'refused', fields: { ...about, request_id: id?.text } }], session);
  answerAll(asked, { code: -32600, message: WHY }, line.exchange, session);
}

function tryWrite(events: readonly AuditEvent[], { ports }: Session): boolean {
  try {
    ports.audit.write(events);
    return true;
  } catch (error) {
    ports.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** Takes frames that arrived together. Resolves when each was forwarded, answered, dropped or kept open to wait. */
export async function receiveFromAgent(lines: readonly Incoming[], session: Session): Promise<void> {
  const reading = readGate(session.served, session.ports);
  const gate = reading instanceof Promise ? await reading : reading;
  const routes: Route[] = [];
  let isCall = false;
  for (const line of lines)
    for (const element of elementsOf(line, session)) {
      const route = routeFrame(element, gate, session);
      isCall ||= route.kind === 'judge';
      routes.push(route);
    }
  const judged = isCall ? await enforceCalls(routes, gate, session) : routes;
  deliver(recorded(judged, gate, session), session);
}

function elementsOf(line: Incoming, session: Session): readonly FrameElement[] {
  if (line.kind === 'too_long') {
    const refusal: Refusal = {
      kind: 'refused',
      code: -32600,
      reason: 'too_long',
      message: `a message of ${line.length} bytes is larger than allowed (--max-message)`,
      // An answer of the agent has an id of the server's: nobody here waits for it.
      id: line.sender.isRequest ? line.sender.id : undefined,
    };
    return [{ frame: refusal, bytes: '', to: replyTo(line.exchange) }];
  }
  const frame = line.frame ?? readClientFrame(line.bytes, session.limits);
  if (frame.kind !== 'batch') return [{ frame, bytes: line.bytes, to: replyTo(line.exchange), known: line.known }];
  return batchElements(frame, line, session);
}

/** SPEC: wire.md §2.1 — batches exist in 2025-03-26 alone; elsewhere the whole array is refused. */
function batchElements(
  frame: Extract<ClientFrame, { kind: 'batch' }>,
  { exchange, known }: Incoming,
  session: Session,
): readonly FrameElement[] {
  if (session.protocol.version !== '2025-03-26') {
    const refusal: Refusal = {
      kind: 'refused',
      code: -32600,
      reason: 'batch',
      message: 'batches are not part of this protocol revision',
      id: undefined,
    };
    return [{ frame: refusal, bytes: '', to: replyTo(exchange) }];
  }
  const expected = frame.items.filter((item) => item.kind === 'request' || item.kind === 'refused').length;
  const to: ReplyTo = { exchange, batch: createBatchAnswer(expected) };
  return frame.items.map((item) => ({
    frame: item,
    bytes: item.kind === 'refused' ? '' : frame.text.slice(item.span.start, item.span.end),
    to,
    known,
  }));
}

/** Over stdio an answer goes the one way there is, and nothing need say so. */
function replyTo(exchange: Exchange | undefined): ReplyTo | undefined {
  return exchange && { exchange, batch: undefined };
}

/** Writes the records of everything but calls. What could not be recorded is not forwarded (I3), but in shadow mode (policy.md §10). */
function recorded(routes: readonly Route[], { rulebook }: Gate, session: Session): readonly Route[] {
  const events: AuditEvent[] = [];
  for (const { event } of routes) if (event) events.push(event);
  if (events.length === 0 || tryWrite(events, session) || rulebook?.policy.mode === 'shadow') return routes;
  return routes.map((route) => (route.event && route.kind === 'forward' ? unrecorded(route, session) : route));
}

function unrecorded(route: Extract<Route, { kind: 'forward' }>, session: Session): Route {
  const { message } = route.frame;
  // The server waits for an answer; the proxy's own error in the place of one says nothing of the agent's.
  if (route.frame.kind === 'response') {
    if (message?.kind !== 'response') return route;
    if (!message.id) return { kind: 'drop' };
    return { ...route, frame: ownReply(renderError(message.id.text, -32603, 'Internal policy error'), route.to?.exchange) };
  }
  const request = route.frame.id && session.inflight.take(route.frame.id.key);
  if (!request) return { kind: 'drop' };
  return { kind: 'answer', text: renderError(request.id.text, -32603, 'Internal policy error'), to: route.to };
}
