/** What delivering a payment challenge takes (policy.md §8): each offer, by the spend limits that bind the call. Pure. */
import { agentBound } from './bind.ts';
import type { Call, Denial } from './decision.ts';
import { createDraft, type Draft } from './draft.ts';
import { evaluateAll } from './evaluate.ts';
import type { Facts } from './facts.ts';
import type { Offer } from './offer.ts';
import type { Rule } from './policy.ts';
import { addSpend } from './requirement.ts';
import type { Reservable } from './store.ts';
import { denialFor } from './walk.ts';

/** What an offer would draw; denied where a rule cannot price it, or where one call may not cost that much. */
export type OfferPlan =
  | { readonly kind: 'deny'; readonly denial: Denial }
  | { readonly kind: 'store'; readonly draft: Draft; readonly reservable: Pick<Reservable, 'counters' | 'steps' | 'draws'> };

/** Plans one offer for the call that it was made for. Rules in shadow mode refuse nothing. */
export function planOffer(asked: Call, offer: Offer, facts: Facts): OfferPlan {
  const call: Call = { ...asked, offer };
  const draft = createDraft();
  const scope = { call, fingerprint: () => facts.fingerprint(call) };
  const checking = { policy: facts.policy, scope, tool: facts.catalog?.tools.get(call.tool), judged: false };
  for (const rule of spendRules(call, facts)) {
    const failure = rule.spend && addSpend(rule, rule.spend, checking, draft);
    if (failure) return { kind: 'deny', denial: denialFor(rule, failure) };
  }
  const { counters, steps, draws } = draft;
  return { kind: 'store', draft, reservable: { counters, steps, draws } };
}

/** The rules with limits on money that bind this call. */
function spendRules(call: Call, { match }: Facts): readonly Rule[] {
  const rules = match(call.tool).entries.flatMap((entry) => entry.rules);
  return rules.filter(
    (rule) => rule.spend && !rule.shadow && agentBound(rule.agents, call.agent) && evaluateAll(rule.when, call.args, 'any') !== 'false',
  );
}
