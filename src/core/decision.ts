/** A decision about a call, and the reasons (policy.md §5, §13). Values, never exceptions. */
import type { HeldApproval } from './approval.ts';
import type { ShadowVerdict } from './audit.ts';
import type { ReasonCode } from './codes.ts';
import type { JsonObject } from './json.ts';
import type { Offer } from './offer.ts';
import type { Truth } from './operators.ts';
import type { Reservation } from './store.ts';

/** A tool call as it is judged. `agent` is who the operator says it is, undefined where nobody vouches for it. */
export interface Call {
  readonly tool: string;
  readonly args: JsonObject;
  readonly agent: string | undefined;
  readonly session: string | undefined;
  /** The first text in its message that names one of Intercept's own files (§5.1). */
  readonly ownPath?: string | undefined;
  /** Of a large call, whose fingerprint was made in slices (wire.md §2.13): the same that it would get otherwise. */
  readonly fingerprint?: string | undefined;
  /** The call pays this: the offer of a challenge that was delivered for this very call (§8). */
  readonly offer?: Offer | undefined;
}

/** Why a call is not forwarded. the agent reads `message`, without prefix; `why` is for the audit and people. */
export interface Denial {
  readonly code: ReasonCode;
  readonly rule: string;
  readonly message: string;
  readonly why: string | undefined;
  /** The agent can send this so that the call can be judged, where a condition was unknown. */
  readonly advice?: string | undefined;
  /** Epoch ms from which the same call can succeed, where it is known. */
  readonly retryAt: number | undefined;
}

/** Why a requirement fails. `why` is for people; the agent reads `message` where the rule has no `on_deny`. */
export interface ClauseFailure {
  readonly clause: string;
  readonly code: ReasonCode;
  readonly why: string;
  readonly message?: string;
  /** As in `Denial`. */
  readonly advice?: string | undefined;
}

/** A call that waits for a human. `approval` is undefined where none was recorded (shadow, offline). */
export interface Hold {
  readonly rule: string;
  readonly message: string;
  /** Why nothing is known of what the rule looks at, where that is why it holds the call. */
  readonly why?: string | undefined;
  readonly approval: HeldApproval | undefined;
}

/** A call that is answered as an identical one was, without being made again (§9). `result` is that result's JSON text. */
export interface Replay {
  readonly result: string;
  /** Epoch ms of the success. */
  readonly at: number;
}

/** Each call ends in one of these. `shadow` lists what shadow rules would have done. */
export type Decision = { readonly shadow: readonly ShadowVerdict[] } & (
  | { readonly outcome: 'allow'; readonly reservation: Reservation | undefined }
  | { readonly outcome: 'deny'; readonly denial: Denial }
  | { readonly outcome: 'hold'; readonly hold: Hold }
  | { readonly outcome: 'replay'; readonly replay: Replay }
);

/** One line of the walk that `explain` prints: a clause of a rule, what it found, and its verdict. */
export interface TraceEntry {
  readonly key: string;
  readonly rule: string;
  readonly clause: string;
  /** The values it looked at, as text. */
  readonly found: string;
  readonly verdict: Truth | 'passes' | 'fails' | 'fires' | 'silent' | 'skipped' | 'not bound' | 'at the store';
  readonly shadow: boolean;
}

export type Trace = (entry: TraceEntry) => void;
