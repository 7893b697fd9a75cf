/** The store step for calls that came together (policy.md §5.5): what each asks of the store, and what the store says. */
import type { ClaimRequest } from '../core/claim.ts';
import type { Facts } from '../core/facts.ts';
import type { Plan } from '../core/plan.ts';
import type { Reservable, Step, StoreVerdict } from '../core/store.ts';
import type { Arrival, Holding, Paying } from './arrival.ts';
import { certainHolds, holdRequest, isCertainHold } from './hold.ts';
import type { Later } from './later.ts';
import type { Ports, Served } from './ports.ts';

/** What the store says of a call, or why it says nothing. */
export type Verdict = StoreVerdict | { readonly kind: 'failed'; readonly why: string };

type StorePlan = Extract<Plan, { kind: 'store' }>;
type Asking = Pick<Arrival, 'call' | 'argsText' | 'meta' | 'requestId' | 'client' | 'held'> & Pick<Paying, 'payment'>;
type Naming = Pick<Ports, 'sha256'> & Pick<Served, 'shownUpstream'>;

const NO_VERDICTS: ReadonlyMap<number, Verdict> = new Map();

/** One transaction for all calls that need the store, answered by their place. Calls that need nothing of it cost it nothing. */
export function reserveAll(
  arrivals: readonly Asking[],
  plans: readonly Plan[],
  facts: Facts,
  { store, leases, log, sha256 }: Ports,
  { shownUpstream }: Served,
): Later<ReadonlyMap<number, Verdict>> {
  const naming = { sha256, shownUpstream };
  const asked: number[] = [];
  const calls: Reservable[] = [];
  for (const [index, planned] of plans.entries()) {
    const arrival = arrivals[index];
    const call = arrival && planned.kind === 'store' ? reservableOf(planned, arrival, facts, naming) : undefined;
    if (!call) continue;
    asked.push(index);
    calls.push(call);
  }
  if (calls.length === 0) return NO_VERDICTS;
  return store.reserve(calls).then(
    (verdicts) => {
      for (const verdict of verdicts) if (verdict.kind === 'reserved' && verdict.reservation.claim) leases.keep(verdict.reservation.claim);
      return new Map(asked.map((index, place) => [index, verdicts[place] as StoreVerdict]));
    },
    (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      log.error(`state: ${why}`);
      return new Map(asked.map((index) => [index, { kind: 'failed', why }]));
    },
  );
}

/** Whether the call is sent once at most (policy.md §9). In shadow mode nothing is claimed and nothing replayed (§10). */
export function isIdempotent({ idempotencyWindow }: StorePlan, { policy }: Facts): boolean {
  return idempotencyWindow > 0 && policy.mode === 'enforce';
}

/** What the call asks of the store, or undefined where it needs nothing of it. */
export function reservableOf(planned: StorePlan, arrival: Asking, facts: Facts, deps: Naming): Reservable | undefined {
  // What was let through without an account of it, in shadow mode, is counted with the leg that is enforced.
  if (arrival.held && arrival.held.reservations.length > 0) return continuedOf(planned, arrival, arrival.held, facts, deps);
  const claim = isIdempotent(planned, facts) ? claimRequest(planned, arrival, facts) : undefined;
  const { counters, steps, draws } = planned.reservable;
  const pays = paidBy(arrival);
  if (steps.length === 0 && draws.length === 0 && !claim && pays === undefined) return undefined;
  return { counters, steps, draws, hold: holdRequest(planned, arrival, facts, deps), claim, pays };
}

/** The challenge that the call pays. */
function paidBy({ payment }: Asking): string | undefined {
  return typeof payment === 'object' && 'challenge' in payment ? payment.challenge : undefined;
}

function claimRequest({ idempotencyWindow }: StorePlan, { call, argsText }: Asking, facts: Facts): ClaimRequest {
  return { key: facts.fingerprint(call), window: idempotencyWindow, tool: call.tool, agent: call.agent, args: argsText };
}

/**
 * SPEC: wire.md §2.12: a continued call is judged again and keeps what it holds. It has drawn and claimed already, and is
 * not measured against itself; an approval rule that came between its legs, or was edited, holds it. What it pays now was
 * not drawn before: that is counted like a call of its own (policy.md §8).
 */
function continuedOf(planned: StorePlan, arrival: Asking, held: Holding, facts: Facts, deps: Naming): Reservable | undefined {
  if (facts.policy.mode === 'shadow') return undefined;
  const isApproved = certainHolds(planned, arrival, facts).every((rule) => held.approved.includes(rule));
  const pays = paidBy(arrival);
  const isPaid = pays !== undefined;
  if (isApproved && !isPaid) return undefined;
  const { counters, steps, draws } = planned.reservable;
  return {
    ...(isPaid ? { counters, draws } : { counters: [], draws: [] }),
    steps: steps.map((step) => ((isCertainHold(step) ? !isApproved : isPaid) ? step : PASSED)),
    hold: holdRequest(planned, arrival, facts, deps),
    claim: undefined,
    pays,
  };
}

const PASSED: Step = { kind: 'require', terms: [], shadow: false };
