/**
 * What a server asks to be paid (policy.md §8), judged before an agent can pay it: an offer that costs too much, or whose
 * price nobody can tell, is taken out, and what is left is held until it is paid or over.
 */
import { conclude, concludeFailed } from '../../core/conclude.ts';
import type { Call, Denial } from '../../core/decision.ts';
import type { Facts } from '../../core/facts.ts';
import type { Offer } from '../../core/offer.ts';
import { denial } from '../../core/plan.ts';
import { type OfferPlan, planOffer } from '../../core/plan-offer.ts';
import type { Reservation } from '../../core/store.ts';
import { type Credential, findCredentials } from '../../mcp/credential.ts';
import type { Holding, Paid } from '../calls/arrival.ts';
import { fingerprintOf } from '../calls/identity.ts';
import type { ProxyDeps } from '../deps.ts';
import type { ReplyTo } from '../exchange.ts';
import type { Gate, Session } from '../state.ts';
import { CHALLENGE_TIMEOUT } from './payments.ts';

/** Which offers may be made, and why the others may not. */
export interface JudgedOffers {
  readonly cut: ReadonlySet<number>;
  /** What the dearest of the others holds. */
  readonly reservation: Reservation | undefined;
  /** Why the last one was taken out. */
  readonly denial: Denial | undefined;
}

/**
 * What a call pays by the credentials it carries; `unasked` where nobody asked for it, or more than one thing is paid.
 * The leg of a call (wire.md §2.12) that repeats what an earlier leg paid with pays nothing more.
 */
export function paymentOf(
  credentials: readonly (Credential | undefined)[],
  call: Call,
  held: Holding | undefined,
  { deps, payments }: Session,
): Paid {
  if (credentials.length === 0) return undefined;
  const [credential, ...others] = credentials;
  if (!credential || others.length > 0) return 'unasked';
  if (credential.text === held?.payment?.text) return undefined;
  return payments.take(fingerprintOf(call, deps), credential, deps.clock()) ?? 'unasked';
}

/** The credentials that a request carries, in itself or beside it. */
export function paysWith(frame: Parameters<typeof findCredentials>[0], to: ReplyTo | undefined): readonly (Credential | undefined)[] {
  const beside = to?.exchange?.credentials?.() ?? [];
  return beside.length === 0 ? findCredentials(frame) : [...findCredentials(frame), ...beside];
}

/** Why anything but a call may not pay: no limit is about it, so nothing would count what it costs. */
export function refusedPayment(credentials: () => readonly unknown[] | undefined, { rulebook }: Gate): Denial | undefined {
  if (!rulebook?.policy.uses.spend || rulebook.policy.mode === 'shadow') return undefined;
  return (credentials()?.length ?? 0) > 0 ? UNLIMITED : undefined;
}

/** What is said where a payment is asked for that no limit is about. */
export const UNLIMITED: Denial = denial(
  'unpriceable',
  '(payment)',
  'Only tool calls may be paid for: no spend limit is about anything else',
);

/** Judges what the server asks for a call, dearest offer first, and holds the price of the dearest that may be made. */
export async function judgeOffers(offers: readonly Offer[], call: Call, facts: Facts, deps: ProxyDeps): Promise<JudgedOffers> {
  const planned = offers.map((offer, index) => ({ index, plan: planOffer(call, offer, facts) }));
  const cut = new Set<number>();
  let reservation: Reservation | undefined;
  let why: Denial | undefined;
  for (const { index, plan } of planned.toSorted((a, b) => priceOf(b.plan) - priceOf(a.plan))) {
    if (reservation && plan.kind === 'store') {
      // INVARIANT I4: what a dearer offer holds has to be enough for this one, under every limit that prices it otherwise.
      if (!isHeldBy(reservation, plan)) cut.add(index);
      continue;
    }
    const tried = await hold(plan, deps);
    if (tried.denial) {
      cut.add(index);
      why = tried.denial;
    } else reservation ??= tried.reservation;
  }
  return { cut, reservation, denial: why };
}

function isHeldBy({ draws }: Reservation, { reservable }: Extract<OfferPlan, { kind: 'store' }>): boolean {
  return reservable.draws.every(({ counter, micros }) => {
    const { id, unit } = reservable.counters[counter] ?? {};
    return draws.some((held) => held.id === id && held.unit === unit && held.micros >= micros);
  });
}

function priceOf(plan: OfferPlan): number {
  return plan.kind === 'deny' ? 0 : Math.max(0, ...plan.reservable.draws.map(({ micros }) => micros));
}

async function hold(
  plan: OfferPlan,
  deps: ProxyDeps,
): Promise<{ readonly reservation?: Reservation | undefined; readonly denial?: Denial }> {
  if (plan.kind === 'deny') return { denial: plan.denial };
  if (plan.reservable.draws.length === 0) return {};
  const store = { ...plan, shadow: [], holds: [], idempotencyWindow: 0 };
  try {
    const [verdict] = await deps.store.reserve([{ ...plan.reservable, hold: undefined, claim: undefined }]);
    const decision = verdict && conclude(store, verdict);
    if (decision?.outcome === 'allow') return { reservation: decision.reservation };
    return { denial: decision?.outcome === 'deny' ? decision.denial : UNLIMITED };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    deps.log.error(`state: ${why}`);
    const failed = concludeFailed(store, why);
    return { denial: failed.outcome === 'deny' ? failed.denial : UNLIMITED };
  }
}

/** Remembers what was delivered of these offers, until its time is over: 10 minutes at most. */
export function keepChallenge(all: readonly Offer[], { cut, reservation }: JudgedOffers, call: Call, { deps, payments }: Session): void {
  const offers = all.filter((_, index) => !cut.has(index));
  const refused = all.filter((_, index) => cut.has(index));
  const now = deps.clock();
  const most = now + CHALLENGE_TIMEOUT;
  const until = Math.max(now, ...offers.map(({ expiresAt }) => Math.min(expiresAt ?? most, most)));
  payments.keep({ call: fingerprintOf(call, deps), offers, refused, reservation, until });
}
