/** The last step of a decision (policy.md §5.5, §13): the store's verdict in the words of the policy. Pure. */
import type { ShadowVerdict } from './audit.ts';
import type { Decision, Denial } from './decision.ts';
import type { Draft, Origin } from './draft.ts';
import { denial, denialOf, type Plan } from './plan.ts';
import type { Rule } from './policy.ts';
import type { StoreVerdict } from './store.ts';

type StorePlan = Extract<Plan, { kind: 'store' }>;

/** The decision about a call that the arguments alone decided. */
export function concludeDenied(plan: Extract<Plan, { kind: 'deny' }>): Decision {
  return { outcome: 'deny', denial: plan.denial, shadow: plan.shadow };
}

/** The decision about a call that asks nothing of the store: no counter, no hold. */
export function concludeStateless(plan: StorePlan): Decision {
  return { outcome: 'allow', reservation: undefined, shadow: plan.shadow };
}

/** The decision about a call that the store judged. */
export function conclude(plan: StorePlan, verdict: StoreVerdict): Decision {
  const shadow = [...plan.shadow, ...verdict.shadow.map((step) => shadowOf(originOf(plan.draft, step)))];
  switch (verdict.kind) {
    case 'reserved':
      return { outcome: 'allow', reservation: verdict.reservation, shadow };
    case 'deny':
      return {
        outcome: 'deny',
        denial: denialOf(originOf(plan.draft, verdict.step), verdict.retryAt, brokenCounter(plan.draft, verdict.counter)),
        shadow,
      };
    case 'hold': {
      const { rule, message } = originOf(plan.draft, verdict.step);
      return { outcome: 'hold', hold: { rule: rule.label, message: rule.message ?? message, approval: verdict.approval }, shadow };
    }
    case 'too_many_pending':
      return { outcome: 'deny', denial: tooMany(originOf(plan.draft, verdict.step).rule), shadow };
    case 'approval_denied':
      return { outcome: 'deny', denial: deniedByHuman(originOf(plan.draft, verdict.step).rule, verdict.reason), shadow };
    case 'outcome_unknown':
    case 'in_flight':
      return { outcome: 'deny', denial: denial('outcome_unknown', '(idempotency)', OUTCOME_UNKNOWN), shadow };
    case 'already_done':
    case 'replay':
      return { outcome: 'deny', denial: denial('already_done', '(idempotency)', 'An identical call already succeeded'), shadow };
  }
}

const OUTCOME_UNKNOWN = 'The outcome of an identical call is unknown; it is not repeated automatically.';

function deniedByHuman(rule: Rule, reason: string): Denial {
  return denial('approval_denied', rule.label, reason === '' ? 'Approval denied' : `Approval denied: ${reason}`);
}

/** The decision where the store did not answer (I2). */
export function concludeFailed(plan: StorePlan, why: string): Decision {
  return { outcome: 'deny', denial: denial('state_error', '(state)', INTERNAL_ERROR, why), shadow: plan.shadow };
}

/** What the agent is told when the store or the audit fails; the reason is for the log. */
export const INTERNAL_ERROR = 'Internal policy error';

/** What a decision would have done, for the record of a call that shadow mode let pass (§10). */
export function shadowVerdict(decision: Decision): ShadowVerdict | undefined {
  switch (decision.outcome) {
    case 'allow':
      return undefined;
    case 'deny':
      return { result: 'denied', code: decision.denial.code, rule: decision.denial.rule };
    case 'hold':
      return { result: 'approval_required', code: 'approval_required', rule: decision.hold.rule };
  }
}

function shadowOf({ rule, code }: Origin): ShadowVerdict {
  return { result: code === 'approval_required' ? 'approval_required' : 'denied', code, rule: rule.label };
}

function tooMany(rule: Rule): Denial {
  return denial('too_many_pending', rule.label, 'Too many calls are waiting for approval');
}

function brokenCounter(draft: Draft, counter: number | undefined): string | undefined {
  const label = counter === undefined ? undefined : draft.sources[counter]?.label;
  return label && `counter ${label}`;
}

function originOf(draft: Draft, step: number): Origin {
  const origin = draft.origins[step];
  if (!origin) throw new Error(`the store answered with step ${step}, which the plan does not have`);
  return origin;
}
