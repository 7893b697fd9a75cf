/**
 * Steps 1–4 of a decision (policy.md §5): what the names and the arguments alone decide, and what is left for the
 * store. Pure: same policy, call and facts, same plan.
 * INVARIANT I1: deny beats hold; a hold never ends the walk.
 */
import type { ShadowVerdict } from './audit.ts';
import type { ReasonCode } from './codes.ts';
import { evaluateAll, whyUnknown } from './condition.ts';
import type { Call, ClauseFailure, Denial, Trace } from './decision.ts';
import { addStep, type Draft, dropRule, sealRule } from './draft.ts';
import type { Facts } from './facts.ts';
import { isMethodAllowed, type ToolMatch } from './match.ts';
import type { Offer } from './offer.ts';
import type { Doubt, Truth } from './operators.ts';
import type { Policy, Rule, ToolEntry } from './policy.ts';
import { kindFailure } from './price.ts';
import { addSpend, type Checking, checkRequirement, defaultText, isBinding, stateTerms } from './requirement.ts';
import type { Pause, Reservable } from './store.ts';
import { traceRule } from './trace.ts';

/** `shadow`: what rules in shadow mode would have decided already. */
export type Plan = { readonly shadow: readonly ShadowVerdict[] } & (
  | { readonly kind: 'deny'; readonly denial: Denial }
  | {
      readonly kind: 'store';
      readonly draft: Draft;
      readonly reservable: Omit<Reservable, 'hold' | 'claim'>;
      readonly holds: readonly Rule[];
      readonly idempotencyWindow: number;
    }
);

interface Walk extends Checking {
  /** The approval rules that may hold the call, shadow ones left out. */
  readonly holds: Rule[];
  readonly shadow: ShadowVerdict[];
  readonly trace: Trace | undefined;
  window: number;
}

/** Plans a call. With `trace`, every rule and clause is noted as it is walked. */
export function plan(call: Call, facts: Facts, trace?: Trace): Plan {
  const match = facts.match(call.tool);
  const refused = refusedByName(call, match, facts);
  if (refused) return { kind: 'deny', denial: refused, shadow: [] };
  const draft = createDraft();
  const walk: Walk = { call, facts, tool: facts.catalog?.tools.get(call.tool), draft, holds: [], shadow: [], trace, window: 0 };
  // The exact entry, then globs in file order, then `"*"`.
  for (const entry of match.entries) {
    const refusal = walkEntry(entry, walk);
    if (refusal) return { kind: 'deny', denial: refusal, shadow: walk.shadow };
  }
  const { counters, steps, draws } = draft;
  const { holds, window, shadow } = walk;
  return { kind: 'store', draft, reservable: { counters, steps, draws }, holds, idempotencyWindow: window, shadow };
}

function createDraft(): Draft {
  return { unpriced: false, counters: [], sources: [], steps: [], origins: [], draws: [] };
}

/** Walks the rules that bind the call; the first requirement that fails or deny that fires decides, an approval that fires is remembered. */
function walkEntry({ idempotencyWindow, rules }: ToolEntry, walk: Walk): Denial | undefined {
  if (idempotencyWindow > walk.window) walk.window = idempotencyWindow;
  let judged = false;
  for (const rule of rules) {
    if ((rule.agents || rule.when.length > 0) && !isBinding(rule, walk.call)) {
      walk.trace?.({ key: rule.key, rule: rule.label, clause: 'when', found: '', verdict: 'not bound', shadow: rule.shadow });
      continue;
    }
    // SPEC: policy.md §10: a rule in shadow mode changes nothing for the call, so it does not make it idempotent either.
    if (!rule.shadow && rule.idempotencyWindow > walk.window) walk.window = rule.idempotencyWindow;
    const isRequirement = rule.action === 'evaluate' || rule.action === 'allow';
    const denied = isRequirement ? require(rule, judged, walk) : trigger(rule, walk);
    if (denied) return denied;
    judged ||= rule.action === 'require_approval' && !rule.shadow && rule.stateConditions.length === 0 && walk.holds.includes(rule);
  }
  return undefined;
}

function require(rule: Rule, judged: boolean, walk: Walk): Denial | undefined {
  const { call, draft, shadow, trace } = walk;
  const firstStep = draft.steps.length;
  const failure = checkRequirement(rule, judged, walk);
  if (rule.shadow) (failure ? dropRule : sealRule)(draft, firstStep);
  if (trace) traceRule(rule, call, judged, failure, trace);
  if (!failure) return undefined;
  if (!rule.shadow) return denialFor(rule, failure);
  shadow.push({ result: 'denied', code: failure.code, rule: rule.label });
  return undefined;
}

