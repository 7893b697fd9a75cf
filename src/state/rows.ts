/**
 * An adapter's transaction offers these to the rules that all adapters share. Nothing here waits: the transaction that
 * these reads and writes belong to is open, and nobody else's falls between them.
 */
import type { AgentKey } from '../core/agent-key.ts';
import type { Approval, ApprovalEvent, HoldRequest } from '../core/approval.ts';
import type { OpenChallenge } from '../core/challenge.ts';
import type { ClaimState, HeldClaim } from '../core/claim.ts';
import type { CounterRef, DrawnCounter } from '../core/store.ts';
import type { Window } from '../core/window.ts';

export interface CounterRows {
  /** A counter's value in the window that starts at `start`; 0 where there is no row. */
  value(counter: CounterRef, start: number): number;
  write(counter: CounterRef, window: Window, micros: number): void;
  /** Takes a draw out of the window it was made in, where that is still kept; never below 0. */
  giveBack(draw: DrawnCounter): void;
}

/** The part of an approval record that changes, and what its changes depend on. */
export interface ApprovalHead
  extends Pick<
    Approval,
    'id' | 'state' | 'timeout' | 'createdAt' | 'expiresAt' | 'decidedAt' | 'decidedBy' | 'reason' | 'attempts' | 'retries' | 'consumedAt'
  > {
  /** Of the reservation that consumed it and is not settled. */
  readonly token: string | undefined;
  readonly keepUntil: number;
}

export interface ApprovalRows {
  /** Pending, approved and denied records of this fingerprint that have not run out, newest first. */
  standing(fingerprint: string, now: number): readonly ApprovalHead[];
  /** Pending records of one agent. */
  countPending(agentKey: AgentKey, now: number): number;
  /** Pending records of all agents of one name, or of all that have none. */
  countNamed(agent: string | undefined, now: number): number;
  /** When the newest denials of this tool for this agent were made, after `since`; newest first, `limit` at most. */
  denials(agentKey: AgentKey, tool: string, since: number, limit: number): readonly number[];
  insertHold(hold: HoldRequest, id: string, now: number, keepUntil: number): void;
  head(id: string): ApprovalHead | undefined;
  saveHead(head: ApprovalHead): void;
  /** Other pending records of the same call. */
  siblings(id: string, now: number): readonly ApprovalHead[];
  /** Pending and approved records of all namespaces that have run out, oldest first. */
  over(now: number, limit: number): readonly ApprovalHead[];
  /** Writes an event; due for the webhook at once where the record has one. */
  addEvent(type: ApprovalEvent['type'], id: string, at: number): void;
}

/** A claim as it is stored. `until`: the end of the lease while it is in flight, else when it is forgotten. */
export interface ClaimRow {
  readonly key: string;
  readonly tool: string;
  readonly agent: string | undefined;
  readonly args: string;
  readonly state: ClaimState;
  readonly token: string;
  readonly window: number;
  readonly claimedAt: number;
  readonly until: number;
  readonly finishedAt: number | undefined;
  readonly result: string | undefined;
  readonly resultBytes: number | undefined;
  readonly resolvedBy: string | undefined;
}

/** The end of a claim whose call has ended. */
export type ClaimEnd = Pick<ClaimRow, 'until' | 'finishedAt' | 'result' | 'resultBytes'> & { readonly state: 'done' | 'unknown' };

export interface ClaimRows {
  claim(key: string): ClaimRow | undefined;
  /** Writes it in the place of whatever had this key. */
  putClaim(row: ClaimRow): void;
  dropClaim(key: string): void;
  /** Ends a claim that nobody else has ended, or forgets it; answers whether it did. One that is done needs its arguments no longer. */
  endClaim(claim: HeldClaim, end: ClaimEnd | undefined): boolean;
  /** Forgets the oldest results until those that are left take no more than this; their claims stay. */
  boundResults(bytes: number): void;
}

/** A delivered challenge, with what it holds. */
export interface ChallengeRow extends OpenChallenge {
  readonly draws: readonly DrawnCounter[];
}

export interface ChallengeRows {
  challenge(id: string): ChallengeRow | undefined;
  /** Writes it in the place of the one with this id. */
  putChallenge(row: ChallengeRow): void;
  dropChallenge(id: string): void;
  /** Counts the open ones of this agent key, or of all. */
  countChallenges(agent: AgentKey | undefined, now: number): number;
  /** Open ones of this call, the oldest first. */
  challengesFor(call: string, now: number): readonly ChallengeRow[];
  overChallenges(now: number, limit: number): readonly ChallengeRow[];
}

export type StepRows = CounterRows & ApprovalRows & ClaimRows & ChallengeRows;
