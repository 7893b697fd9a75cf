/**
 * Step 4 of a decision (policy.md §5): the exact entry, then globs in file order, then `"*"`; the first requirement
 * that fails or deny that fires decides, an approval that fires is remembered.
 * INVARIANT I1: deny beats hold; a hold never ends the walk.
 */
import type { ShadowVerdict } from './audit.ts';
import { agentBound } from './bind.ts';
import type { Failure } from './clauses.ts';
import type { Truth } from './condition.ts';
import type { Call, Denial, Trace } from './decision.ts';
import { addStep, type Draft, dropRule, type Scope, sealRule } from './draft.ts';
import { evaluateAll } from './evaluate.ts';
import type { Facts } from './facts.ts';
import type { ToolMatch } from './match.ts';
import type { Rule, ToolEntry } from './policy.ts';
import { checkRequirement, defaultText, stateTerms } from './requirement.ts';
import { traceRule } from './trace.ts';

export interface Walked {
  readonly denial: Denial | undefined;
  /** The approval rules that may hold the call, shadow ones left out. */
  readonly holds: readonly Rule[];
  readonly shadow: readonly ShadowVerdict[];
  readonly idempotencyWindow: number;
}

interface Walking {
  readonly facts: Facts;
  readonly scope: Scope;
  readonly draft: Draft;
  readonly holds: Rule[];
  readonly shadow: ShadowVerdict[];
  readonly trace: Trace | undefined;
  window: number;
}

/** Walks every rule that binds the call; what only the store can decide is added to the draft. */
export function walk(call: Call, match: ToolMatch, facts: Facts, draft: Draft, trace: Trace | undefined): Walked {
  const walking: Walking = {
    facts,
    scope: { call, fingerprint: () => facts.fingerprint(call) },
    draft,
    holds: [],
    shadow: [],
    trace,
    window: 0,
  };
  let denial: Denial | undefined;
  for (const entry of match.entries) {
    denial ??= walkEntry(entry, walking);
    if (denial && !trace) break;
  }
  return { denial, holds: walking.holds, shadow: walking.shadow, idempotencyWindow: walking.window };
}

function walkEntry(entry: ToolEntry, walking: Walking): Denial | undefined {
  walking.window = Math.max(walking.window, entry.idempotencyWindow);
  let judged = false;
  for (const rule of entry.rules) {
    const bound = binds(rule, walking);
    if (!bound) continue;
    // SPEC: policy.md §10: a rule in shadow mode changes nothing for the call, so it does not make it idempotent either.
    if (!rule.shadow) walking.window = Math.max(walking.window, rule.idempotencyWindow);
    const denial = rule.action === 'evaluate' || rule.action === 'allow' ? require(rule, judged, walking) : trigger(rule, bound, walking);
    if (denial) return denial;
    judged ||= rule.action === 'require_approval' && !rule.shadow && rule.stateConditions.length === 0 && walking.holds.includes(rule);
  }
  return undefined;
}

/** Whether the rule is about this call at all (I2: not knowing binds), and for a trigger what its conditions on arguments say. */
function binds(rule: Rule, { scope, trace }: Walking): { readonly truth: Truth } | undefined {
  const { call } = scope;
  const bound = agentBound(rule.agents, call.agent) && evaluateAll(rule.when, call.args, 'any') !== 'false';
  if (!bound) {
    trace?.({ key: rule.key, rule: rule.label, clause: 'when', found: '', verdict: 'not bound', shadow: rule.shadow });
    return undefined;
  }
  const isTrigger = rule.action === 'deny' || rule.action === 'require_approval';
  return { truth: isTrigger ? evaluateAll(rule.conditions, call.args, 'any') : 'true' };
}

function require(rule: Rule, judged: boolean, { facts, scope, draft, shadow, trace }: Walking): Denial | undefined {
  const firstStep = draft.steps.length;
  const tool = facts.catalog?.tools.get(scope.call.tool);
  const failure = checkRequirement(rule, { policy: facts.policy, scope, tool, judged }, draft);
  if (rule.shadow) (failure ? dropRule : sealRule)(draft, firstStep);
  if (trace) traceRule(rule, scope.call, judged, failure, trace);
  if (!failure) return undefined;
  if (!rule.shadow) return denialFor(rule, failure);
  shadow.push({ result: 'denied', code: failure.code, rule: rule.label });
  return undefined;
}

/** A trigger fires on true or unknown. With conditions on counters, the store says whether it does. */
function trigger(rule: Rule, { truth }: { readonly truth: Truth }, { scope, draft, holds, shadow, trace }: Walking): Denial | undefined {
  if (trace) traceRule(rule, scope.call, false, undefined, trace);
  if (truth === 'false') return undefined;
  const isDeny = rule.action === 'deny';
  if (isDeny && rule.stateConditions.length === 0) {
    if (!rule.shadow) return denialFor(rule, { clause: 'deny', code: 'rule', why: 'the deny rule fires' });
    shadow.push({ result: 'denied', code: 'rule', rule: rule.label });
    return undefined;
  }
  if (!isDeny && !rule.shadow) holds.push(rule);
  const code = isDeny ? 'rule' : 'approval_required';
  addStep(draft, isDeny ? 'deny' : 'hold', stateTerms(rule, scope, draft, false), {
    rule,
    code,
    message: isDeny ? defaultText(rule) : 'This call requires human approval',
  });
  return undefined;
}

/** The denial of a rule whose clause failed. */
export function denialFor(rule: Rule, failure: Failure): Denial {
  const message = rule.message ?? failure.message ?? defaultText(rule);
  return { code: failure.code, rule: rule.label, message, why: failure.why, retryAt: undefined };
}
