/**
 * The Store port (policy.md §5.5, §6): what must survive a process and be shared between processes.
 * `reserve` judges with the pure `judge`, or with a copy of it (Lua), inside one transaction.
 *
 * Failures are thrown as `StoreError`; the caller denies with `state_error`. Nothing here waits longer than the
 * store's own time-out, and nothing blocks the event loop while another process holds the lock.
 */
import type { Approvals, HeldApproval, HoldRequest, LeasedApproval } from './approval.ts';
import type { DeliveredChallenge, OpenChallenge } from './challenge.ts';
import type { ClaimRequest, Claims, HeldClaim } from './claim.ts';
import type { Count } from './counter.ts';
import { FaultError } from './fault.ts';
import type { WindowUnit } from './window.ts';

/** One count: the counter's identity with the value of its `per` scope. The store adds the namespace and the window. */
export interface CounterRef {
  readonly id: string;
  readonly unit: WindowUnit;
}

/** Bounds a counter's value before the call, in millionths, both inclusive. Absent bounds do not bind. */
export interface Term {
  /** Index into `Reservable.counters`. */
  readonly counter: number;
  readonly min?: number;
  readonly max?: number;
  /** The value after all draws of this call on this counter must not pass this. */
  readonly after?: number;
  readonly only?: readonly number[];
  readonly not?: readonly number[];
}

/**
 * One thing the store step decides, in rule order. `require`: all terms hold, else the call is denied. `deny` and
 * `hold`: fires when all terms hold. A step of a shadow rule is recorded and decides nothing.
 */
export interface Step {
  readonly kind: 'require' | 'deny' | 'hold';
  readonly terms: readonly Term[];
  readonly shadow: boolean;
}

/** A passing call takes this from a counter, in millionths. */
export interface ReservedDraw {
  readonly counter: number;
  readonly micros: number;
  readonly count: Count;
  /** Indexes of shadow steps; where one of them would have denied, this draw is not made (§10). */
  readonly unlessShadow: readonly number[];
}

/** A call that the arguments alone did not decide, as the store step takes it. */
export interface Reservable {
  readonly counters: readonly CounterRef[];
  readonly steps: readonly Step[];
  readonly draws: readonly ReservedDraw[];
  /** The hold to record where these `hold` steps fired, or undefined where none is recorded (shadow). Pure, called once. */
  readonly hold: ((fired: readonly number[]) => HoldRequest) | undefined;
  /** Undefined for a call that may be sent twice. */
  readonly claim: ClaimRequest | undefined;
  /** The challenge that the call pays (§8): what it holds is given back in the same step, and it is over, if and only if the call is reserved. */
  readonly pays?: string | undefined;
}

/** A draw that was made, and the window it was made in: where a release gives it back to. */
export interface DrawnCounter extends CounterRef {
  readonly start: number;
  readonly micros: number;
  readonly count: Count;
}

/** Held by the process that forwards the call, settled once. A crash leaves it spent. */
export interface Reservation {
  readonly draws: readonly DrawnCounter[];
  readonly approval?: LeasedApproval | undefined;
  readonly claim?: HeldClaim | undefined;
  /** The call pays this; asked for again where it is released. */
  readonly challenge?: OpenChallenge | undefined;
}

/**
 * The verdict of the store step; indexes into `Reservable.steps`. `now` is the store's clock, `retryAt` the next window's
 * start, `until` when the record that stands in the way is over.
 */
export type StoreVerdict = { readonly now: number; readonly shadow: readonly number[] } & (
  | { readonly kind: 'reserved'; readonly reservation: Reservation }
  | { readonly kind: 'deny'; readonly step: number; readonly retryAt: number | undefined; readonly counter: number | undefined }
  | { readonly kind: 'hold'; readonly step: number; readonly approval: HeldApproval | undefined }
  | { readonly kind: 'too_many_pending'; readonly step: number }
  /** A denial that stands, or too many denials of this tool (`id` undefined). */
  | {
      readonly kind: 'approval_denied';
      readonly step: number;
      readonly id: string | undefined;
      readonly reason: string;
      readonly until: number;
    }
  /** The challenge that the call pays is over, or somebody has paid it. */
  | { readonly kind: 'unasked' }
  | ClaimVerdict
);

