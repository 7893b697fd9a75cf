/**
 * Where a call is judged: plan → store step → conclude → audit → forward or answer.
 *
 * INVARIANT I3: nothing is forwarded before its record was written.
 * INVARIANT I8: all calls of one arrival see one policy.
 */
import { type Answer, type DecisionMeta, renderDenial, renderHold, replayMark } from '../core/answer.ts';
import type { HeldApproval } from '../core/approval.ts';
import { conclude, concludeDenied, concludeFailed, concludeStateless, concludeUnended, INTERNAL_ERROR, UNASKED } from '../core/conclude.ts';
import type { Decision } from '../core/decision.ts';
import type { Facts } from '../core/facts.ts';
import { denial, type Plan, pausedText, plan } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import type { Pause, Reservation } from '../core/store.ts';
import { type Arrival, type Holding, NO_HOLDING, type Paid, type Paying } from '../engine/arrival.ts';
import { factsFor, type Gate } from '../engine/gate.ts';
import { certainHolds } from '../engine/hold.ts';
import { all, attempt, type Later, then } from '../engine/later.ts';
import type { Rulebook } from '../engine/ports.ts';
import { isIdempotent, reserveAll, type Verdict } from '../engine/reserve.ts';
import { recordOf } from './calls/record.ts';
import { paidBy } from './payments/payments.ts';
import { endReservations } from './settle.ts';
import type { Session } from './state.ts';
import { turnBetween } from './turns.ts';

/** What becomes of an arrival. */
export type Enforced =
  /** `holding`: what this call took, and what its earlier leg held. */
  | { readonly kind: 'forward'; readonly holding: Holding }
  /** `approval`: what a held call waits for. */
  | { readonly kind: 'answer'; readonly answer: Answer; readonly approval?: HeldApproval | undefined }
  | { readonly kind: 'replay'; readonly result: string; readonly mark: DecisionMeta }
  /** An identical call is being carried out: nothing is decided yet, and nothing recorded. `key` names its claim. */
  | { readonly kind: 'in_flight'; readonly key: string };

interface Judged {
  readonly plan: Plan | undefined;
  readonly decision: Decision;
  /** The approval rules that the reservation's approval covers. */
  readonly approved: readonly string[];
  /** The claim of the identical call that it may wait for. */
  readonly inFlight?: string | undefined;
  readonly payment?: Paid;
}

/** Judges calls that arrived together, in order, and records every decision before it answers. */
export function enforce(arrivals: readonly Arrival[], gate: Gate, session: Session): Later<readonly Enforced[]> {
  const { rulebook } = gate;
  const shadow = rulebook?.policy.mode === 'shadow';
  const judging = rulebook ? judgeAll(arrivals, rulebook, gate, session) : arrivals.map(withoutPolicy);
  const dueForRecord = then(judging, (judged) => then(turnBetween(arrivals.map(({ argsText }) => argsText)), () => judged));
  return then(dueForRecord, (judged) => {
    const fault = audit(arrivals, judged, rulebook?.policy, session);
    const conclude = (each: readonly Judged[]) => each.map((one, index) => enforced(one, arrivals[index] as Arrival, shadow, session));
    if (fault === undefined || shadow) return conclude(judged);
    return denyPassing(judged, auditFailed(fault), session).then(conclude);
  });
}

/** Denies what would have passed, and gives back what was taken for it. An earlier leg of a continued call has left the proxy. */
async function denyPassing(judged: readonly Judged[], instead: Decision, session: Session): Promise<readonly Judged[]> {
  const taken = judged.flatMap(({ decision }) => (decision.outcome === 'allow' && decision.reservation ? [decision.reservation] : []));
  if (taken.length > 0)
    await endReservations(
      taken.map((reservation) => ({ reservation, outcome: 'released' })),
      session.ports,
    );
  const passes = ({ decision, inFlight }: Judged) =>
    decision.outcome === 'allow' || decision.outcome === 'replay' || inFlight !== undefined;
  return judged.map((one) => (passes(one) ? { plan: one.plan, decision: instead, approved: [], payment: one.payment } : one));
}

function judgeAll(arrivals: readonly Arrival[], rulebook: Rulebook, gate: Gate, session: Session): Later<readonly Judged[]> {
  const facts = factsFor(rulebook, gate, session.tools.catalog(), session.client, session.identity);
  if (!('policy' in facts)) return arrivals.map(() => ({ plan: undefined, decision: facts, approved: [] }));
  return then(readPayments(arrivals, facts, session), (paying) => judgePaying(paying, facts, session));
}

function judgePaying(paying: readonly Paying[], facts: Facts, session: Session): Later<readonly Judged[]> {
  const plans = paying.map((arrival) => planPaid(arrival, facts));
  return then(reserveAll(paying, plans, facts, session.ports, session.served), (verdicts) => {
    const judged = plans.map((planned, index) => judge(planned, verdicts.get(index), paying[index] as Paying, facts, session));
    return verdicts.size > 0 ? denyPaused(judged, facts, session) : judged;
  });
}

/** A call that pays nothing waits for nothing. */
function readPayments(arrivals: readonly Arrival[], facts: Facts, session: Session): Later<readonly Paying[]> {
  if (!facts.policy.uses.spend || facts.policy.mode === 'shadow') return arrivals;
  return all(
    arrivals.map((arrival) => {
      const paid = attempt<Paying['payment']>(
        () => paidBy(arrival, session),
        (error) => ({ failed: reasonOf(error) }),
      );
      return then(paid, (payment) => ({ ...arrival, payment }));
    }),
  );
}

