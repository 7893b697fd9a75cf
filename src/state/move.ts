/** The whole content of a store, on its way to another kind of store (scale.md §1, `intercept state move`). */
import type { HoldRequest } from '../core/approval.ts';
import type { CounterRef, Pause } from '../core/store.ts';
import { windowAt } from '../core/window.ts';
import type { ApprovalHead, ChallengeRow, ClaimRow, StepRows } from './rows.ts';

/** Something of one namespace. */
interface Owned {
  readonly namespace: string;
}

export interface MovedCounter extends Owned {
  readonly counter: CounterRef;
  readonly start: number;
  readonly micros: number;
}

export interface MovedRecord extends Owned {
  readonly head: ApprovalHead;
  readonly hold: Omit<HoldRequest, 'timeout' | 'retries' | 'dedupeWindow' | 'maxPending'>;
}

export interface MovedClaim extends Owned {
  readonly row: ClaimRow;
}

export interface MovedChallenge extends Owned {
  readonly row: ChallengeRow;
}

/** Events of records are not among them: what is delivered late would speak of a store that is left. */
export interface MovedState {
  readonly counters: readonly MovedCounter[];
  readonly records: readonly MovedRecord[];
  readonly claims: readonly MovedClaim[];
  readonly challenges: readonly MovedChallenge[];
  readonly pauses: readonly Pause[];
  readonly secret: string | undefined;
}

/** A kind of store whose content can be read whole, and written into an empty one. */
export interface Movable {
  dump(): Promise<MovedState>;
  /** INVARIANT I4: what is there of it before all of it is there is paused, and has the approver secret. */
  load(state: MovedState): Promise<void>;
}

/** Stands in the place of a pause of all policies until everything has come. */
export const UNDER_WAY = 'the state is being moved here; if nothing moves it, remove it and move it again';

/** Splits what is of namespaces into parts of at most `size` things of one namespace, each to be written in a transaction. */
export function partsOf(
  state: MovedState,
  size: number,
): readonly { readonly namespace: string; readonly write: (rows: StepRows) => void }[] {
  const parts = <T extends Owned>(all: readonly T[], write: (rows: StepRows, one: T) => void) =>
    [...Map.groupBy(all, ({ namespace }) => namespace)].flatMap(([namespace, own]) =>
      chunksOf(own, size).map((some) => ({ namespace, write: (rows: StepRows) => some.forEach((one) => void write(rows, one)) })),
    );
  return [
    ...parts(state.counters, (rows, { counter, start, micros }) => rows.write(counter, windowAt(counter.unit, start), micros)),
    ...parts(state.records, writeRecord),
    ...parts(state.claims, (rows, { row }) => rows.putClaim(row)),
    ...parts(state.challenges, (rows, { row }) => rows.putChallenge(row)),
  ];
}

function writeRecord(rows: StepRows, { head, hold }: MovedRecord): void {
  const { timeout, retries, createdAt, keepUntil } = head;
  rows.insertHold({ ...hold, timeout, retries, dedupeWindow: 0, maxPending: 0 }, head.id, createdAt, keepUntil);
  rows.saveHead(head);
}

function chunksOf<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));
}
