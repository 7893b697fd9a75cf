/**
 * Where calls become decisions, over any store: plan → store step → conclude. The proxy, the library and policy tests judge
 * by it alike; wire and audit are theirs to add.
 */
import { conclude, concludeFailed, concludeStateless, INTERNAL_ERROR, UNASKED } from '../core/conclude.ts';
import type { Call, Decision, Trace } from '../core/decision.ts';
import type { Facts } from '../core/facts.ts';
import { denial, type Plan, plan } from '../core/plan.ts';
import { type Reservable, type Store, StoreError, type StoreVerdict } from '../core/store.ts';
import type { Arrival, Paying } from './arrival.ts';
import type { Leases } from './leases.ts';
import type { Log } from './ports.ts';
import { certainHolds, isIdempotent, type Naming, reservableOf } from './reserve.ts';

type StorePlan = Extract<Plan, { kind: 'store' }>;

/** A call as it arrived, or as much of it as there is outside of the wire. */
export type Judgeable = Pick<Arrival, 'call' | 'argsText' | 'meta' | 'requestId' | 'client' | 'held' | 'waited'> & Pick<Paying, 'payment'>;

/** The store that calls are judged over, and what happens where it fails. */
export interface JudgePorts extends Naming {
  readonly store: Pick<Store, 'reserve'>;
  /** Keeps the claims that are taken; whoever keeps them otherwise, or not at all, has none here. */
  readonly leases?: Pick<Leases, 'keep'> | undefined;
  readonly log?: Pick<Log, 'error'> | undefined;
  /** Where the store fails, the calls are denied, they pass as far as policy.md §1.2 lets them, or it is thrown. */
  readonly failMode: 'closed' | 'open' | 'throw';
}

export interface JudgedCall {
  readonly plan: Plan;
  readonly decision: Decision;
  /** The approval rules that the reservation's approval covers. */
  readonly approved: readonly string[];
  /** The claim of the identical call that it may wait for. */
  readonly inFlight: string | undefined;
}

/** The store's verdict on a call, or why there is none. */
export type CallVerdict = StoreVerdict | { readonly kind: 'failed'; readonly why: string };

/** Judges calls that came together, in one transaction. Calls that need nothing of the store cost it nothing. */
export async function judgeCalls(
  calls: readonly Judgeable[],
  facts: Facts,
  ports: JudgePorts,
  trace?: Trace,
): Promise<readonly JudgedCall[]> {
  const plans: Plan[] = [];
  const asked: Reservable[] = [];
  /** Where in `asked` each call stands. */
  const places: (number | undefined)[] = [];
  for (const call of calls) {
    const planned = call.payment === undefined ? plan(call.call, facts, trace) : planPaid(call.call, call.payment, facts);
    const reservable = planned.kind === 'store' && mayNeedStore(planned, call) ? reservableOf(planned, call, facts, ports) : undefined;
    plans.push(planned);
    places.push(reservable && asked.push(reservable) - 1);
  }
  const verdicts = asked.length > 0 ? await reserve(asked, ports) : NO_VERDICTS;
  const judged: JudgedCall[] = [];
  for (const [index, planned] of plans.entries()) {
    const place = places[index];
    judged.push(concludeCall(planned, place === undefined ? undefined : verdicts[place], calls[index] as Judgeable, facts, ports));
  }
  return judged;
}

function mayNeedStore({ reservable, idempotencyWindow }: StorePlan, { held, payment }: Judgeable): boolean {
  return reservable.steps.length > 0 || reservable.draws.length > 0 || idempotencyWindow > 0 || held !== undefined || payment !== undefined;
}

const NO_VERDICTS: readonly CallVerdict[] = [];
const NO_RULES: readonly string[] = [];

/** SPEC: policy.md §8 — a payment has to answer a challenge that was delivered for this very call, and costs what that one asked. */
function planPaid(call: Call, payment: NonNullable<Paying['payment']>, facts: Facts): Plan {
  if (typeof payment === 'object' && 'failed' in payment)
    return { kind: 'deny', denial: denial('state_error', '(state)', INTERNAL_ERROR, payment.failed), shadow: [] };
  const planned = plan(payment === 'unasked' ? call : { ...call, offer: payment.offer }, facts);
  if (payment !== 'unasked' || planned.kind === 'deny') return planned;
  return { kind: 'deny', denial: UNASKED, shadow: planned.shadow };
}

/** The store step: one verdict for each, in their order. */
export async function reserve(
  asked: readonly Reservable[],
  { store, leases, log, failMode }: Omit<JudgePorts, keyof Naming>,
): Promise<readonly CallVerdict[]> {
  try {
    const verdicts = await store.reserve(asked);
    if (verdicts.length !== asked.length) throw new StoreError(`the store judged ${verdicts.length} of ${asked.length} calls`);
    if (leases)
      for (const verdict of verdicts) if (verdict.kind === 'reserved' && verdict.reservation.claim) leases.keep(verdict.reservation.claim);
    return verdicts;
  } catch (error) {
    if (failMode === 'throw') throw error;
    const why = error instanceof Error ? error.message : String(error);
    log?.error(`state: ${why}`);
    return asked.map(() => ({ kind: 'failed', why }));
  }
}

/** The decision on a plan: the store's verdict in the policy's words, or the plan's own where nothing was asked. */
export function concludePlan(planned: Plan, verdict: StoreVerdict | undefined): Decision {
  if (planned.kind === 'deny') return { outcome: 'deny', denial: planned.denial, shadow: planned.shadow };
  return verdict ? conclude(planned, verdict) : concludeStateless(planned);
}

function concludeCall(planned: Plan, verdict: CallVerdict | undefined, call: Judgeable, facts: Facts, ports: JudgePorts): JudgedCall {
  if (planned.kind === 'deny' || !verdict)
    return { plan: planned, decision: concludePlan(planned, undefined), approved: NO_RULES, inFlight: undefined };
  const decision = verdict.kind === 'failed' ? concludeFailure(planned, verdict.why, facts, ports) : conclude(planned, verdict);
  const isApproved = decision.outcome === 'allow' && decision.reservation?.approval !== undefined;
  return {
    plan: planned,
    decision,
    approved: isApproved ? certainHolds(planned, call, facts) : NO_RULES,
    inFlight: verdict.kind === 'in_flight' && !call.waited ? facts.fingerprint(call.call) : undefined,
  };
}

/** SPEC: policy.md §1.2 — the one switch that lets an undecided call pass; approvals and idempotent calls still deny. */
function concludeFailure(planned: StorePlan, why: string, facts: Facts, { failMode }: JudgePorts): Decision {
  const passes = failMode === 'open' && planned.holds.length === 0 && !isIdempotent(planned, facts);
  return passes ? concludeStateless(planned) : concludeFailed(planned, why);
}
