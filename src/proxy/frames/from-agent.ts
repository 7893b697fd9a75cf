/**
 * Frames from the agent: read strictly, judged, and only then written to the server (wire.md §2).
 * INVARIANT I7: what is written is what was read, byte for byte, or nothing.
 */
import type { AuditEvent } from '../../core/audit.ts';
import { type Gate, readGate } from '../../engine/gate.ts';
import { type Later, then } from '../../engine/later.ts';
import { readClientFrame } from '../../mcp/messages/client.ts';
import type { ClientFrame } from '../../mcp/messages/frame.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import { renderError } from '../../mcp/messages/reply.ts';
import { enforceCalls } from '../calls/calls.ts';
import type { Exchange, Incoming, ReplyTo } from '../exchange.ts';
import { type Element, type Route, routeFrame } from '../route.ts';
import type { Session } from '../state.ts';
import { createBatchAnswer } from './batch.ts';
import { deliver } from './deliver.ts';
import { ownReply } from './outgoing.ts';

/** Takes frames that arrived together. Resolves when each was forwarded, answered, dropped or set aside to wait. */
export function receiveFromAgent(lines: readonly Incoming[], session: Session): Later<void> {
  return then(readGate(session.served, session.ports), (gate) => {
    const elements = lines.flatMap((line) => elementsOf(line, session));
    const routes = elements.map((element) => routeFrame(element, gate, session));
    return then(enforceCalls(routes, gate, session), (judged) => deliver(recorded(judged, gate, session), session));
  });
}

function elementsOf(line: Incoming, session: Session): readonly Element[] {
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
): readonly Element[] {
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
  const events = routes.flatMap((route): readonly AuditEvent[] => (route.event ? [route.event] : []));
  if (events.length === 0) return routes;
  try {
    session.ports.audit.write(events);
    return routes;
  } catch (error) {
    session.ports.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
    if (rulebook?.policy.mode === 'shadow') return routes;
    return routes.map((route) => (route.event && route.kind === 'forward' ? unrecorded(route, session) : route));
  }
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
