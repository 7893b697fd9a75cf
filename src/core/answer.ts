/** The agent sees this of a decision that is not an allow (policy.md §13). Never the policy's source, other rules or counter values. */
import { REASONS, type ReasonCode } from './codes.ts';
import type { Denial, Hold } from './decision.ts';

/** The text of the tool result and what stands beside it in `_meta`. */
export interface Answer {
  readonly text: string;
  readonly meta: DecisionMeta;
}

/** `_meta["policylayer.com/decision"]`. `retry_after` is in whole seconds, `expires_at` an ISO instant. */
export interface DecisionMeta {
  readonly outcome: 'denied' | 'held' | 'replayed';
  readonly rule: string;
  readonly code: ReasonCode;
  readonly retryable: boolean;
  readonly retry_after?: number;
  readonly approval_id?: string;
  readonly expires_at?: string;
}

/** The member of `_meta` that carries the decision. */
export const DECISION_KEY = 'policylayer.com/decision';

/** The answer to a denied call. */
export function renderDenial(denial: Denial, now: number): Answer {
  const wait = denial.retryAt === undefined ? undefined : Math.max(1, Math.ceil((denial.retryAt - now) / 1000));
  return {
    text: `[INTERCEPT POLICY DENIED] ${withAdvice(denial)}`,
    meta: {
      outcome: 'denied',
      rule: denial.rule,
      code: denial.code,
      retryable: REASONS[denial.code].retryable && (denial.code !== 'spend' || wait !== undefined),
      ...(wait === undefined ? {} : { retry_after: wait }),
    },
  };
}

/** A policy's own words may say why a call is denied, and never how its arguments would be judged (policy.md §4). */
function withAdvice({ message, advice }: Denial): string {
  if (advice === undefined) return message;
  return `${message}${/[.!?]$/.test(message) ? '' : '.'} ${advice}`;
}

/** The answer to a held call. SECURITY: never a command, path or link; agents have shells (§12). */
export function renderHold({ rule, message, approval }: Hold): Answer {
  const wait = approval ? ` Approval id: ${approval.id}. Repeat the same call, with the same arguments, once it has been approved.` : '';
  return {
    text: `[INTERCEPT APPROVAL REQUIRED] ${message}.${wait}`.replace(/([.!?])\.( |$)/, '$1$2'),
    meta: {
      outcome: 'held',
      rule,
      code: 'approval_required',
      retryable: true,
      ...(approval ? { approval_id: approval.id, expires_at: new Date(approval.expiresAt).toISOString() } : {}),
    },
  };
}

/** Marks the result that is given once more for an identical call (§9). */
export function replayMark(): DecisionMeta {
  return { outcome: 'replayed', rule: '(idempotency)', code: 'already_done', retryable: false };
}
