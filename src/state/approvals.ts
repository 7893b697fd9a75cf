/**
 * Approval records (policy.md §12), the same over every adapter's rows: what a held call finds or opens in the store step,
 * what people decide, and the events that an adapter stores of both.
 * INVARIANT I5: an approval is consumed in the transaction that reserves, so that no two calls find the same one.
 */
import { KEYS_OF_A_NAME } from '../core/agent-key.ts';
import type {
  Approval,
  ApprovalDecision,
  ApprovalEvent,
  ApprovalState,
  HeldApproval,
  HoldRequest,
  LeasedApproval,
} from '../core/approval.ts';
import type { StoreVerdict } from '../core/store.ts';
import { keepDecided, keepOpened } from './lifetime.ts';
import type { ApprovalHead, ApprovalRows } from './rows.ts';

/** After so many denials of a tool within a timeout, further holds of it are denied. */
const DENIALS = 3;

/** The state of a held call's approval: one to be leased, or what is answered instead. */
export type Standing =
  | { readonly kind: 'approved'; readonly head: ApprovalHead }
  | { readonly kind: 'hold'; readonly approval: HeldApproval }
  | { readonly kind: 'too_many_pending' }
  | Omit<Extract<StoreVerdict, { kind: 'approval_denied' }>, 'now' | 'shadow' | 'step'>;

/** Finds it, opening a record where there is nothing. */
export function standingFor(hold: HoldRequest, rows: ApprovalRows, now: number, newId: () => string): Standing {
  const standing = rows.standing(hold.fingerprint, now);
  const denied = standing.find(({ state }) => state === 'denied');
  // Beside an approval that came back after a failure, the denial is the last verdict of the human.
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
  rows.addEvent('approval.consumed', head.id, now);
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
  rows.addEvent('approval.requested', id, now);
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
  rows.addEvent('approval.expired', head.id, now);
}

/** One transaction marks so many records as expired. */
export const EXPIRE_BATCH = 200;

/** The state as of now: nothing but time makes a record expire. */
export function stateAt({ state, expiresAt }: Pick<ApprovalHead, 'state' | 'expiresAt'>, now: number): ApprovalState {
  return (state === 'pending' || state === 'approved') && expiresAt <= now ? 'expired' : state;
}

/** Decides a pending, unexpired record; an approved one lives for another timeout. */
export function decideRecord(
  { id, verdict, by, reason }: ApprovalDecision,
  rows: ApprovalRows,
  now: number,
): 'decided' | 'not_pending' | 'unknown' {
  const head = rows.head(id);
  if (!head) return 'unknown';
  if (stateAt(head, now) !== 'pending') return 'not_pending';
  const approved = verdict === 'approve';
  const expiresAt = approved ? now + head.timeout : head.expiresAt;
  rows.saveHead({
    ...head,
    state: approved ? 'approved' : 'denied',
    expiresAt,
    decidedAt: now,
    decidedBy: by,
    reason,
    keepUntil: keepDecided(expiresAt, head.timeout),
  });
  rows.addEvent(approved ? 'approval.approved' : 'approval.denied', id, now);
  // One decision per call: what is still open of it would otherwise let it through a second time.
  for (const other of rows.siblings(id, now)) expire(other, rows, now, `the same call was decided as ${id}`);
  return 'decided';
}

/** Marks records that have run out; answers with their ids. */
export function expireRecords(rows: ApprovalRows, now: number): readonly string[] {
  const over = rows.over(now, EXPIRE_BATCH);
  for (const head of over) expire(head, rows, now, head.reason);
  return over.map(({ id }) => id);
}

/** A delivery belongs to whoever took it for so long, ms. */
export const DELIVERY_LEASE = 60_000;

/** The same for every try, and another one for every event of every store: the record's id is random. */
export function deliveryId({ sequence, approval }: ApprovalEvent): string {
  return `${approval.id}-${sequence}`;
}

/** The event that a delivery was about; 0, which none has, where the id is not one of ours. */
export function sequenceOf(id: string): number {
  return Number(/^apr_[^-]*-(\d{1,15})$/.exec(id)?.[1] ?? 0);
}

const UNDECIDED = { decidedAt: undefined, decidedBy: undefined, reason: undefined };

/** The record as the event left it, from the record as it is: later changes are taken back. */
export function asOf(type: ApprovalEvent['type'], approval: Approval): Approval {
  const { createdAt, decidedAt, timeout } = approval;
  switch (type) {
    case 'approval.requested':
      return { ...approval, ...UNDECIDED, state: 'pending', expiresAt: createdAt + timeout, attempts: 0, consumedAt: undefined };
    case 'approval.approved':
      return { ...approval, state: 'approved', expiresAt: (decidedAt ?? createdAt) + timeout, attempts: 0, consumedAt: undefined };
    case 'approval.denied':
      return { ...approval, state: 'denied' };
    case 'approval.expired':
      return { ...approval, state: 'expired' };
    case 'approval.consumed':
      return { ...approval, state: 'consumed' };
  }
}
