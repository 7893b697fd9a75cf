/**
 * Frames from the agent: read strictly, judged, and only then written to the server (wire.md §2).
 * INVARIANT I7: what is written is what was read, byte for byte, or nothing.
 */
import type { AuditEvent } from '../core/audit.ts';
import { type ClientFrame, type Refusal, readClientFrame } from '../mcp/frame.ts';
import type { Line } from '../mcp/lines.ts';
import { renderError } from '../mcp/reply.ts';
import { createBatchAnswer } from './batch.ts';
import { judgeCalls } from './calls.ts';
import { deliver } from './deliver.ts';
import { type Later, then } from './later.ts';
import { type Element, type Route, routeFrame } from './route.ts';
import { type Gate, readGate, type Session } from './state.ts';

/** Depth of nesting, and length of ids and names (wire.md §2.13). */
export const LIMITS = { maxDepth: 256, maxName: 1024 } as const;

/** Takes frames that arrived together. Resolves when each was forwarded, answered, dropped or set aside to wait. */
export function receiveFromAgent(lines: readonly Line[], session: Session): Later<void> {
  return then(readGate(session.deps), (gate) => {
    const elements = lines.flatMap((line) => elementsOf(line, session));
    const routes = elements.map((element) => routeFrame(element, gate, session));
    return then(judgeCalls(routes, session), (judged) => deliver(recorded(judged, gate, session), session));
  });
}

function elementsOf(line: Line, session: Session): readonly Element[] {
  if (line.kind === 'too_long') {
    const refusal: Refusal = {
      kind: 'refused',
      code: -32600,
      reason: 'too_long',
      message: `a message of ${line.length} bytes is larger than allowed (--max-message)`,
      // An answer of the agent has an id of the server's: nobody here waits for it.
      id: line.sender.isRequest ? line.sender.id : undefined,
    };
    return [{ frame: refusal, bytes: '', batch: undefined }];
  }
  const frame = readClientFrame(line.bytes, LIMITS);
  return frame.kind === 'batch' ? batchElements(frame, session) : [{ frame, bytes: line.bytes, batch: undefined }];
}

/** SPEC: wire.md §2.1 — batches exist in 2025-03-26 alone; elsewhere the whole array is refused. */
function batchElements(frame: Extract<ClientFrame, { kind: 'batch' }>, session: Session): readonly Element[] {
  if (session.protocol.version !== '2025-03-26') {
    const refusal: Refusal = {
      kind: 'refused',
      code: -32600,
      reason: 'batch',
      message: 'batches are not part of this protocol revision',
      id: undefined,
    };
    return [{ frame: refusal, bytes: '', batch: undefined }];
  }
  const expected = frame.items.filter((item) => item.kind === 'request' || item.kind === 'refused').length;
  const batch = createBatchAnswer(expected, (text) => session.output.toAgent([text]));
  return frame.items.map((item) => ({
    frame: item,
    bytes: item.kind === 'refused' ? '' : frame.text.slice(item.span.start, item.span.end),
    batch,
  }));
}

/** Writes the records of everything but calls. What could not be recorded is not forwarded (I3), but in shadow mode (policy.md §10). */
function recorded(routes: readonly Route[], { rulebook }: Gate, session: Session): readonly Route[] {
  const events = routes.flatMap((route): readonly AuditEvent[] => (route.event ? [route.event] : []));
  if (events.length === 0) return routes;
  try {
    session.deps.audit.write(events);
    return routes;
  } catch (error) {
    session.deps.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
    if (rulebook?.policy.mode === 'shadow') return routes;
    return routes.map((route) => (route.event && route.kind === 'forward' ? unrecorded(route, session) : route));
  }
}

function unrecorded(route: Extract<Route, { kind: 'forward' }>, session: Session): Route {
  if (!route.id) return { kind: 'drop' };
  session.inflight.take(route.id.key);
  return { kind: 'answer', text: renderError(route.id.text, -32603, 'Internal policy error'), batch: route.batch };
}
