/**
 * Where a call is judged: plan → store step → conclude → audit → forward or answer. `settle` ends it.
 *
 * INVARIANT I3: nothing is forwarded before its record was written.
 * INVARIANT I8: all calls of one arrival see one policy.
 */
import { type Answer, type DecisionMeta, renderDenial, renderHold, replayMark } from '../core/answer.ts';
import type { HeldApproval } from '../core/approval.ts';
import type { AuditEvent } from '../core/audit.ts';
import { concludeUnended, INTERNAL_ERROR } from '../core/conclude.ts';
import type { Decision, Denial } from '../core/decision.ts';
import { denial, type Plan, pausedText } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import type { Reservation } from '../core/store.ts';
import { type Arrival, type Holding, NO_HOLDING, type Paying } from '../engine/arrival.ts';
import { factsOf, type Gate } from '../engine/gate.ts';
import { type JudgedCall, judgeCalls } from '../engine/judge.ts';
import { recordOf } from './calls/record.ts';
import { readPayments } from './payments/payments.ts';
import { endReservations } from './settle.ts';
import type { Session } from './state.ts';
import { isLarge, nextTurn } from './turns.ts';

/** The result of enforcing the policy on an arrival. */
export type Enforced =
  /** `holding`: what this call took, and what the call held that it continues. */
  | { readonly kind: 'forward'; readonly holding: Holding }
  /** `approval`: what a held call waits for. */
  | { readonly kind: 'answer'; readonly answer: Answer; readonly approval?: HeldApproval | undefined }
  | { readonly kind: 'replay'; readonly result: string; readonly mark: DecisionMeta }
  /** An identical call is being carried out: nothing is decided yet, and nothing recorded. `key` names its claim. */
  | { readonly kind: 'in_flight'; readonly key: string };

/** A call that was judged; without a plan where nothing is known to judge it by. */
type Judged = Omit<JudgedCall, 'plan'> & { readonly plan: Plan | undefined };

/** Judges calls that arrived together, in order, and records every decision before it answers. */
export async function enforce(arrivals: readonly Arrival[], gate: Gate, session: Session): Promise<readonly Enforced[]> {
  const { policy } = gate.rulebook ?? {};
  const shadow = policy?.mode === 'shadow';
  const paying = policy?.uses.spend && !shadow ? await readPayments(arrivals, session) : arrivals;
  let judged = await judge(paying, gate, session);
  if (paying.some(({ argsText }) => isLarge(argsText))) await nextTurn();
  // Where the pause was in force when the call arrived, it is denied by that already.
  if (policy && !gate.pause) judged = await denyPaused(judged, policy, session);
  const fault = audit(paying, judged, policy, session);
  if (fault !== undefined && !shadow)
    judged = await denyPassing(judged, denied(denial('audit_error', '(audit)', INTERNAL_ERROR, fault)), session);
  return judged.map((one, index) => enforced(one, paying[index] as Paying, shadow, session));
}

/** Plan → store step → conclude. */
async function judge(arrivals: readonly Paying[], gate: Gate, session: Session): Promise<readonly Judged[]> {
  const facts = factsOf(gate, session);
  if ('code' in facts) return arrivals.map(() => withoutPlan(denied(facts)));
  const { store, leases, log, sha256 } = session.ports;
  const { shownUpstream, failMode } = session.served;
  return judgeCalls(arrivals, facts, { store, leases, log, sha256, shownUpstream, failMode });
}

/**
 * SPEC: policy.md §11 — once this process has confirmed a pause no call leaves it, also none that waited meanwhile, whatever
 * the store says by now. In shadow mode what was denied or held would leave it as well.
 */
async function denyPaused(judged: readonly Judged[], { name, mode }: Policy, session: Session): Promise<readonly Judged[]> {
  const pause = session.ports.pauses.known(name);
  if (!pause) return judged;
  const instead = denied(denial('paused', '(paused)', pausedText(pause)));
  const left = await denyPassing(judged, instead, session);
  return mode === 'shadow' ? left.map((one) => ({ ...withoutPlan(instead), plan: one.plan })) : left;
}

