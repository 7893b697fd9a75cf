/** Ends forwarded calls (policy.md §6): settles each reservation once, as committed, released or kept. */
import type { OutcomeEvent } from '../core/audit.ts';
import type { Settlement } from '../core/store.ts';
import type { SentCall } from '../engine/arrival.ts';
import type { CallOutcome } from '../engine/enforce-answer.ts';
import type { Ports } from '../engine/ports.ts';

/** Where outcomes are recorded. While it is held, they wait for the answers that they are about. */
export interface OutcomeLog {
  add(events: readonly OutcomeEvent[]): void;
  /** Adds what is still to be known: the store was asked. */
  expect(settling: Promise<void>): void;
  /** Resolves when nothing more is expected. */
  idle(): Promise<void>;
  hold(): void;
  /** Writes what waits, in one piece. */
  flush(): void;
}

/** Records outcomes; what cannot be recorded is logged, and changes no call that was made. */
export function createOutcomeLog({ audit, log }: Pick<Ports, 'audit' | 'log'>): OutcomeLog {
  let waiting: OutcomeEvent[] = [];
  let held = false;
  const expected = new Set<Promise<void>>();
  const write = () => {
    const events = waiting;
    waiting = [];
    if (events.length === 0) return;
    try {
      audit.write(events);
    } catch (error) {
      log.error(`audit: an outcome is not recorded: ${String(error)}`);
    }
  };
  return {
    add(events) {
      waiting.push(...events);
      if (!held) write();
    },
    expect(settling) {
      const done = settling.finally(() => expected.delete(done));
      expected.add(done);
    },
    async idle() {
      while (expected.size > 0) await Promise.all(expected);
    },
    hold() {
      held = true;
    },
    flush() {
      held = false;
      write();
    },
  };
}

/** The part of a session that settling needs. */
export interface Settling {
  readonly ports: Ports;
  readonly outcomes: OutcomeLog;
  readonly unpriced: Unpriced;
}

/** Calls that succeeded and whose price nobody knows (policy.md §8) are warned of once. */
export interface Unpriced {
  isWarned: boolean;
}

/**
 * Settles calls and records how they ended; at once where the store has nothing to end. What could not be released stays
 * spent, and the record says so. Never rejects: an answer reaches the agent whatever the store or the audit do.
 */
export async function settle(
  ended: readonly { readonly call: SentCall; readonly outcome: CallOutcome }[],
  { ports, outcomes, unpriced }: Settling,
): Promise<void> {
  const settlements: Settlement[] = [];
  for (const { call, outcome } of ended) {
    const { holding } = call;
    if (holding.unpriced && outcome.result === 'committed' && !unpriced.isWarned) {
      unpriced.isWarned = true;
      ports.log.warn(UNPRICED);
    }
    if (holding.reservations.length > 0) settlements.push(...settlementsOf(call, outcome));
  }
  warnOfUnknown(ended, ports);
  if (settlements.length === 0) outcomes.add(ended.map(({ call, outcome }) => outcomeEvent(call, outcome, ports)));
  else {
    const settling = settleInStore(ended, settlements, ports, outcomes);
    outcomes.expect(settling);
    await settling;
  }
}

/** An outcome that nobody knows asks for a human where something was counted or claimed for it (policy.md §6). */
function warnOfUnknown(ended: Parameters<typeof settle>[0], { log }: Ports): void {
  const kept = ended.filter(({ call, outcome }) => outcome.result === 'kept' && call.holding.reservations.length > 0);
  const [first] = kept;
  if (!first) return;
  const tools = [...new Set(kept.map(({ call }) => call.tool ?? 'a call'))];
  const named = `${tools.slice(0, MOST_NAMED).join(', ')}${tools.length > MOST_NAMED ? ', …' : ''}${kept.length > 1 ? ` (${kept.length} calls)` : ''}`;
  const isClaimed = kept.some(({ call }) => call.holding.reservations.some(({ claim }) => claim));
  const remedy = isClaimed ? '; its repeats are denied until "intercept idempotency resolve" says what happened' : '';
  log.warn(`outcome unknown: ${named} stays counted${remedy} (${first.outcome.error ?? 'no answer came'})`);
}

/** Tools that a warning names. */
const MOST_NAMED = 5;

const UNPRICED =
  'a call under a spend limit named no price, so nothing was counted: add "from" to the limit, or see "unpriced" in the audit';

async function settleInStore(
  ended: Parameters<typeof settle>[0],
  settlements: readonly Settlement[],
  ports: Ports,
  outcomes: OutcomeLog,
): Promise<void> {
  const fault = await endReservations(settlements, ports);
  outcomes.add(ended.map(({ call, outcome }) => outcomeEvent(call, fault === undefined ? outcome : faulted(call, outcome, fault), ports)));
}

/** Settles calls of which nobody will learn how they ended. SPEC: policy.md §6 — an unknown outcome stays spent. */
export async function keep(calls: readonly SentCall[], why: string, settling: Settling): Promise<void> {
  if (calls.length > 0)
    await settle(
      calls.map((call) => ({ call, outcome: { result: 'kept', error: why } })),
      settling,
    );
}

/** Selects what the store has to learn. Draws that stay spent are spent already. */
function settlementsOf({ holding }: SentCall, { result, text }: CallOutcome): readonly Settlement[] {
  const concerned = result === 'released' ? holding.reservations : holding.reservations.filter(({ approval, claim }) => approval ?? claim);
  return concerned.map((reservation) => ({ reservation, outcome: result, result: text }));
}

/** Corrects the outcome after a fault: what could not be released stays spent; of any other outcome only the store's record is missing. */
function faulted(call: SentCall, outcome: CallOutcome, fault: string): CallOutcome {
  if (settlementsOf(call, outcome).length === 0) return outcome;
  return outcome.result === 'released' ? { result: 'kept', error: fault } : { ...outcome, error: outcome.error ?? fault };
}

/** A failing store is asked so often to keep the end of a call, where an approval or a claim depends on it. */
const TRIES = 3;

/** Ends reservations in the store; answers with why that failed, where it did. A claim that was not ended lapses, and its outcome is unknown. */
export async function endReservations(
  settlements: readonly Settlement[],
  { store, leases, log }: Pick<Ports, 'store' | 'leases' | 'log'>,
): Promise<string | undefined> {
  const matters = settlements.some(({ reservation }) => reservation.approval ?? reservation.claim);
  let why: string | undefined;
  for (let left = matters ? TRIES : 1; left > 0; left--) {
    try {
      await store.settle(settlements);
      why = undefined;
      break;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
  }
  if (why !== undefined) log.error(`state: the end of a call could not be recorded, what it took stays taken: ${why}`);
  for (const { reservation } of settlements) if (reservation.claim) leases.end(reservation.claim);
  return why;
}

function outcomeEvent({ id, sentAt, holding }: SentCall, { result, error }: CallOutcome, { monotonic }: Ports): OutcomeEvent {
  const unpriced = holding.unpriced && result === 'committed' ? true : undefined;
  return { type: 'outcome', call: id, result, upstreamUs: Math.round((monotonic() - sentAt) * 1000), error, unpriced };
}
