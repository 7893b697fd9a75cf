/** A requirement's clauses (policy.md §3): what the arguments alone refuse, and what is left for the store step. */

import type { ToolDefinition } from './catalog.ts';
import { drawAmount, type Failure, failingArgument, failingCondition, failingServerSchema } from './clauses.ts';
import type { ReasonCode } from './codes.ts';
import { MAX_MICROS, MICROS_PER_UNIT } from './decimal.ts';
import { addDraw, addStep, type Draft, type Origin, type Scope, useCounter } from './draft.ts';
import type { Draw, Policy, RateLimit, Rule, Spend } from './policy.ts';
import { priceOf, spendMessage } from './price.ts';
import type { Term } from './store.ts';
import { termOf } from './terms.ts';

/** What a requirement is checked with. `judged`: a human judges the arguments, so those clauses are skipped (§5.4). */
export interface Checking {
  readonly policy: Policy;
  readonly scope: Scope;
  readonly tool: ToolDefinition | undefined;
  readonly judged: boolean;
}

/** The first clause that fails on the arguments alone. Without one, the rule's limits and draws are in the draft. */
export function checkRequirement(rule: Rule, checking: Checking, draft: Draft): Failure | undefined {
  const { args } = checking.scope.call;
  const failure =
    (checking.judged ? undefined : (failingCondition(rule, args) ?? failingArgument(rule.arguments, args))) ??
    failingServerSchema(rule, checking.tool, args);
  if (failure) return failure;
  addStateConditions(rule, checking.scope, draft);
  if (rule.rateLimit) addRateLimit(rule, rule.rateLimit, checking, draft);
  return (rule.state && addState(rule, rule.state, checking, draft)) ?? (rule.spend && addSpend(rule, rule.spend, checking, draft));
}

/** The terms of a rule's conditions on counters; `asLimit` for requirements. */
export function stateTerms(rule: Rule, scope: Scope, draft: Draft, asLimit: boolean): readonly Term[] {
  return rule.stateConditions.map((condition) => termOf(condition, useCounter(draft, condition.counter, scope), asLimit));
}

function addStateConditions(rule: Rule, scope: Scope, draft: Draft): void {
  if (rule.stateConditions.length === 0) return;
  addStep(draft, 'require', stateTerms(rule, scope, draft, true), origin(rule, 'limit', defaultText(rule)));
}

function addRateLimit(rule: Rule, limit: RateLimit, { policy, scope }: Checking, draft: Draft): void {
  const counter = useCounter(draft, limit.draw.counter, scope);
  const text = `Rate limit of ${limit.max} per ${limit.draw.counter.unit} reached.`;
  addStep(draft, 'require', [{ counter, after: limit.max * MICROS_PER_UNIT }], origin(rule, 'rate_limit', text));
  addDraw(draft, counter, MICROS_PER_UNIT, limit.draw.count, rule, policy);
}

/** A `state` block counts whether or not this rule limits it; a total that no counter can hold denies. */
function addState(rule: Rule, draw: Draw, { policy, scope }: Checking, draft: Draft): Failure | undefined {
  const micros = drawAmount(draw, scope.call.args);
  if (typeof micros !== 'number') return micros;
  const counter = useCounter(draft, draw.counter, scope);
  addStep(draft, 'require', [{ counter, after: MAX_MICROS }], origin(rule, 'limit', defaultText(rule)));
  addDraw(draft, counter, micros, draw.count, rule, policy);
  return undefined;
}

/** A requirement's limits on money. What pays an offer costs the greater of the offer and the argument (§8). */
export function addSpend(rule: Rule, spend: Spend, checking: Checking, draft: Draft): Failure | undefined {
  const price = priceOf(spend, checking.scope.call, checking.tool);
  if (price.kind === 'failure') return price.failure;
  if (price.kind === 'unpriced') {
    draft.unpriced ||= !rule.shadow;
    return undefined;
  }
  for (const limit of spend.limits) {
    const message = spendMessage(spend, limit);
    if (limit.counter) {
      const counter = useCounter(draft, limit.counter, checking.scope);
      addStep(draft, 'require', [{ counter, after: limit.micros }], origin(rule, 'spend', message));
      addDraw(draft, counter, price.micros, 'successes', rule, checking.policy);
    } else if (price.micros > limit.micros) return { clause: 'spend.per_call', code: 'spend', why: message, message };
  }
  return undefined;
}

function origin(rule: Rule, code: ReasonCode, message: string): Origin {
  return { rule, code, message };
}

/** What the agent is told by a rule that has nothing of its own to say (§13). */
export function defaultText(rule: Rule): string {
  return `Denied by rule "${rule.label}"`;
}