/** The answer of an idempotent call's own record (policy.md §9). */
export type ClaimVerdict =
  /** It succeeded: the JSON text of its `result`, and when. */
  | { readonly kind: 'replay'; readonly result: string; readonly at: number }
  /** An identical call is being carried out; ask again. */
  | { readonly kind: 'in_flight'; readonly until: number }
  | { readonly kind: 'outcome_unknown'; readonly until: number }
  /** It succeeded, and its result is not kept. */
  /** `by`: a human said that it was carried out. */
  | { readonly kind: 'already_done'; readonly until: number; readonly by?: string | undefined };

/**
 * The end of a reservation (policy.md §6). `released`: it failed, so draws, approval and claim are given back. `kept`:
 * nobody knows. `result`: the JSON text of the result, for a claim.
 */
export type Settlement = { readonly reservation: Reservation } & (
  | { readonly outcome: 'committed'; readonly result?: string | undefined }
  | { readonly outcome: 'released' }
  | { readonly outcome: 'kept' }
);

/** A pause in force (policy.md §11). `policy` undefined: all policies. */
export interface Pause {
  readonly policy: string | undefined;
  readonly reason: string;
  readonly since: number;
}

/** One running process, as the others see it. */
export interface Instance {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  readonly namespace: string;
  readonly policy: string | undefined;
  readonly upstream: string;
  readonly revision: string;
  readonly startedAt: number;
  /** The number of the newest pause or resume that this instance acts on. */
  readonly confirmed: number;
  readonly seenAt: number;
}

/** Every process reads this twice a second. `sequence` grows with each pause and resume. */
export interface Control {
  readonly sequence: number;
  readonly pauses: readonly Pause[];
}

/** A counter's value in the window of now, for `explain` and `status`. */
export interface CounterReading extends CounterRef {
  readonly micros: number;
  readonly start: number;
  readonly end: number;
}

/** Payment challenges of the namespace that were delivered and are not paid (policy.md §8). */
export interface Challenges {
  /** Keeps what is to be delivered, with what was reserved for it. */
  deliver(challenge: DeliveredChallenge, reservation: Reservation | undefined): Promise<'kept' | 'too_many'>;
  /** Those that may be paid for this call, the oldest first. */
  openFor(call: string): Promise<readonly OpenChallenge[]>;
  /** Forgets those whose time is over and gives back what they held, whoever delivered them; answers with how many. */
  expire(): Promise<number>;
}

/** A store opened for one namespace. Several calls that arrived together are judged in order, in one transaction. */
export interface Store {
  reserve(calls: readonly Reservable[]): Promise<readonly StoreVerdict[]>;
  /**
   * Ends reservations, each once: a second settlement changes nothing. Released draws go back into the windows they
   * came from, but for those that count attempts. What is not released and has neither approval nor claim need not be
   * settled.
   */
  settle(settlements: readonly Settlement[]): Promise<void>;
  readonly challenges: Challenges;
  /** Renews the leases of claims; answers with those that are lost. */
  renew(claims: readonly HeldClaim[]): Promise<readonly HeldClaim[]>;
  /** Values of counters now, without drawing. */
  read(counters: readonly CounterRef[]): Promise<readonly CounterReading[]>;
  /** Every counter of the namespace whose window is current. */
  counters(): Promise<readonly CounterReading[]>;
  control(): Promise<Control>;
  /** Records a pause (or replaces that of the same scope), or ends it; answers with the new sequence. */
  pause(pause: Omit<Pause, 'since'>): Promise<number>;
  resume(policy: string | undefined): Promise<{ readonly sequence: number; readonly ended: number }>;
  /** Writes this process's row; `instances` lists those of every namespace. */
  announce(instance: Omit<Instance, 'seenAt'>): Promise<void>;
  leave(instance: string): Promise<void>;
  instances(): Promise<readonly Instance[]>;
  close(): Promise<void>;
}

/** The records that people look at and decide, of every namespace. */
export interface Records {
  readonly approvals: Approvals;
  readonly claims: Claims;
}

/** A store that could not do what it was asked. `message` says what and where; it never contains a DSN's password. */
export class StoreError extends FaultError {
  override readonly name = 'StoreError';
}