/** SPEC: policy.md §8 — a payment has to answer a challenge that was delivered for this very call, and costs what that one asked. */
function planPaid({ call, payment }: Paying, facts: Facts): Plan {
  if (payment === undefined) return plan(call, facts);
  if (typeof payment === 'object' && 'failed' in payment)
    return { kind: 'deny', denial: denial('state_error', '(state)', INTERNAL_ERROR, payment.failed), shadow: [] };
  const planned = plan(payment === 'unasked' ? call : { ...call, offer: payment.offer }, facts);
  if (payment !== 'unasked' || planned.kind === 'deny') return planned;
  return { kind: 'deny', denial: UNASKED, shadow: planned.shadow };
}

/**
 * SPEC: policy.md §11 — once this process has confirmed a pause no call leaves it, also none that waited for the store
 * meanwhile.
 */
function denyPaused(judged: readonly Judged[], facts: Facts, session: Session): Later<readonly Judged[]> {
  const pause = knownPause(facts.policy.name, session);
  if (!pause) return judged;
  return denyPassing(judged, { outcome: 'deny', denial: denial('paused', '(paused)', pausedText(pause)), shadow: [] }, session);
}

/** What was read last; the store answered a moment ago, so nothing is waited for again. */
function knownPause(policy: string | undefined, { ports }: Session): Pause | undefined {
  const pause = attempt(
    () => ports.pauses.current(policy),
    () => undefined,
  );
  return pause instanceof Promise ? undefined : pause;
}

function judge(planned: Plan, verdict: Verdict | undefined, arrival: Paying, facts: Facts, session: Session): Judged {
  const decision = decide(planned, verdict, facts, session);
  const isApproved = decision.outcome === 'allow' && decision.reservation?.approval !== undefined;
  return {
    plan: planned,
    decision,
    approved: isApproved && planned.kind === 'store' ? certainHolds(planned, arrival, facts) : [],
    inFlight: verdict?.kind === 'in_flight' && !arrival.waited ? facts.fingerprint(arrival.call) : undefined,
    payment: paidOf(arrival),
  };
}

function paidOf({ payment }: Paying): Paid {
  return typeof payment === 'object' && 'failed' in payment ? undefined : payment;
}

function decide(planned: Plan, verdict: Verdict | undefined, facts: Facts, session: Session): Decision {
  if (planned.kind === 'deny') return concludeDenied(planned);
  if (!verdict) return concludeStateless(planned);
  if (verdict.kind !== 'failed') return conclude(planned, verdict);
  // SPEC: policy.md §1.2 — the one switch that lets an undecided call pass; approvals and idempotent calls still deny.
  const passes = session.served.failMode === 'open' && planned.holds.length === 0 && !isIdempotent(planned, facts);
  return passes ? concludeStateless(planned) : concludeFailed(planned, verdict.why);
}

function withoutPolicy(): Judged {
  return {
    plan: undefined,
    decision: { outcome: 'deny', denial: denial('state_error', '(policy)', INTERNAL_ERROR, 'no policy is in force'), shadow: [] },
    approved: [],
  };
}

function auditFailed(why: string): Decision {
  return { outcome: 'deny', denial: denial('audit_error', '(audit)', INTERNAL_ERROR, why), shadow: [] };
}

/** Writes one record per call. Answers with what went wrong, if anything did. */
function audit(arrivals: readonly Arrival[], judged: readonly Judged[], policy: Policy | undefined, session: Session): string | undefined {
  try {
    session.ports.audit.write(
      judged.flatMap(({ plan: planned, decision, inFlight }, index) =>
        inFlight === undefined ? recordOf(arrivals[index] as Arrival, planned, decision, policy, session) : [],
      ),
    );
    return undefined;
  } catch (error) {
    session.ports.log.error(`audit: ${reasonOf(error)}`);
    return reasonOf(error);
  }
}

/** Denies a call whose agent has gone while it waited for an identical one: nothing is forwarded for it any more. */
export function giveUp(arrival: Arrival, session: Session): Extract<Enforced, { kind: 'answer' }> {
  const decision = concludeUnended();
  audit([arrival], [{ plan: undefined, decision, approved: [] }], session.served.rules.current?.policy, session);
  return { kind: 'answer', answer: renderDenial(decision.denial, session.ports.clock()) };
}

/** In shadow mode only pauses hold (policy.md §10). */
function enforced(judged: Judged, arrival: Arrival, shadow: boolean, session: Session): Enforced {
  const { decision, inFlight } = judged;
  if (inFlight !== undefined) return { kind: 'in_flight', key: inFlight };
  if (decision.outcome === 'allow') return { kind: 'forward', holding: holdingOf(judged, decision.reservation, arrival) };
  if (decision.outcome === 'replay') return { kind: 'replay', result: decision.replay.result, mark: replayMark() };
  if (shadow && !(decision.outcome === 'deny' && decision.denial.code === 'paused'))
    return { kind: 'forward', holding: arrival.held ?? NO_HOLDING };
  if (decision.outcome === 'deny') return { kind: 'answer', answer: renderDenial(decision.denial, session.ports.clock()) };
  return { kind: 'answer', answer: renderHold(decision.hold), approval: decision.hold.approval };
}

function holdingOf({ plan: planned, approved, payment }: Judged, reservation: Reservation | undefined, { held }: Arrival): Holding {
  const unpriced = planned?.kind === 'store' && planned.draft.unpriced;
  const paid = payment === 'unasked' ? undefined : payment;
  if (!reservation && !unpriced && !paid) return held ?? NO_HOLDING;
  return {
    reservations: [...(held?.reservations ?? []), ...(reservation ? [reservation] : [])],
    approved: [...(held?.approved ?? []), ...approved],
    payment: paid ?? held?.payment,
    unpriced,
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
