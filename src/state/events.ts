/** Events of approval records (policy.md §12): what an adapter stores is that one happened; the record tells the rest. */
import type { Approval, ApprovalEvent } from '../core/approval.ts';

/** How long a delivery belongs to whoever took it, ms. */
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
