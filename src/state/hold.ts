/**
 * Held calls in the store step (policy.md §12): finds what stands for exactly this call, consumes an approval, or opens
 * a record.
 * INVARIANT I5: an approval is consumed in the transaction that reserves, so that no two calls find the same one.
 */
import { KEYS_OF_A_NAME } from '../core/agent-key.ts';
import type { HeldApproval, HoldRequest, LeasedApproval } from '../core/approval.ts';
import type { StoreVerdict } from '../core/store.ts';
import { keepOpened } from './lifetime.ts';
import type { ApprovalHead, ApprovalRows } from './rows.ts';

/** After so many denials of a tool within a timeout, further holds of it are denied. */
const DENIALS = 3;

/** What stands for a held call: an approval to be leased, or what is answered instead. */
export type Standing =
  | { readonly kind: 'approved'; readonly head: ApprovalHead }
  | { readonly kind: 'hold'; readonly approval: HeldApproval }
  | { readonly kind: 'too_many_pending' }
  | Omit<Extract<StoreVerdict, { kind: 'approval_denied' }>, 'now' | 'shadow' | 'step'>;

/** Finds it, opening a record where there is nothing. */
export function standingFor(hold: HoldRequest, rows: ApprovalRows, now: number, newId: () => string): Standing {
  const standing = rows.standing(hold.fingerprint, now);
  const denied = standing.find(({ state }) => state === 'denied');
  // Beside an approval that came back after a failure, the denial is what the human said last.
  if (denied) return { kind: 'approval_denied', id: denied.id, reason: denied.reason ?? '', until: denied.expiresAt };
  const approved = standing.find(({ state }) => state === 'approved');
  if (approved) return { kind: 'approved', head: approved };
  const pending = standing.find(({ state, createdAt }) => state === 'pending' && createdAt + hold.dedupeWindow > now);
  if (pending) return { kind: 'hold', approval: { id: pending.id, expiresAt: pending.expiresAt, reused: true } };
  return open(hold, rows, now, newId);
}

/** Consumes an approval; the lease is what a release has to show to give it back. */
export function lease(head: ApprovalHead, rows: ApprovalRows, now: number, token: string): LeasedApproval {
  rows.saveHead({ ...head, state: 'consumed', attempts: head.attempts + 1, consumedAt: now, token });
  rows.tell('approval.consumed', head.id, now);
  return { id: head.id, token };
}

function open(hold: HoldRequest, rows: ApprovalRows, now: number, newId: () => string): Standing {
  const denials = rows.denials(hold.agentKey, hold.tool, now - hold.timeout, DENIALS);
  const first = denials[DENIALS - 1];
  if (first !== undefined)
    return { kind: 'approval_denied', id: undefined, reason: 'too many denials of this tool', until: first + hold.timeout };
  if (isCrowded(hold, rows, now)) return { kind: 'too_many_pending' };
  const id = newId();
  const expiresAt = now + hold.timeout;
  rows.insertHold(hold, id, now, keepOpened(expiresAt, hold));
  rows.tell('approval.requested', id, now);
  return { kind: 'hold', approval: { id, expiresAt, reused: false } };
}

/** SECURITY, INVARIANT I13: who invents one credential after the other fills a few agents' worth of places, and none of an agent that has another name. */
function isCrowded({ agent, agentKey, maxPending }: HoldRequest, rows: ApprovalRows, now: number): boolean {
  return rows.countPending(agentKey, now) >= maxPending || rows.countNamed(agent, now) >= maxPending * KEYS_OF_A_NAME;
}

/** A released approval may be used again, as often as it allows and while it lives; a settled one never. */
export function settleApproval({ id, token }: LeasedApproval, released: boolean, rows: ApprovalRows, now: number): void {
  const head = rows.head(id);
  if (head?.token !== token) return;
  const settled = { ...head, token: undefined };
  if (!released || head.attempts > head.retries) rows.saveHead(settled);
  else if (head.expiresAt > now) rows.saveHead({ ...settled, state: 'approved', consumedAt: undefined });
  else expire(settled, rows, now, head.reason);
}

/** Ends a record without a decision, or without a success. */
export function expire(head: ApprovalHead, rows: ApprovalRows, now: number, reason: string | undefined): void {
  rows.saveHead({ ...head, state: 'expired', reason });
  rows.tell('approval.expired', head.id, now);
}