/** A trigger fires on true or unknown. With conditions on counters, the store says whether it does. */
function trigger(rule: Rule, walk: Walk): Denial | undefined {
  const { call, draft, holds, shadow, trace } = walk;
  if (trace) traceRule(rule, call, false, undefined, trace);
  const truth = evaluateAll(rule.conditions, call.args, 'any');
  if (truth === 'false') return undefined;
  const isDeny = rule.action === 'deny';
  const doubt = doubtOfTrigger(rule, truth, call);
  if (isDeny && rule.stateConditions.length === 0) {
    if (!rule.shadow) return denialFor(rule, { clause: 'deny', code: 'rule', why: whyFires(doubt), advice: doubt?.advice });
    shadow.push({ result: 'denied', code: 'rule', rule: rule.label });
    return undefined;
  }
  if (!isDeny && !rule.shadow) holds.push(rule);
  const code = isDeny ? 'rule' : 'approval_required';
  addStep(draft, isDeny ? 'deny' : 'hold', stateTerms(rule, walk, false), {
    rule,
    code,
    message: isDeny ? defaultText(rule) : 'This call requires human approval',
    doubt,
  });
  return undefined;
}

/** A trigger fires, and binds, also where nothing is known of what it looks at. */
function doubtOfTrigger({ when, conditions }: Rule, truth: Truth, { args }: Call): Doubt | undefined {
  const asked = [
    ...(truth === 'unknown' ? conditions : []),
    ...(when.length > 0 && evaluateAll(when, args, 'any') === 'unknown' ? when : []),
  ];
  for (const condition of asked) {
    const doubt = whyUnknown(condition, args);
    if (doubt) return doubt;
  }
  return undefined;
}

function whyFires(doubt: Doubt | undefined): string {
  return `the deny rule fires${doubt ? `: ${doubt.why}` : ''}`;
}

/** The denial of a rule whose clause failed. */
export function denialFor(rule: Rule, failure: ClauseFailure): Denial {
  const message = rule.message ?? failure.message ?? defaultText(rule);
  return { code: failure.code, rule: rule.label, message, why: failure.why, advice: failure.advice, retryAt: undefined };
}

function refusedByName(call: Call, match: ToolMatch, { policy, pause, catalog }: Facts): Denial | undefined {
  if (pause) return denial('paused', '(paused)', pausedText(pause));
  if (call.ownPath !== undefined) return selfDenial(call.ownPath);
  if (match.listed && !match.looksHidden) return undefined;
  const exists = catalog?.tools.has(call.tool) ?? false;
  const name = JSON.stringify(call.tool);
  if (match.hidden || (match.looksHidden && !exists)) return denial('hidden', '(hidden)', `Tool ${name} is hidden by policy`);
  if (match.listed) return undefined;
  if (policy.default === 'deny') return denial('default_deny', '(default deny)', `Tool ${name} is not permitted by policy`);
  if (match.looksLike === undefined || exists) return undefined;
  return denial('look_alike', '(look-alike)', `Tool ${name} is not permitted by policy`, `it resembles ${JSON.stringify(match.looksLike)}`);
}

/** Why a message is not forwarded that names, in this text, what is Intercept's own (§5.1). */
export function selfDenial(ownPath: string): Denial {
  const named = ownPath.length > MOST_SHOWN ? `${ownPath.slice(0, MOST_SHOWN)}…` : ownPath;
  return denial('self', '(self)', "Intercept's own files are out of bounds", `it names ${JSON.stringify(named)}`);
}

/** The rule of a denial by `methods`. */
export const BY_METHODS = '(methods)';

/** Judges a method by the policy's `methods`, shadow mode or not. */
export function methodDenial(method: string, policy: Policy): Denial | undefined {
  if (isMethodAllowed(policy, method)) return undefined;
  return denial('rule', BY_METHODS, `Method ${JSON.stringify(method)} is not permitted by policy`);
}

/** Characters of a text that a reason repeats. */
const MOST_SHOWN = 512;

/** The agent reads this while calls are paused (§11). */
export function pausedText(pause: Pause): string {
  return pause.reason === '' ? 'All tool calls are paused' : `All tool calls are paused: ${pause.reason}`;
}

/** A denial that no later instant changes by itself. */
export function denial(code: ReasonCode, rule: string, message: string, why?: string): Denial {
  return { code, rule, message, why, retryAt: undefined };
}

/** The draws of an offer; denied where a rule cannot price it, or where one call may not cost that much. */
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
  const checking = { call, facts, tool: facts.catalog?.tools.get(call.tool), draft };
  const limits = facts.match(call.tool).entries.flatMap((entry) => entry.rules.filter(({ spend }) => spend));
  if (limits.length === 0) return { kind: 'deny', denial: UNLIMITED_TOOL };
  const enforced = limits.filter(({ shadow }) => !shadow);
  for (const rule of enforced.filter((limit) => isBinding(limit, call))) {
    const failure = rule.spend && addSpend(rule, rule.spend, checking);
    if (failure) return { kind: 'deny', denial: denialFor(rule, failure) };
  }
  const failure = enforced.length > 0 ? kindFailure(offer) : undefined;
  if (failure) return { kind: 'deny', denial: denial(failure.code, '(payment)', failure.why) };
  const { counters, steps, draws } = draft;
  return { kind: 'store', draft, reservable: { counters, steps, draws } };
}

const UNLIMITED_TOOL: Denial = denial('unpriceable', '(payment)', 'No spend limit is about this tool, so it may not be paid for');
