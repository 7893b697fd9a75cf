/**
 * The store step that the adapters share (policy.md §5.5): judges calls in order over an adapter's rows. It runs
 * inside one transaction and does not wait, so nobody else's draw falls between the reading and the writing.
 */
import type { HeldApproval, HoldRequest } from '../core/approval.ts';
import { MAX_MICROS } from '../core/decimal.ts';
import { type Judgement, judge } from '../core/judge.ts';
import {
  type CounterRef,
  type DrawnCounter,
  type Reservable,
  type Reservation,
  type ReservedDraw,
  StoreError,
  type StoreVerdict,
} from '../core/store.ts';
import type { Window, WindowUnit } from '../core/window.ts';

/** What an adapter's transaction offers to the step. */
export interface StepRows {
  /** A counter's value in the window that starts at `start`; 0 where there is no row. */
  value(counter: CounterRef, start: number): number;
  write(counter: CounterRef, window: Window, micros: number): void;
  /** The pending record of this fingerprint, younger than the request's dedupe window and unexpired. */
  findHold(hold: HoldRequest, now: number): { readonly id: string; readonly expiresAt: number } | undefined;
  countPending(agent: string | undefined, now: number): number;
  insertHold(hold: HoldRequest, id: string, now: number): void;
}

export interface StepContext {
  readonly rows: StepRows;
  readonly now: number;
  readonly windowOf: (unit: WindowUnit, now: number) => Window;
  readonly newId: () => string;
}

/** A counter as this transaction sees it: read once, written once at the end. */
interface Cell {
  readonly counter: CounterRef;
  readonly window: Window;
  readonly before: number;
  value: number;
}

/** Judges the calls in order; each one sees what those before it drew. INVARIANT I4: a call draws all it needs, or nothing. */
export function reserveCalls(calls: readonly Reservable[], context: StepContext): StoreVerdict[] {
  const cells = new Map<string, Cell>();
  const verdicts = calls.map((call) => {
    const used = call.counters.map((counter) => cellOf(cells, counter, context.now, context));
    const undo = handBack(call.replaces, cells, context);
    const judgement = judge(
      call,
      used.map((cell) => cell.value),
    );
    const verdict = concludeCall(call, judgement, used, context);
    if (verdict.kind !== 'reserved') undo();
    return verdict;
  });
  for (const cell of cells.values()) {
    if (cell.value !== cell.before) context.rows.write(cell.counter, cell.window, cell.value);
  }
  return verdicts;
}

/** Judges calls that neither count nor record anything; undefined as soon as one of them needs the store. */
export function judgeStateless(calls: readonly Reservable[], now: number): StoreVerdict[] | undefined {
  const verdicts: StoreVerdict[] = [];
  for (const call of calls) {
    if (call.counters.length > 0 || call.claim) return undefined;
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
function cellOf(cells: Map<string, Cell>, counter: CounterRef, at: number, context: StepContext): Cell {
  const window = context.windowOf(counter.unit, at);
  const key = `${counter.unit}:${window.start}:${counter.id}`;
  const known = cells.get(key);
  if (known) return known;
  const before = context.rows.value(counter, window.start);
  const cell = { counter, window, before, value: before };
  cells.set(key, cell);
  return cell;
}

/**
 * Takes what an earlier reservation drew out of the windows it was drawn in, so that the call is not measured against
 * itself; answers with what puts it back.
 */
function handBack(replaced: Reservation | undefined, cells: Map<string, Cell>, context: StepContext): () => void {
  if (!replaced) return () => undefined;
  const handed = replaced.draws.map((draw) => {
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
  if (judgement.kind === 'hold') return holdCall(call, judgement.fired, shadow, context);
  const full = fullCounter(judgement.draws, used);
  if (full !== undefined) return denied(stepAbout(call, full), full, shadow, used, now);
  const draws = judgement.draws.map((draw) => take(draw, used));
  return { kind: 'reserved', reservation: { draws }, now, shadow };
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

function holdCall(call: Reservable, fired: readonly [number, ...number[]], shadow: readonly number[], context: StepContext): StoreVerdict {
  const { now } = context;
  const [step] = fired;
  if (!call.hold) return { kind: 'hold', step, approval: undefined, now, shadow };
  const approval = hold(call.hold(fired), context);
  return approval ? { kind: 'hold', step, approval, now, shadow } : { kind: 'too_many_pending', step, now, shadow };
}

/** SPEC: policy.md §12: a repeat while pending reuses the record; beyond `max_pending` none is made. */
function hold(request: HoldRequest, { rows, now, newId }: StepContext): HeldApproval | undefined {
  const found = rows.findHold(request, now);
  if (found) return { id: found.id, expiresAt: found.expiresAt, reused: true };
  if (rows.countPending(request.agent, now) >= request.maxPending) return undefined;
  const id = newId();
  rows.insertHold(request, id, now);
  return { id, expiresAt: now + request.timeout, reused: false };
}
