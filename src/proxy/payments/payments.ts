/**
 * Payment challenges that were delivered and are not paid (policy.md §8). Each holds what its dearest offer costs, until
 * it is paid, or over. A credential pays only an offer that was delivered to this agent for this very call.
 */
import type { Offer } from '../../core/offer.ts';
import type { Reservation } from '../../core/store.ts';
import type { Credential } from '../../mcp/credential.ts';

/** How long a challenge holds its price at most, ms. */
export const CHALLENGE_TIMEOUT = 600_000;

/** Of one agent; beyond that the oldest is given up: what it holds stays spent. */
const MAX_OPEN = 1_024;

/** One challenge: any one of its offers may be paid, once. */
export interface DeliveredChallenge {
  /** The fingerprint of the call that it was made for. */
  readonly call: string;
  readonly offers: readonly Offer[];
  /** Those that were taken out: the server would still take a payment of them. */
  readonly refused: readonly Offer[];
  /** Undefined where no limit counts, or where a payment that failed gave it back. */
  readonly reservation: Reservation | undefined;
  /** Epoch ms. */
  readonly until: number;
}

/** What a call pays. */
export interface Payment {
  readonly offer: Offer;
  readonly challenge: DeliveredChallenge;
  /** The credential's. */
  readonly text: string;
  /** What was to be paid is asked for again. */
  putBack(): void;
}

export interface Payments {
  keep(challenge: DeliveredChallenge): void;
  /** What the credential pays, which is then nobody else's to pay; undefined where it was not asked for. */
  take(call: string, credential: Credential, now: number): Payment | undefined;
  /** Challenges whose time is over. */
  expired(now: number): readonly DeliveredChallenge[];
  /** Whether nothing is asked for. */
  readonly isEmpty: boolean;
  /** Whether it is the first time that a call succeeded whose price nobody knows. */
  firstUnpriced(): boolean;
}

export function createPayments(): Payments {
  /** In the order in which they were delivered. */
  const open = new Set<DeliveredChallenge>();
  let unpriced = false;
  return {
    get isEmpty() {
      return open.size === 0;
    },
    keep(challenge) {
      open.add(challenge);
      for (const oldest of open) {
        if (open.size <= MAX_OPEN) break;
        open.delete(oldest);
      }
    },
    take(call, credential, now) {
      const asked = [...open].filter((challenge) => challenge.call === call && challenge.until > now);
      const refused = asked.flatMap((challenge) => challenge.refused);
      for (const challenge of asked) {
        const offer = paidOffer(challenge.offers, refused, credential);
        if (!offer) continue;
        open.delete(challenge);
        return { offer, challenge, text: credential.text, putBack: () => void open.add(challenge) };
      }
      return undefined;
    },
    expired(now) {
      const over = [...open].filter(({ until }) => until <= now);
      for (const challenge of over) open.delete(challenge);
      return over;
    },
    firstUnpriced() {
      const first = !unpriced;
      unpriced = true;
      return first;
    },
  };
}

/** SECURITY: what is signed for may not be more than the offer that was judged; of several that fit, none is meant for certain. */
function paidOffer(offers: readonly Offer[], refused: readonly Offer[], { protocol, pays, amount, most }: Credential): Offer | undefined {
  const fits = (offer: Offer) => offer.protocol === protocol && pays(offer.key);
  const [found, ...others] = offers.filter(fits);
  if (!found || others.some(({ key }) => key !== found.key)) return undefined;
  // What was taken out is another one for certain where both are of one asset, and the amount is known to be this one's.
  if (refused.some((offer) => fits(offer) && offer.key !== found.key && (amount === undefined || offer.asset !== found.asset)))
    return undefined;
  return isAtMost(most, found.amount) ? { ...found, isUnread: amount === undefined } : undefined;
}

function isAtMost(named: bigint, offered: string | undefined): boolean {
  return offered !== undefined && /^\d{1,78}$/.test(offered) && named <= BigInt(offered);
}
