/** Calls that wait, each by itself, while others overtake it: for the server's tools, for an identical call to end (policy.md §9), for a human to decide (§12). */
import type { HeldApproval } from '../../core/approval.ts';
import { INTERNAL_ERROR } from '../../core/conclude.ts';
import { isNumber, type Json } from '../../core/json.ts';
import type { Arrival } from '../../engine/arrival.ts';
import { renderJson } from '../../mcp/json/values.ts';
import { renderError } from '../../mcp/messages/reply.ts';
import { answer, type Route } from '../deliver.ts';
import { type Enforced, giveUp } from '../enforce.ts';
import { MAX_IN_FLIGHT } from '../requests/inflight.ts';
import { FRAME_COST } from '../shared.ts';
import type { Session } from '../state.ts';
import type { Asking } from './pages.ts';

/** A call waits so long for an identical one, ms. */
const IDENTICAL = 60_000;
/** ms between looks at the store: the first, and the longest. */
const SOONEST = 50;
const LATEST = 1_000;
/** The same where this process carries the identical call out itself, and so learns of its end. */
const NOTIFIED = 5_000;
/** ms between two notifications of progress: clients that wait for a minute start anew with each. */
const PROGRESS = 5_000;

/** A call that waits no longer ends in one of these. */
export type Final = Exclude<Outcome, { kind: 'in_flight' }>;
export type Outcome = Enforced | Asking;

/** Judges a call that is kept open again. `waited`: it may not wait for an identical call any longer. */
export interface Ending {
  isOpen(): boolean;
  judgeAgain(waited: boolean): Promise<Outcome>;
  /** Notifies a client that asked for progress that a human is waited for. */
  tellProgress(text: string): void;
  /** Called when the human has decided. */
  decided(approval: HeldApproval): void;
}

/** True where a held call waits for its approval. It is answered at once where too many wait. */
export function isKeptOpen(outcome: Final, { ports, waits, waiting }: Session): boolean {
  const waitsForHuman = outcome.kind === 'answer' && outcome.approval !== undefined && ports.approvalWait > 0;
  return waitsForHuman && !waits.closed && waiting.size < MAX_IN_FLIGHT;
}

/** Waits until the call can be answered, and answers with what becomes of it. Where nobody waits for it any more, it is not judged again. */
export async function waitToEnd(arrival: Arrival, first: Outcome, ending: Ending, session: Session): Promise<Final> {
  const mayWait = session.waiting.size < MAX_IN_FLIGHT;
  let outcome = first;
  let asked = false;
  for (;;) {
    if (outcome.kind === 'in_flight') outcome = await waitForIdentical(arrival, outcome.key, mayWait ? IDENTICAL : 0, ending, session);
    else if (outcome.kind === 'answer' && outcome.approval && !asked && isKeptOpen(outcome, session)) {
      asked = true;
      outcome = await waitForHuman(outcome, outcome.approval, ending, session);
    } else return outcome;
  }
}

/** INVARIANT I6: it is sent only by an evaluation that finds no claim of an identical call. */
async function waitForIdentical(arrival: Arrival, key: string, patience: number, ending: Ending, session: Session): Promise<Final> {
  const { ports, waits } = session;
  const until = ports.monotonic() + patience;
  for (let delay = SOONEST; ; delay = Math.min(delay * 2, LATEST)) {
    const left = until - ports.monotonic();
    // The end of a call that this process carries out itself is notified.
    const ended = ports.leases.ended(key);
    if (left > 0) await waits.rest(Math.min(ended ? NOTIFIED : delay, left), ended);
    // SPEC: policy.md §12: once the agent has gone, nothing is forwarded for it.
    if (waits.closed || !ending.isOpen()) return giveUp(arrival, session);
    const outcome = await ending.judgeAgain(ports.monotonic() >= until);
    if (outcome.kind !== 'in_flight') return outcome;
  }
}

/** INVARIANT I5: the decision lets nothing pass by itself; what does is the evaluation that comes after. */
async function waitForHuman(held: Final, approval: HeldApproval, ending: Ending, session: Session): Promise<Outcome> {
  const { ports, waits } = session;
  const start = ports.monotonic();
  const until = start + Math.min(ports.approvalWait, approval.expiresAt - ports.clock());
  const record = ports.approvals.follow(approval.id);
  let toldAt = Number.NEGATIVE_INFINITY;
  try {
    for (let now = start; now < until && !record.hasChanged; now = ports.monotonic()) {
      if (now - toldAt >= PROGRESS) {
        ending.tellProgress(`waiting for a human to decide on ${approval.id}`);
        toldAt = now;
      }
      await waits.rest(Math.min(LATEST, until - now), record.changed);
      if (waits.closed || !ending.isOpen()) return held;
    }
  } finally {
    record.stop();
  }
  if (record.hasChanged) ending.decided(approval);
  return ending.judgeAgain(false);
}

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
  // It was within the budget when it was taken in, and this is the same budget.
  session.buffer.bytes += FRAME_COST + route.frame.bytes.length;
}

/** A fault of our own over a call that waited alone: nothing was sent, and it still gets its answer (I9). */
function abandon(error: unknown, { pending, to }: Judging, session: Session): void {
  session.ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
  if (pending?.purpose.kind !== 'judging' || session.inflight.get(pending.sentAs.key) !== pending) return;
  session.inflight.take(pending.sentAs.key);
  answer(renderError(pending.id.text, -32603, INTERNAL_ERROR), to, session);
}

/** Progress has to grow, and what the server sends later begins anew: steps this small stay below its first. */
const STEP = 1e-6;

/** Notifies the client of this call, each time it is called; nothing where the client gave no token. */
export function progressOf({ toolCall, to }: Extract<Route, { kind: 'judge' }>, { output, ports }: Session): (text: string) => void {
  const token = toolCall.meta?.get('progressToken');
  let steps = 0;
  return (text) => {
    if (!isToken(token)) return;
    steps += 1;
    const members = `"progressToken":${renderJson(token)},"progress":${(steps * STEP).toFixed(6)},"message":${JSON.stringify(text)}`;
    try {
      output.toAgent([`{"jsonrpc":"2.0","method":"notifications/progress","params":{${members}}}`], to?.exchange);
    } catch (error) {
      ports.log.error(`the agent cannot be written to: ${String(error)}`);
    }
  };
}

function isToken(token: Json | undefined): token is Json {
  return typeof token === 'string' || isNumber(token);
}
