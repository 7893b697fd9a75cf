/**
 * Finds what a call pays (policy.md §8). A credential pays only an offer that was delivered to this agent for this very call;
 * what was delivered is kept in the store, so that neither a restart nor other clients make it forgotten.
 */
import type { OpenChallenge } from '../../core/challenge.ts';
import type { Offer } from '../../core/offer.ts';
import type { Arrival, Paid, Paying, Payment } from '../../engine/arrival.ts';
import type { Ports, Served } from '../../engine/ports.ts';
import type { Credential } from '../../mcp/payments/credential.ts';
import type { Session } from '../state.ts';

/** Reads what each of the calls pays; of one whose challenges the store does not give, why. */
export function readPayments(arrivals: readonly Arrival[], session: Session): Promise<readonly Paying[]> {
  return Promise.all(
    arrivals.map(async (arrival) => {
      try {
        return { ...arrival, payment: await paidBy(arrival, session) };
      } catch (error) {
        return { ...arrival, payment: { failed: error instanceof Error ? error.message : String(error) } };
      }
    }),
  );
}

/**
 * Finds what a call pays by the credentials it carries; `unasked` where nobody asked for it, or more than one thing is paid.
 * A continuation (wire.md §2.12) that repeats what the call paid with before pays nothing more.
 */
async function paidBy({ call, held, credentials }: Arrival, { ports, identity }: Session): Promise<Paid> {
  const carried = credentials?.() ?? [];
  if (carried.length === 0) return undefined;
  const [credential, ...others] = carried;
  if (!credential || others.length > 0) return 'unasked';
  if (credential.text === held?.payment?.text) return undefined;
  const open = await ports.store.challenges.openFor(identity.fingerprint(call));
  return paidOf(open, credential) ?? 'unasked';
}

function paidOf(open: readonly OpenChallenge[], credential: Credential): Payment | undefined {
  const refused = open.flatMap((challenge) => challenge.refused);
  for (const { id, offers } of open) {
    const offer = paidOffer(offers, refused, credential);
    if (offer) return { offer, challenge: id, text: credential.text };
  }
  return undefined;
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

/** Gives back what unpaid challenges held, whoever delivered them. Never rejects: what fails is tried again. To be called about once a second. */
export async function releaseUnpaid({ rules }: Served, { store, log }: Ports): Promise<void> {
  if (!rules.current?.policy.uses.spend) return;
  try {
    await store.challenges.expire();
  } catch (error) {
    log.debug(`state: what unpaid challenges hold was not given back: ${error instanceof Error ? error.message : String(error)}`);
  }
}
