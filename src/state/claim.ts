/**
 * Idempotency claims in the store step and at its end (policy.md §9), the same over every adapter's rows.
 * INVARIANT I6: a claim is taken in the transaction that reserves; while its record stands nobody else gets one.
 */
import { CLAIM_LEASE, type ClaimRequest, type ClaimState, type HeldClaim, MAX_RESULT_BYTES } from '../core/claim.ts';
import type { ClaimVerdict, Settlement } from '../core/store.ts';
import { STEP_BACK } from './lifetime.ts';
import type { ClaimRow, ClaimRows } from './rows.ts';

/** Stored results may take so many bytes together, where nobody says otherwise: 256 MiB. */
export const MAX_RESULTS = 268_435_456;

/** Reads a record's own state as of now: a lapsed lease is an unknown outcome, for a window from its lapse. */
export function claimAt(row: ClaimRow, now: number): { readonly state: ClaimState; readonly until: number } | undefined {
  if (row.until > now) return { state: row.state, until: row.until };
  const until = row.until + row.window;
  return row.state === 'in_flight' && until > now ? { state: 'unknown', until } : undefined;
}

/**
 * When nobody needs the record any more. An owner that slept (a laptop does) may still renew or settle its claim long
 * after that is over, as long as nobody else took it: what it knows then protects the calls that follow. And a clock that
 * steps back may not find the record gone.
 */
export function forgetAt({ state, until, window }: Pick<ClaimRow, 'state' | 'until' | 'window'>): number {
  return state === 'in_flight' ? until + window + SLEEP : until + STEP_BACK;
}

const SLEEP = 86_400_000;

/** The answer of the record that stands for this call, where one does. */
export function answerOf(row: ClaimRow | undefined, now: number): ClaimVerdict | undefined {
  const standing = row && claimAt(row, now);
  if (!row || !standing) return undefined;
  const { state, until } = standing;
  if (state === 'in_flight') return { kind: 'in_flight', until };
  if (state === 'unknown') return { kind: 'outcome_unknown', until };
  return row.result === undefined
    ? { kind: 'already_done', until, by: row.resolvedBy }
    : { kind: 'replay', result: row.result, at: row.finishedAt ?? now };
}

/** Takes the claim. The caller has seen that none stands. */
export function takeClaim({ key, window, tool, agent, args }: ClaimRequest, rows: ClaimRows, now: number, token: string): HeldClaim {
  const shown = shorten(args);
  rows.putClaim({
    key,
    tool,
    agent,
    args: shown,
    state: 'in_flight',
    token,
    window,
    claimedAt: now,
    until: now + CLAIM_LEASE,
    ...UNFINISHED,
  });
  return { key, token, window };
}

/** An agent can leave as many unknown outcomes behind as it likes: no one of them may keep megabytes. Stays JSON. */
export function shorten(args: string): string {
  if (args.length <= SHOWN_ARGS) return args;
  return JSON.stringify(`${args.slice(0, SHOWN_ARGS)}… (the first ${SHOWN_ARGS} of ${args.length} characters)`);
}

const SHOWN_ARGS = 65_536;

const UNFINISHED = { finishedAt: undefined, result: undefined, resultBytes: undefined, resolvedBy: undefined };

/** Renews a lease, also one that lapsed meanwhile; false where somebody else has settled it. */
export function renewClaim({ key, token }: HeldClaim, rows: ClaimRows, now: number): boolean {
  const row = rows.claim(key);
  if (row?.token !== token || row.state !== 'in_flight') return false;
  rows.putClaim({ ...row, until: Math.max(row.until, now + CLAIM_LEASE) });
  return true;
}

/** Ends a claim as its call ended. What its owner knows counts also after the lease lapsed, unless a human was first. */
export function settleClaim(claim: HeldClaim, end: Settlement, rows: ClaimRows, now: number, maxBytes: number): void {
  const until = now + claim.window;
  if (end.outcome === 'released') rows.endClaim(claim, undefined);
  else if (end.outcome === 'kept') rows.endClaim(claim, { state: 'unknown', until, finishedAt: now, ...NO_RESULT });
  else {
    const stored = storedOf(end.result, maxBytes);
    if (rows.endClaim(claim, { state: 'done', until, finishedAt: now, ...stored }) && stored !== NO_RESULT) rows.boundResults(maxBytes);
  }
}

const NO_RESULT = { result: undefined, resultBytes: undefined };

/** The part of a result that is stored: all of it, or nothing where it is too long. */
export function storedOf(result: string | undefined, maxBytes: number): Pick<ClaimRow, 'result' | 'resultBytes'> {
  if (result === undefined) return NO_RESULT;
  const resultBytes = bytesOf(result);
  return resultBytes <= Math.min(MAX_RESULT_BYTES, maxBytes) ? { result, resultBytes } : NO_RESULT;
}

/** Settles an unknown outcome: it happened, and is not to happen again within a window; or it did not. */
export function resolveClaim(row: ClaimRow, verdict: 'happened' | 'did_not', by: string, rows: ClaimRows, now: number): boolean {
  if (claimAt(row, now)?.state !== 'unknown') return false;
  if (verdict === 'did_not') rows.dropClaim(row.key);
  else rows.putClaim({ ...row, args: '', state: 'done', until: now + row.window, finishedAt: now, resolvedBy: by });
  return true;
}

/** UTF-8 bytes; texts that are too long anyway are not encoded to find out. */
function bytesOf(text: string): number {
  return text.length > MAX_RESULT_BYTES ? text.length : new TextEncoder().encode(text).length;
}
