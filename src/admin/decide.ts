/** Deciding a record, whoever asks: the API or the page. */

import { decideRecorded } from '../approval/records.ts';
import type { Approval, ApprovalVerdict } from '../core/approval.ts';
import { renderApproval } from '../core/approval-json.ts';
import { type AdminAnswer, refuse } from './answer.ts';
import type { ApproverCheck } from './approver.ts';
import { textOf } from './body.ts';
import type { AdminDeps } from './deps.ts';

const MOST_NAME = 200;
const MOST_REASON = 2_000;
/** A client that is refused as busy comes back after this time, ms. */
const AFTER_BUSY = 1_000;

export interface Wish {
  readonly id: string;
  readonly verdict: ApprovalVerdict;
  /** `as` and `reason`. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly via: 'api' | 'page';
}

/** Decides, and records who did. */
export async function decideApproval(wish: Wish, deps: AdminDeps): Promise<AdminAnswer> {
  const by = textOf(wish.body, 'as', MOST_NAME);
  const reason = textOf(wish.body, 'reason', MOST_REASON);
  if (by === null) return refuse('bad_request', `"as" has to be a text of at most ${MOST_NAME} visible characters`);
  if (reason === null) return refuse('bad_request', `"reason" has to be a text of at most ${MOST_REASON} visible characters`);
  const { id, verdict, via } = wish;
  const decision = { id, verdict, by: by?.trim() || deps.operator, reason: reason?.trim() ?? '' };
  const decided = await decideRecorded(decision, deps.approvals, ({ type, fields }) => deps.record(type, fields), via);
  if (decided.kind === 'unknown') return unknownRecord(id);
  if (decided.kind === 'not_pending') return refuse('not_pending', whyNot(decided.approval));
  return recordAnswer(decided.approval);
}

/** The refusal where the approver secret is needed; undefined where it was given, or there is none. */
export function refuseApprover(check: ApproverCheck): AdminAnswer | undefined {
  switch (check.kind) {
    case 'right':
      return undefined;
    case 'busy':
      return refuse('busy', 'too many ask to be checked; try again in a second', {}, AFTER_BUSY);
    case 'wrong':
      return refuse('approver_required', 'this is not the approver secret', {}, check.after);
    case 'missing':
      return refuse('approver_required', 'this needs the approver secret, in X-Intercept-Approver');
  }
}

export function recordAnswer(approval: Approval): AdminAnswer {
  return { kind: 'json', status: 200, text: renderApproval(approval, approval.args) };
}

export function unknownRecord(id: string): AdminAnswer {
  return refuse('not_found', `there is no approval ${JSON.stringify(id)}`);
}

function whyNot({ state, decidedBy }: Approval): string {
  if (state === 'expired') return 'it expired';
  return `it was ${state === 'denied' ? 'denied' : 'approved'} already${decidedBy === undefined ? '' : ` by ${JSON.stringify(decidedBy)}`}${state === 'consumed' ? ', and used' : ''}`;
}
