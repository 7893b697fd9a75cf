/** What people do with approval records (policy.md §12), the same over every adapter's rows. */
import type { ApprovalDecision, ApprovalState } from '../core/approval.ts';
import { expire } from './hold.ts';
import { keepDecided } from './lifetime.ts';
import type { ApprovalHead, ApprovalRows } from './rows.ts';

/** How many records one transaction marks as expired. */
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
  rows.tell(approved ? 'approval.approved' : 'approval.denied', id, now);
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
