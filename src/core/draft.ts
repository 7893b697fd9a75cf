/**
 * Collects, rule by rule, what a call will ask of the store (policy.md §5.5). Each counter appears once, however many
 * rules use it, and each is drawn on once.
 */
import type { ReasonCode } from './codes.ts';
import { type Count, type Counter, scopedId } from './counter.ts';
import type { Call } from './decision.ts';
import type { Facts } from './facts.ts';
import type { Doubt } from './operators.ts';
import type { Policy, Rule } from './policy.ts';
import type { CounterRef, ReservedDraw, Step, Term } from './store.ts';

/** A step comes from here; the answer names it when the step decides. */
export interface Origin {
  readonly rule: Rule;
  readonly code: ReasonCode;
  /** The agent reads this where the rule has no message of its own. */
  readonly message: string;
  /** Why a condition of a rule that fires is unknown, and what the agent can send instead. */
  readonly doubt?: Doubt | undefined;
}

export interface Draft {
  /** A rule limits what the call costs, and nothing says what that is (§8). */
  unpriced: boolean;
  readonly counters: CounterRef[];
  /** The counter behind each of `counters`, for messages and the audit. */
  readonly sources: Counter[];
  readonly steps: Step[];
  readonly origins: Origin[];
  readonly draws: ReservedDraw[];
}

/** A counter's `per` stands for one of these. The fingerprint is only asked for where a counter is kept per call. */
export interface Scope {
  readonly call: Call;
  readonly facts: Facts;
}

/** The index of a counter in the draft, for this call's agent, session or fingerprint. */
export function useCounter(draft: Draft, counter: Counter, scope: Scope): number {
  const id = counter.per === 'policy' ? counter.id : scopedId(counter, scopeOf(counter, scope));
  for (let known = 0; known < draft.counters.length; known++) if (draft.counters[known]?.id === id) return known;
  draft.sources.push(counter);
  return draft.counters.push({ id, unit: counter.unit }) - 1;
}

/** An unknown agent counts as one agent of its own; without sessions, `session` counts per agent (§6). */
function scopeOf(counter: Counter, { call, facts }: Scope): string | undefined {
  switch (counter.per) {
    case 'policy':
      return undefined;
    case 'agent':
      return agentScope(call);
    case 'session':
      return call.session === undefined ? agentScope(call) : `session ${call.session}`;
    case 'call':
      return facts.fingerprint(call);
  }
}

function agentScope(call: Call): string {
  return call.agent === undefined ? 'unknown' : `agent ${call.agent}`;
}

/** Adds a step; its index is what shadow draws refer to. */
export function addStep(draft: Draft, kind: Step['kind'], terms: readonly Term[], origin: Origin): number {
  draft.origins.push(origin);
  return draft.steps.push({ kind, terms, shadow: origin.rule.shadow }) - 1;
}

/** Adds what a passing call takes. Two rules that keep the same counter draw on it once. */
export function addDraw(draft: Draft, counter: number, micros: number, count: Count, rule: Rule, policy: Policy): void {
  const own = rule.shadow && !policy.enforcedCounters.has(draft.sources[counter]?.id ?? '');
  for (let known = 0; known < draft.draws.length; known++) {
    const previous = draft.draws[known];
    if (previous?.counter !== counter) continue;
    if (!own) draft.draws[known] = { ...previous, unlessShadow: NO_STEPS };
    return;
  }
  draft.draws.push({ counter, micros, count, unlessShadow: own ? RULE_STEPS : NO_STEPS });
}

const NO_STEPS: readonly number[] = [];
/** Stands for "every step of this rule" until the rule is walked to its end. */
const RULE_STEPS: readonly number[] = [];

/** Ties what a shadow rule draws to the steps of the same rule: where one of those would deny, nothing is drawn (§10). */
export function sealRule(draft: Draft, firstStep: number): void {
  const steps = draft.steps.map((_, index) => index).slice(firstStep);
  for (const [index, draw] of draft.draws.entries()) {
    if (draw.unlessShadow === RULE_STEPS) draft.draws[index] = { ...draw, unlessShadow: steps };
  }
}

/** Takes back what a shadow rule added before one of its clauses failed: enforced, it would have denied and drawn nothing (§10). */
export function dropRule(draft: Draft, firstStep: number): void {
  draft.steps.length = firstStep;
  draft.origins.length = firstStep;
  const kept = draft.draws.filter((draw) => draw.unlessShadow !== RULE_STEPS);
  draft.draws.splice(0, draft.draws.length, ...kept);
}
