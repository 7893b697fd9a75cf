/** Where routes end: frames are written to the server, answers to the agent (I9). */
import { renderError } from '../../mcp/messages/reply.ts';
import type { OutgoingFrame } from '../exchange.ts';
import type { Route } from '../route.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';
import { answer } from './answer.ts';

type Forward = Extract<Route, { kind: 'forward' }>;

/** Delivers what was routed together: answers one by one, what goes on in one write. */
export function deliver(routes: readonly Route[], session: Session): void {
  for (const route of routes) if (route.kind === 'answer') answer(route.text, route.to, session, route.code);
  const forwards = routes.filter((route) => route.kind === 'forward');
  if (forwards.length === 0) return;
  try {
    session.output.toServer(session.joinBatches ? joined(forwards) : forwards.map(({ frame }) => frame));
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

/** Whether any of it reached the server is not known, so what was reserved stays spent. */
function undeliverable({ frame }: Forward, session: Session): void {
  const request = frame.id && session.inflight.take(frame.id.key);
  if (!request) return;
  if (request.purpose.kind === 'call')
    void settle([{ call: request.purpose.call, outcome: { result: 'kept', error: 'it could not be written' } }], session);
  answer(renderError(request.id.text, -32000, 'the server cannot be reached'), request.to, session);
}
