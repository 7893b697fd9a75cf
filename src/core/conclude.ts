/** The last step of a decision (policy.md §5.5, §13): the store's verdict in the words of the policy. Pure. */
import type { ShadowVerdict } from './audit.ts';
import type { Decision, Denial } from './decision.ts';
import type { Draft, Origin } from './draft.ts';
import { denial, type Plan } from './plan.ts';
import type { Rule } from './policy.ts';
import type { StoreVerdict } from './store.ts';
import { renderWait } from './window.ts';

type StorePlan = Extract<Plan, { kind: 'store' }>;

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
      return { outcome: 'deny', denial: deniedByStep(plan.draft, verdict), shadow };
    case 'hold': {
      const { rule, message, doubt } = originOf(plan.draft, verdict.step);
      const hold = { rule: rule.label, message: rule.message ?? message, why: doubt?.why, approval: verdict.approval };
      return { outcome: 'hold', hold, shadow };
    }
    case 'too_many_pending': {
      const { label } = originOf(plan.draft, verdict.step).rule;
      return { outcome: 'deny', denial: denial('too_many_pending', label, 'Too many calls are waiting for approval'), shadow };
    }
    case 'approval_denied':
      return { outcome: 'deny', denial: approvalDenied(originOf(plan.draft, verdict.step).rule, verdict), shadow };
    case 'unasked':
      return { outcome: 'deny', denial: UNASKED, shadow };
    case 'replay':
      return { outcome: 'replay', replay: { result: verdict.result, at: verdict.at }, shadow };
    case 'in_flight':
    case 'outcome_unknown':
    case 'already_done':
      return { outcome: 'deny', denial: repeated(verdict), shadow };
  }
}

/** Denies a payment that nobody asked for, or that was made already (policy.md §8). */
export const UNASKED: Denial = denial('spend', '(payment)', 'The payment answers no challenge that this call was given');

/** The decision where the store did not answer (I2). */
export function concludeFailed(plan: StorePlan, why: string): Decision {
  return { outcome: 'deny', denial: denial('state_error', '(state)', INTERNAL_ERROR, why), shadow: plan.shadow };
}

/** The decision about a call that nobody waits for any more, while an identical one is still being carried out. */
export function concludeUnended(): Extract<Decision, { outcome: 'deny' }> {
  return { outcome: 'deny', denial: denial('outcome_unknown', '(idempotency)', OUTCOME_UNKNOWN, IN_FLIGHT), shadow: [] };
}

/** The agent reads this when the store or the audit fails; the reason is for the log. */
export const INTERNAL_ERROR = 'Internal policy error';

/** Turns a decision into what it would have done, for the record of a call that shadow mode let pass (§10). */
export function shadowVerdict(decision: Decision): ShadowVerdict | undefined {
  switch (decision.outcome) {
    case 'allow':
    case 'replay':
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

/** Without an id no single denial stands: a human has denied this tool several times in a row (§12). */
function approvalDenied(rule: Rule, { id, reason, until }: Extract<StoreVerdict, { kind: 'approval_denied' }>): Denial {
  const message = id === undefined ? COOL_DOWN : reason === '' ? 'Approval denied' : `Approval denied: ${reason}`;
  return { ...denial('approval_denied', rule.label, message, id && `approval ${id}`), retryAt: until };
}

const COOL_DOWN = 'Approval denied: calls of this tool were denied several times; no more are put to a human for now';

/** SPEC: policy.md §9: what is not known to have failed is not done again by itself. */
function repeated(verdict: Extract<StoreVerdict, { kind: 'in_flight' | 'outcome_unknown' | 'already_done' }>): Denial {
  const { kind, until } = verdict;
  const done = kind === 'already_done';
  const message = verdict.kind === 'already_done' ? alreadyDone(verdict.by) : OUTCOME_UNKNOWN;
  const why = kind === 'in_flight' ? IN_FLIGHT : undefined;
  return { ...denial(done ? 'already_done' : 'outcome_unknown', '(idempotency)', message, why), retryAt: until };
}

const OUTCOME_UNKNOWN = 'The outcome of an identical call is unknown; it is not repeated automatically.';
const IN_FLIGHT = 'an identical call is still being carried out';
/** Tells a repeat that its outcome is known: from the server, or from whoever settled it. */
function alreadyDone(by: string | undefined): string {
  return by === undefined ? ALREADY_DONE : `${by} has said that an identical call was carried out; it is not repeated.`;
}

const ALREADY_DONE = 'An identical call already succeeded; its result is too large to be kept, and it is not repeated.';

function deniedByStep(draft: Draft, { step, counter, retryAt, now }: Extract<StoreVerdict, { kind: 'deny' }>): Denial {
  const { rule, code, message, doubt } = originOf(draft, step);
  const again = retryAt === undefined ? ' Try again later.' : ` Try again in ${renderWait(retryAt - now)}.`;
  const wait = code === 'rate_limit' ? again : '';
  const why = doubt?.why ?? brokenCounter(draft, counter);
  return { ...denial(code, rule.label, rule.message ?? `${message}${wait}`, why), advice: doubt?.advice, retryAt };
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
