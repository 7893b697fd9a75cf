/** Calls that are set aside to wait: each goes on by itself, and others overtake it. */
import { INTERNAL_ERROR } from '../../core/conclude.ts';
import { renderError } from '../../mcp/messages/reply.ts';
import { answer, type Route } from '../deliver.ts';
import { FRAME_COST } from '../shared.ts';
import type { Session } from '../state.ts';

type Judging = Extract<Route, { kind: 'judge' }>;

/** Goes on with the call by itself. The session's input is not closed before it is done. */
export function setAside(route: Judging, goOn: () => Promise<void>, session: Session): void {
  const done: Promise<void> = goOn()
    .catch((error: unknown) => abandon(error, route, session))
    .finally(() => {
      session.waiting.delete(done);
      session.buffer.bytes -= FRAME_COST + route.frame.bytes.length;
    });
  session.waiting.add(done);
  // There was room for it when it was taken in, and this is the same room.
  session.buffer.bytes += FRAME_COST + route.frame.bytes.length;
}

/** A fault of our own over a call that waited alone: nothing was sent, and it still gets its answer (I9). */
function abandon(error: unknown, { pending, to }: Judging, session: Session): void {
  session.ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
  if (pending?.purpose.kind !== 'judging' || session.inflight.get(pending.sentAs.key) !== pending) return;
  session.inflight.take(pending.sentAs.key);
  answer(renderError(pending.id.text, -32603, INTERNAL_ERROR), to, session);
}
