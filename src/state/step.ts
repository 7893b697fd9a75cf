/**
 * The store step that the adapters share (policy.md §5.5): judges calls in order over an adapter's rows. It runs
 * inside one transaction and does not wait, so nobody else's draw falls between the reading and the writing.
 * The order is that of the policy: the call's own record, counters, approvals, and then everything is taken together.
 */
import { MAX_MICROS } from '../core/decimal.ts';
import { type Judgement, judge } from '../core/judge.ts';
import {
  type CounterRef,
  type DrawnCounter,
  type Reservable,
  type Reservation,
  type ReservedDraw,
  type Settlement,
  StoreError,
  type StoreVerdict,
} from '../core/store.ts';
import type { Window, WindowUnit } from '../core/window.ts';
import { lease, settleApproval, standingFor } from './approvals.ts';
import { payable } from './challenge.ts';
import { answerOf, settleClaim, takeClaim } from './claim.ts';
import type { Ids } from './ids.ts';
import type { StepRows } from './rows.ts';

export interface StepContext {
  readonly rows: StepRows;
  readonly now: number;
  readonly windowOf: (unit: WindowUnit, now: number) => Window;
  readonly ids: Ids;
}

/** A counter as this transaction sees it: read once, written once at the end. */
interface Cell {
  readonly counter: CounterRef;
  readonly window: Window;
  readonly before: number;
  value: number;
  /** A counter of the same id in another window, or of another unit. */
  readonly next: Cell | undefined;
}

/** The cells of a transaction by their counters' ids. */
type Cells = Map<string, Cell>;

/** Judges the calls in order; each one sees what those before it drew. INVARIANT I4: a call draws all it needs, or nothing. */
export function reserveCalls(calls: readonly Reservable[], context: StepContext): StoreVerdict[] {
  const cells: Cells = new Map();
  const verdicts = calls.map((call): StoreVerdict => {
    const known = call.claim && answerOf(context.rows.claim(call.claim.key), context.now);
    if (known) return { ...known, now: context.now, shadow: [] };
    const paid = call.pays === undefined ? undefined : payable(call.pays, context.rows, context.now);
    if (call.pays !== undefined && !paid) return { kind: 'unasked', now: context.now, shadow: [] };
    const used = call.counters.map((counter) => cellOf(cells, counter, context.now, context));
    const undo = handBack(paid?.draws ?? [], cells, context);
    const judgement = judge(
      call,
      used.map((cell) => cell.value),
    );
    const verdict = concludeCall(call, judgement, used, context);
    if (verdict.kind !== 'reserved') undo();
    if (verdict.kind !== 'reserved' || !paid) return verdict;
    context.rows.dropChallenge(paid.id);
    const { draws: _, ...challenge } = paid;
    return { ...verdict, reservation: { ...verdict.reservation, challenge } };
  });
  for (const first of cells.values())
    for (let cell: Cell | undefined = first; cell; cell = cell.next)
      if (cell.value !== cell.before) context.rows.write(cell.counter, cell.window, cell.value);
  return verdicts;
}

/** Judges calls that neither count nor record anything; undefined as soon as one of them needs the store. */
export function judgeStateless(calls: readonly Reservable[], now: number): StoreVerdict[] | undefined {
  const verdicts: StoreVerdict[] = [];
  for (const call of calls) {
    if (call.counters.length > 0 || call.claim || call.pays !== undefined) return undefined;
    const { shadow, ...judged } = judge(call, []);
    if (judged.kind === 'hold') {
      if (call.hold) return undefined;
      verdicts.push({ kind: 'hold', step: judged.fired[0], approval: undefined, now, shadow });
    } else if (judged.kind === 'deny') {
      verdicts.push({ kind: 'deny', step: judged.step, counter: undefined, retryAt: undefined, now, shadow });
    } else {
      verdicts.push({ kind: 'reserved', reservation: { draws: [] }, now, shadow });
    }
  }
  return verdicts;
}

/** The counter's cell in the window that an instant lies in. */
function cellOf(cells: Cells, counter: CounterRef, at: number, context: StepContext): Cell {
  const window = context.windowOf(counter.unit, at);
  const first = cells.get(counter.id);
  for (let cell = first; cell; cell = cell.next) if (cell.window.start === window.start && cell.counter.unit === counter.unit) return cell;
  const before = context.rows.value(counter, window.start);
  const cell = { counter, window, before, value: before, next: first };
  cells.set(counter.id, cell);
  return cell;
}

/**
 * Takes what the paid challenge holds out of the windows it was drawn in, so that the call is not measured against
 * itself; answers with what puts it back.
 */
function handBack(draws: readonly DrawnCounter[], cells: Cells, context: StepContext): () => void {
  const handed = draws.map((draw) => {
    const cell = cellOf(cells, draw, draw.start, context);
    const micros = Math.min(cell.value, draw.micros);
    cell.value -= micros;
    return { cell, micros };
  });
  return () => {
    for (const { cell, micros } of handed) cell.value += micros;
  };
}

