/**
 * Idempotency claims (policy.md §9): what a call asks the store for, and how people settle unknown outcomes.
 *
 *     in_flight → done | unknown | forgotten      unknown → done | forgotten, by a human      done → forgotten, in time
 */

/** The claim of an idempotent call. `window` in ms, counted from the success. */
export interface ClaimRequest {
  /** The call's fingerprint. */
  readonly key: string;
  readonly window: number;
  readonly tool: string;
  readonly agent: string | undefined;
  /** The call's arguments as JSON text, for the human who settles an unknown outcome; of more than 64 KiB the beginning is kept. */
  readonly args: string;
}

/** A claim that a reservation holds: a lease, to be renewed by its owner until the call is settled. */
export interface HeldClaim {
  readonly key: string;
  readonly token: string;
  readonly window: number;
}

/** A claim that is not renewed is held this long, ms. */
export const CLAIM_LEASE = 10_000;

/** A result larger than this is not kept; the repeat is answered that the call already succeeded (§9). */
export const MAX_RESULT_BYTES = 1_048_576;

/** As of now: one whose lease lapsed reads `unknown`. */
export type ClaimState = 'in_flight' | 'done' | 'unknown';

export interface ClaimRecord {
  readonly key: string;
  readonly namespace: string;
  readonly tool: string;
  readonly agent: string | undefined;
  readonly args: string;
  readonly state: ClaimState;
  readonly claimedAt: number;
  /** The lease ends then, or the record is forgotten. */
  readonly until: number;
  /** Bytes of the stored result; undefined where none is stored. */
  readonly resultBytes: number | undefined;
  readonly resolvedBy: string | undefined;
}

export interface ClaimFilter {
  readonly state?: ClaimState | undefined;
  /** All namespaces, unless one is named. */
  readonly namespace?: string | undefined;
  readonly limit?: number | undefined;
  /** Characters of the arguments that are read; all that are kept unless given. */
  readonly argsLimit?: number | undefined;
}

export type Resolved =
  | { readonly kind: 'resolved'; readonly claim: ClaimRecord }
  | { readonly kind: 'not_unknown'; readonly claim: ClaimRecord }
  | { readonly kind: 'ambiguous'; readonly claims: readonly ClaimRecord[] }
  | { readonly kind: 'unknown' };

/** Claims as people see them. Every operation rejects with `StoreError` where the store fails. */
export interface Claims {
  /** Newest first. */
  list(filter: ClaimFilter): Promise<readonly ClaimRecord[]>;
  /**
   * Settles an unknown outcome, named by its key or a unique start of it: `happened` denies the call until the window
   * ends, `did_not` lets it be sent again.
   */
  resolve(key: string, verdict: 'happened' | 'did_not', by: string): Promise<Resolved>;
}
