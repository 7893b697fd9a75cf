/**
 * Judges what a server asks to be paid (policy.md §8) before an agent can pay it: an offer that costs too much, or whose
 * price nobody can know, is taken out, and what is left is held until it is paid or over.
 */
import { agentKey } from '../../core/agent-key.ts';
import type { DeliveredChallenge } from '../../core/challenge.ts';
import { conclude, concludeFailed, INTERNAL_ERROR } from '../../core/conclude.ts';
import type { Call, Denial } from '../../core/decision.ts';
import type { Facts } from '../../core/facts.ts';
import type { Offer } from '../../core/offer.ts';
import { denial, type OfferPlan, planOffer } from '../../core/plan.ts';
import type { Reservation } from '../../core/store.ts';
import { factsOf, type Gate } from '../../engine/gate.ts';
import { reserve } from '../../engine/judge.ts';
import type { Ports } from '../../engine/ports.ts';
import { type Credential, findCredentials } from '../../mcp/payments/credential.ts';
import type { ReplyTo } from '../exchange.ts';
import { endReservations } from '../settle.ts';
import type { Session } from '../state.ts';

/** The offers that may be made, and why the others may not. */
interface JudgedOffers {
  readonly cut: ReadonlySet<number>;
  /** The dearest of the others holds this. */
  readonly reservation: Reservation | undefined;
  /** Why the last one was taken out. */
  readonly denial: Denial | undefined;
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

/** Refuses a payment that no limit is about. */
export const UNLIMITED: Denial = denial(
  'unpriceable',
  '(payment)',
  'Only tool calls may be paid for: no spend limit is about anything else',
);

/** Judges what the server asks for a call, and keeps what is about to be delivered of it. Which offers may not be made, or why none may. */
export async function judgeChallenge(
  offers: readonly Offer[],
  call: Call,
  gate: Gate,
  session: Session,
): Promise<ReadonlySet<number> | Denial> {
  const facts = factsOf(gate, session);
  if ('code' in facts) return facts;
  const judged = await judgeOffers(offers, call, facts, session.ports);
  if (judged.cut.size === offers.length) return judged.denial ?? UNLIMITED;
  return (await keepChallenge(offers, judged, call, session)) ?? judged.cut;
}

/** Judges dearest first, and holds the price of the dearest that may be made. */
async function judgeOffers(offers: readonly Offer[], call: Call, facts: Facts, ports: Ports): Promise<JudgedOffers> {
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
    const tried = await hold(plan, ports);
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
  { store, log }: Ports,
): Promise<{ readonly reservation?: Reservation | undefined; readonly denial?: Denial }> {
  if (plan.kind === 'deny') return { denial: plan.denial };
  if (plan.reservable.draws.length === 0) return {};
  const planned = { ...plan, shadow: [], holds: [], idempotencyWindow: 0 };
  const [verdict] = await reserve([{ ...plan.reservable, hold: undefined, claim: undefined }], { store, log, failMode: 'closed' });
  if (!verdict) return { denial: UNLIMITED };
  const decision = verdict.kind === 'failed' ? concludeFailed(planned, verdict.why) : conclude(planned, verdict);
  if (decision.outcome === 'allow') return { reservation: decision.reservation };
  return { denial: decision.outcome === 'deny' ? decision.denial : UNLIMITED };
}

/** A challenge holds its price so long at most, ms. */
const CHALLENGE_TIMEOUT = 600_000;
/** Characters of one that is kept: agents can be asked as often as they like. */
const MAX_KEPT = 65_536;

/** Keeps what is about to be delivered of these offers until its time is over; or answers why it may not be delivered. */
async function keepChallenge(
  all: readonly Offer[],
  { cut, reservation }: JudgedOffers,
  call: Call,
  { ports, client, identity }: Session,
): Promise<Denial | undefined> {
  const offers = all.filter((_, index) => !cut.has(index));
  const refused = all.filter((_, index) => cut.has(index));
  const now = ports.clock();
  const most = now + CHALLENGE_TIMEOUT;
  const until = Math.max(now, ...offers.map(({ expiresAt }) => Math.min(expiresAt ?? most, most)));
  const challenge = { call: identity.fingerprint(call), agent: agentKey({ ...client, agent: call.agent }), offers, refused, until };
  const denied = JSON.stringify(challenge).length > MAX_KEPT ? TOO_LARGE : await deliver(challenge, reservation, ports);
  // INVARIANT I4: where the store failed it may have kept the challenge all the same, and gives back by itself.
  if (denied && denied.code !== 'state_error' && reservation) await endReservations([{ reservation, outcome: 'released' }], ports);
  return denied;
}

async function deliver(challenge: DeliveredChallenge, reservation: Reservation | undefined, ports: Ports): Promise<Denial | undefined> {
  try {
    return (await ports.store.challenges.deliver(challenge, reservation)) === 'kept' ? undefined : TOO_MANY;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    ports.log.error(`state: ${why}`);
    return denial('state_error', '(state)', INTERNAL_ERROR, why);
  }
}

const TOO_LARGE: Denial = denial('unpriceable', '(payment)', 'The server asks for a payment in more words than can be kept');
const TOO_MANY: Denial = denial(
  'spend',
  '(payment)',
  'Too many payments are asked for and not made: pay one of them, or wait up to ten minutes',
);