/** Denies what would have passed, and gives back what was taken for it. What a continued call held before has left the proxy. */
async function denyPassing(judged: readonly Judged[], instead: Decision, { ports }: Session): Promise<readonly Judged[]> {
  const taken = judged.flatMap(({ decision }) => (decision.outcome === 'allow' && decision.reservation ? [decision.reservation] : []));
  if (taken.length > 0)
    await endReservations(
      taken.map((reservation) => ({ reservation, outcome: 'released' })),
      ports,
    );
  const passes = ({ decision, inFlight }: Judged) =>
    decision.outcome === 'allow' || decision.outcome === 'replay' || inFlight !== undefined;
  return judged.map((one) => (passes(one) ? { ...withoutPlan(instead), plan: one.plan } : one));
}

function withoutPlan(decision: Decision): Judged {
  return { plan: undefined, decision, approved: [], inFlight: undefined };
}

function denied(why: Denial): Decision {
  return { outcome: 'deny', denial: why, shadow: [] };
}

/** Writes the records of all calls that are decided. Answers with what went wrong, if anything did. */
function audit(arrivals: readonly Arrival[], judged: readonly Judged[], policy: Policy | undefined, session: Session): string | undefined {
  const events: AuditEvent[] = [];
  try {
    for (const [index, { plan, decision, inFlight }] of judged.entries())
      if (inFlight === undefined) events.push(...recordOf(arrivals[index] as Arrival, plan, decision, policy, session));
    session.ports.audit.write(events);
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    session.ports.log.error(`audit: ${why}`);
    return why;
  }
}

/** Denies a call whose agent has gone while it waited for an identical one: nothing is forwarded for it any more. */
export function giveUp(arrival: Arrival, session: Session): Extract<Enforced, { kind: 'answer' }> {
  const decision = concludeUnended();
  audit([arrival], [withoutPlan(decision)], session.served.rules.current?.policy, session);
  return { kind: 'answer', answer: renderDenial(decision.denial, session.ports.clock()) };
}

/** Forwards or answers. In shadow mode only pauses hold (policy.md §10). */
function enforced(judged: Judged, arrival: Paying, shadow: boolean, session: Session): Enforced {
  const { decision, inFlight } = judged;
  if (inFlight !== undefined) return { kind: 'in_flight', key: inFlight };
  switch (decision.outcome) {
    case 'allow':
      return { kind: 'forward', holding: holdingOf(judged, decision.reservation, arrival) };
    case 'replay':
      return { kind: 'replay', result: decision.replay.result, mark: replayMark() };
    case 'deny':
      if (shadow && decision.denial.code !== 'paused') return { kind: 'forward', holding: arrival.held ?? NO_HOLDING };
      return { kind: 'answer', answer: renderDenial(decision.denial, session.ports.clock()) };
    case 'hold':
      if (shadow) return { kind: 'forward', holding: arrival.held ?? NO_HOLDING };
      return { kind: 'answer', answer: renderHold(decision.hold), approval: decision.hold.approval };
  }
}

/** Adds up what the call holds once it is sent. A payment that failed to be read, or that nobody asked for, was denied. */
function holdingOf({ plan, approved }: Judged, reservation: Reservation | undefined, { held, payment }: Paying): Holding {
  const unpriced = plan?.kind === 'store' && plan.draft.unpriced;
  const paid = typeof payment === 'object' && 'challenge' in payment ? payment : undefined;
  if (!reservation && !unpriced && !paid) return held ?? NO_HOLDING;
  return {
    reservations: [...(held?.reservations ?? []), ...(reservation ? [reservation] : [])],
    approved: [...(held?.approved ?? []), ...approved],
    payment: paid ?? held?.payment,
    unpriced,
  };
}
