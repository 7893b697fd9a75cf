/**
 * Writes what calls ask of the store (policy.md §5.5, §9, §12): what they draw and claim, and the record that a hold opens.
 */
import { agentKey, shownCredential } from '../core/agent-key.ts';
import type { HoldRequest } from '../core/approval.ts';
import type { ClaimRequest } from '../core/claim.ts';
import { type ClientMeta, coveredMeta } from '../core/client-meta.ts';
import type { Facts } from '../core/facts.ts';
import type { Plan } from '../core/plan.ts';
import type { Rule } from '../core/policy.ts';
import { overriddenRules } from '../core/requirement.ts';
import type { Reservable, Step } from '../core/store.ts';
import type { Arrival, Holding, Paying } from './arrival.ts';

type StorePlan = Extract<Plan, { kind: 'store' }>;
type Held = Pick<Arrival, 'call' | 'argsText' | 'meta' | 'requestId' | 'client'>;
type Asking = Held & Pick<Paying, 'held' | 'payment'>;

/** Names approvals, and shows the server to those who decide on them. */
export interface Naming {
  readonly sha256: (text: string) => string;
  readonly shownUpstream: string;
}

/** Says that the call is sent once at most (policy.md §9). In shadow mode nothing is claimed and nothing replayed (§10). */
export function isIdempotent({ idempotencyWindow }: StorePlan, { policy }: Facts): boolean {
  return idempotencyWindow > 0 && policy.mode === 'enforce';
}

/** Collects what the call asks of the store; undefined where it needs nothing of it. */
export function reservableOf(planned: StorePlan, arrival: Asking, facts: Facts, naming: Naming): Reservable | undefined {
  const { held } = arrival;
  // What was let through without an account of it, in shadow mode, is counted with the continuation that is enforced.
  if (held && held.reservations.length > 0) return continuedOf(planned, arrival, held, facts, naming);
  const { counters, steps, draws } = planned.reservable;
  const claim = planned.idempotencyWindow > 0 ? claimRequest(planned, arrival, facts) : undefined;
  const pays = arrival.payment === undefined ? undefined : paidBy(arrival);
  if (steps.length === 0 && draws.length === 0 && !claim && pays === undefined) return undefined;
  return { counters, steps, draws, hold: holdRequest(planned, arrival, facts, naming), claim, pays };
}

/** The challenge that the call pays. */
function paidBy({ payment }: Asking): string | undefined {
  return typeof payment === 'object' && 'challenge' in payment ? payment.challenge : undefined;
}

function claimRequest(planned: StorePlan, { call, argsText }: Asking, facts: Facts): ClaimRequest | undefined {
  if (!isIdempotent(planned, facts)) return undefined;
  return { key: facts.fingerprint(call), window: planned.idempotencyWindow, tool: call.tool, agent: call.agent, args: argsText };
}

/**
 * SPEC: wire.md §2.12: a continued call is judged again and keeps what it holds. It has drawn and claimed already, and is
 * not measured against itself; an approval rule that came meanwhile, or was edited, holds it. What it pays now was
 * not drawn before: that is counted like a call of its own (policy.md §8).
 */
function continuedOf(planned: StorePlan, arrival: Asking, held: Holding, facts: Facts, naming: Naming): Reservable | undefined {
  if (facts.policy.mode === 'shadow') return undefined;
  const isApproved = certainHolds(planned, arrival, facts).every((rule) => held.approved.includes(rule));
  const pays = paidBy(arrival);
  const isPaid = pays !== undefined;
  if (isApproved && !isPaid) return undefined;
  const { counters, steps, draws } = planned.reservable;
  return {
    counters: isPaid ? counters : [],
    draws: isPaid ? draws : [],
    steps: steps.map((step) => ((isCertainHold(step) ? !isApproved : isPaid) ? step : PASSED)),
    hold: holdRequest(planned, arrival, facts, naming),
    claim: undefined,
    pays,
  };
}

const PASSED: Step = { kind: 'require', terms: [], shadow: false };

/**
 * The record that a hold opens, for exactly the rules that fired. Undefined where none may be opened: no approval rule,
 * shadow mode, and calls without an id, which nobody could repeat (wire.md §2.5).
 */
function holdRequest(
  planned: StorePlan,
  arrival: Held,
  facts: Facts,
  naming: Naming,
): ((fired: readonly number[]) => HoldRequest) | undefined {
  if (planned.holds.length === 0 || facts.policy.mode === 'shadow' || arrival.requestId === undefined) return undefined;
  return (fired) => requestFor(planned, fired, arrival, facts, naming);
}

function requestFor(
  { draft }: StorePlan,
  fired: readonly number[],
  { call, argsText, meta, client }: Held,
  facts: Facts,
  naming: Naming,
): HoldRequest {
  const origins = fired.flatMap((step) => draft.origins[step] ?? []);
  const rules = origins.map(({ rule }) => rule);
  const named = origins.map(({ rule, message, doubt }) => ({ rule: rule.label, message: rule.message ?? message, why: doubt?.why }));
  const [first] = named;
  if (!first) throw new Error('a hold without a rule that fired');
  const { name, revision, approvals } = facts.policy;
  const timeout = Math.min(...rules.map((rule) => rule.approvalTimeout));
  const callPrint = facts.fingerprint(call);
  return {
    fingerprint: naming.sha256([callPrint, ...approvedRules(rules, call.tool, meta, facts).sort()].join('\n')),
    call: callPrint,
    tool: call.tool,
    agent: call.agent,
    agentKey: agentKey({ agent: call.agent, credential: facts.credential }),
    rule: first.rule,
    message: first.message,
    args: argsText,
    evidence: {
      upstream: naming.shownUpstream,
      policy: name,
      revision,
      client,
      credential: shownCredential(facts.credential),
      meta: meta?.text,
      rules: named,
      overrides: overriddenRules(call, facts.match(call.tool), rules),
    },
    timeout,
    dedupeWindow: approvals.dedupeWindow ?? timeout,
    maxPending: approvals.maxPending,
    retries: approvals.retries,
    notify: approvals.webhook !== undefined,
  };
}

/**
 * INVARIANT I5, SPEC: policy.md §12: an approval is for these rules as they stand, for the tool as it was last listed, and
 * for what the client added in `_meta`.
 */
function approvedRules(rules: readonly Rule[], tool: string, meta: ClientMeta | undefined, facts: Facts): string[] {
  const definition = facts.catalog?.tools.get(tool)?.hash ?? '';
  const covered = rules.length > 0 && meta ? coveredMeta(meta) : undefined;
  const beside = covered === undefined ? '' : ` ${covered}`;
  return rules.map((rule) => `${definition} ${rule.hash}${beside}`);
}

/** The approval rules that hold the call whatever its counters stand at, as an approval names what it covers. */
export function certainHolds(
  { draft, reservable }: StorePlan,
  { call, meta }: Pick<Arrival, 'call' | 'meta'>,
  facts: Facts,
): readonly string[] {
  const rules = draft.origins.flatMap(({ rule }, index) => (isCertainHold(reservable.steps[index]) ? [rule] : []));
  return approvedRules(rules, call.tool, meta, facts);
}

/** Tells a step that holds the call by its arguments alone. */
function isCertainHold(step: Step | undefined): boolean {
  return step?.kind === 'hold' && step.terms.length === 0 && !step.shadow;
}
