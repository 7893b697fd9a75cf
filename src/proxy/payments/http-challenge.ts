/** Payments that a transport found outside of messages (policy.md §8): the challenge of an HTTP 402. */
import type { Denial } from '../../core/decision.ts';
import type { Offer } from '../../core/offer.ts';
import { denial } from '../../core/plan.ts';
import { type Gate, readGate } from '../../engine/gate.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { answer } from '../deliver.ts';
import { renderRefusal } from '../gate.ts';
import type { PendingRequest } from '../requests/inflight.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';
import { judgeChallenge, UNLIMITED } from './challenge.ts';
import { refuseChallenge } from './challenge-answer.ts';

/**
 * Which of the offers have to be taken out before the answer may reach the client: none where no limit is in force.
 * `answered`: nothing is left that may be paid, so each of the requests (by the ids that the server got) has been answered
 * with a denial. `all`: it asks of what may not be paid for, but is not only about that (`isDemand`).
 */
export async function judgeHttp(
  ids: readonly RequestId[],
  offers: readonly Offer[] | 'unreadable',
  isDemand: boolean,
  session: Session,
): Promise<ReadonlySet<number> | 'all' | 'answered'> {
  if (!limitsSpend(session) || offers.length === 0) return NONE;
  const gate = await readGate(session.served, session.ports);
  const requests = ids.flatMap(({ key }) => session.inflight.get(key) ?? []);
  const [only, ...others] = requests;
  const judged = only && others.length === 0 ? await judgeFor(only, offers, gate, session) : UNLIMITED;
  if (!('code' in judged)) return judged;
  if (judged === UNLIMITED && !isDemand) return 'all';
  await refuseAll(requests, judged, gate, session);
  return 'answered';
}

/** Whether what a call costs is limited, and the limits are enforced. */
export function limitsSpend({ served }: Session): boolean {
  const { policy } = served.rules.current ?? {};
  return policy?.uses.spend === true && policy.mode === 'enforce';
}

const NONE: ReadonlySet<number> = new Set();

async function judgeFor(
  request: PendingRequest,
  offers: readonly Offer[] | 'unreadable',
  gate: Gate,
  session: Session,
): Promise<ReadonlySet<number> | Denial> {
  const { purpose } = request;
  if (purpose.kind !== 'call' || !gate.rulebook) return UNLIMITED;
  if (offers === 'unreadable') return UNREADABLE;
  const cut = await judgeChallenge(offers, purpose.call.call, gate, session);
  if ('code' in cut) return cut;
  // INVARIANT I4: a call that was given up meanwhile is settled, and waits for nothing.
  // What the body asks is what was judged here.
  if (session.inflight.get(request.sentAs.key) === request) request.purpose = { ...purpose, challenged: true };
  return cut;
}

const UNREADABLE: Denial = denial('unpriceable', '(payment)', 'The server asks for a payment in a form that cannot be read');

async function refuseAll(requests: readonly PendingRequest[], denied: Denial, gate: Gate, session: Session): Promise<void> {
  for (const request of requests) {
    const { purpose, sentAs, to } = request;
    if (purpose.kind === 'judging' || !session.inflight.take(sentAs.key)) continue;
    if (purpose.kind === 'own') purpose.resolve(undefined);
    else if (purpose.kind === 'call') {
      await settle([{ call: purpose.call, outcome: { result: 'released', error: 'payment required' } }], session);
      answer(refuseChallenge(denied, request, purpose.call, gate, session), to, session);
    } else if (purpose.kind !== 'answered') answer(renderRefusal(request.id.text, denied, session.ports.clock()), to, session);
  }
}
