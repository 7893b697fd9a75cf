/** What delivering a payment challenge takes (policy.md §8): each offer, by the spend limits that bind the call. Pure. */
import { agentBound } from './bind.ts';
import type { Call, Denial } from './decision.ts';
import { createDraft, type Draft } from './draft.ts';
import { evaluateAll } from './evaluate.ts';
import type { Facts } from './facts.ts';
import type { Offer } from './offer.ts';
import { denial } from './plan.ts';
import type { Rule } from './policy.ts';
import { kindFailure } from './price.ts';
import { addSpend } from './requirement.ts';
import type { Reservable } from './store.ts';
import { denialFor } from './walk.ts';

/** What an offer would draw; denied where a rule cannot price it, or where one call may not cost that much. */
export type OfferPlan =
  | { readonly kind: 'deny'; readonly denial: Denial }
  | { readonly kind: 'store'; readonly draft: Draft; readonly reservable: Pick<Reservable, 'counters' | 'steps' | 'draws'> };

/**
 * Plans one offer for the call that it was made for. Rules in shadow mode refuse nothing. SPEC: policy.md §8 leaves open what
 * a tool without any limit on money may be paid: nothing, under a policy that limits what others cost.
 */
export function planOffer(asked: Call, offer: Offer, facts: Facts): OfferPlan {
  const call: Call = { ...asked, offer };
  const draft = createDraft();
  const scope = { call, fingerprint: () => facts.fingerprint(call) };
  const checking = { policy: facts.policy, scope, tool: facts.catalog?.tools.get(call.tool), judged: false };
  const limits = facts.match(call.tool).entries.flatMap((entry) => entry.rules.filter(({ spend }) => spend));
  if (limits.length === 0) return { kind: 'deny', denial: UNLIMITED_TOOL };
  const enforced = limits.filter(({ shadow }) => !shadow);
  for (const rule of enforced.filter((limit) => isBinding(limit, call))) {
    const failure = rule.spend && addSpend(rule, rule.spend, checking, draft);
    if (failure) return { kind: 'deny', denial: denialFor(rule, failure) };
  }
  const failure = enforced.length > 0 ? kindFailure(offer) : undefined;
  if (failure) return { kind: 'deny', denial: denial(failure.code, '(payment)', failure.why) };
  const { counters, steps, draws } = draft;
  return { kind: 'store', draft, reservable: { counters, steps, draws } };
}

const UNLIMITED_TOOL: Denial = denial('unpriceable', '(payment)', 'No spend limit is about this tool, so it may not be paid for');

function isBinding(rule: Rule, call: Call): boolean {
  return agentBound(rule.agents, call.agent) && evaluateAll(rule.when, call.args, 'any') !== 'false';
}
