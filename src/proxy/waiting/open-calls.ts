/** Calls that are kept open until an identical one has ended (policy.md §9), or a human has decided (§12). */
import type { HeldApproval } from '../../core/approval.ts';
import type { Arrival } from '../../engine/arrival.ts';
import { type Enforced, giveUp } from '../enforce.ts';
import { MAX_IN_FLIGHT } from '../requests/inflight.ts';
import type { Session } from '../state.ts';
import type { Asking } from './elicit.ts';

/** How long a call waits for an identical one, ms. */
const IDENTICAL = 60_000;
/** ms between looks at the store: the first, and the longest. */
const SOONEST = 50;
const LATEST = 1_000;
/** The same where this process carries the identical call out itself, and so learns of its end. */
const TOLD = 5_000;
/** ms between two notifications of progress: clients that wait for a minute start anew with each. */
const PROGRESS = 5_000;

/** What a call that waits no longer ends in. */
export type Final = Exclude<Outcome, { kind: 'in_flight' }>;
export type Outcome = Enforced | Asking;

/** How a call that is kept open is judged again. `waited`: it may not wait for an identical call any longer. */
export interface Ending {
  isOpen(): boolean;
  judgeAgain(waited: boolean): Promise<Outcome>;
  /** Tells a client that asked for progress that a human is waited for. */
  tellProgress(text: string): void;
  /** Called when the human has decided. */
  decided(approval: HeldApproval): void;
}

/** Whether a held call waits for its approval, rather than be answered now. Those for which there is no room are answered. */
export function isKeptOpen(outcome: Final, { ports, waits, waiting }: Session): boolean {
  const waitsForHuman = outcome.kind === 'answer' && outcome.approval !== undefined && ports.approvalWait > 0;
  return waitsForHuman && !waits.closed && waiting.size < MAX_IN_FLIGHT;
}

/** Waits until the call can be answered, and answers with what becomes of it. Where nobody waits for it any more, it is not judged again. */
export async function waitToEnd(arrival: Arrival, first: Outcome, ending: Ending, session: Session): Promise<Final> {
  const room = session.waiting.size < MAX_IN_FLIGHT;
  let outcome = first;
  let asked = false;
  for (;;) {
    if (outcome.kind === 'in_flight') outcome = await waitForIdentical(arrival, outcome.key, room ? IDENTICAL : 0, ending, session);
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
    // Of a call that this process carries out itself, the end is told.
    const ended = ports.leases.ended(key);
    if (left > 0) await waits.rest(Math.min(ended ? TOLD : delay, left), ended);
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