function concludeCall(call: Reservable, judgement: Judgement, used: readonly Cell[], context: StepContext): StoreVerdict {
  const { now } = context;
  const { shadow } = judgement;
  if (judgement.kind === 'deny') return denied(judgement.step, judgement.counter, shadow, used, now);
  const full = fullCounter(judgement.draws, used);
  if (full !== undefined) return denied(stepAbout(call, full), full, shadow, used, now);
  if (judgement.kind === 'reserve') return { kind: 'reserved', reservation: reserve(call, judgement.draws, used, context), now, shadow };
  const [step] = judgement.fired;
  if (!call.hold) return { kind: 'hold', step, approval: undefined, now, shadow };
  const standing = standingFor(call.hold(judgement.fired), context.rows, now, context.ids.approval);
  if (standing.kind !== 'approved') return { ...standing, step, now, shadow };
  const approval = lease(standing.head, context.rows, now, context.ids.token());
  return { kind: 'reserved', reservation: { ...reserve(call, judgement.draws, used, context), approval }, now, shadow };
}

/** Everything that a passing call takes beside an approval, in the same transaction. */
function reserve(call: Reservable, draws: readonly ReservedDraw[], used: readonly Cell[], { rows, now, ids }: StepContext): Reservation {
  const drawn = draws.map((draw) => take(draw, used));
  return call.claim ? { draws: drawn, claim: takeClaim(call.claim, rows, now, ids.token()) } : { draws: drawn };
}

function denied(step: number, counter: number | undefined, shadow: readonly number[], used: readonly Cell[], now: number): StoreVerdict {
  const retryAt = counter === undefined ? undefined : used[counter]?.window.end;
  return { kind: 'deny', step, counter, retryAt, now, shadow };
}

/** SPEC: policy.md §6: a total over 9,007,199,254.740991 denies, also where no limit stands in the way. */
function fullCounter(draws: readonly ReservedDraw[], used: readonly Cell[]): number | undefined {
  const totals = new Map<Cell, number>();
  for (const { counter, micros } of draws) {
    const cell = cellAt(used, counter);
    if (!(micros >= 0)) throw new StoreError(`a draw of ${micros} millionths from counter "${cell.counter.id}" is no amount`);
    const total = (totals.get(cell) ?? cell.value) + micros;
    // The negation also catches what is not a number.
    if (!(total <= MAX_MICROS)) return counter;
    totals.set(cell, total);
  }
  return undefined;
}

/** The step to name where a counter is full and no step asked: the first about that counter, else the first. */
function stepAbout(call: Reservable, counter: number): number {
  const found = call.steps.findIndex((step) => !step.shadow && step.terms.some((term) => term.counter === counter));
  return Math.max(found, 0);
}

function take(draw: ReservedDraw, used: readonly Cell[]): DrawnCounter {
  const cell = cellAt(used, draw.counter);
  cell.value += draw.micros;
  return { id: cell.counter.id, unit: cell.counter.unit, start: cell.window.start, micros: draw.micros, count: draw.count };
}

function cellAt(used: readonly Cell[], counter: number): Cell {
  const cell = used[counter];
  if (!cell) throw new StoreError(`a draw names counter ${counter}, but the call has ${used.length}`);
  return cell;
}

/** Ends them, inside one transaction. `maxBytes`: what all stored results may take together. */
export function settleAll(settlements: readonly Settlement[], rows: StepRows, now: number, maxBytes: number): void {
  for (const settlement of settlements) {
    const { reservation, outcome } = settlement;
    const released = outcome === 'released';
    if (released) for (const draw of reservation.draws) if (draw.count !== 'attempts' && draw.micros > 0) rows.giveBack(draw);
    // A payment failed: what was asked may be paid again, and holds nothing any more.
    if (released && reservation.challenge && reservation.challenge.until > now) rows.putChallenge({ ...reservation.challenge, draws: [] });
    if (reservation.approval) settleApproval(reservation.approval, released, rows, now);
    if (reservation.claim) settleClaim(reservation.claim, settlement, rows, now, maxBytes);
  }
}

/** True where the loss of power may not undo this settlement: one that keeps a consumed approval consumed changes nothing of worth. */
export function mustLast({ reservation, outcome }: Settlement): boolean {
  return reservation.claim !== undefined || (reservation.approval !== undefined && outcome === 'released');
}

/** Lets through what is to be settled and was not yet, and notes it in `settled`. A settlement that failed may be tried again. */
export function settleOnce(
  settled: WeakSet<Reservation>,
  settle: (fresh: readonly Settlement[]) => Promise<void>,
): (all: readonly Settlement[]) => Promise<void> {
  return async (all) => {
    const fresh = all.filter(({ reservation, outcome }) => {
      const asks = outcome === 'released' || reservation.approval || reservation.claim;
      if (!asks || settled.has(reservation)) return false;
      settled.add(reservation);
      return true;
    });
    if (fresh.length === 0) return;
    try {
      await settle(fresh);
    } catch (error) {
      for (const { reservation } of fresh) settled.delete(reservation);
      throw error;
    }
  };
}
