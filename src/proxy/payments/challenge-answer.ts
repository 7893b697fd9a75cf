/** The answer to a request whose server asks to be paid (policy.md §8), in a message or by an HTTP 402: the challenge as far as it may be paid, or a denial. */
import { DECISION_KEY, renderDenial } from '../../core/answer.ts';
import type { Denial } from '../../core/decision.ts';
import type { Offer } from '../../core/offer.ts';
import { denial } from '../../core/plan.ts';
import type { ForwardedCall } from '../../engine/arrival.ts';
import { UNREADABLE_CHALLENGE } from '../../engine/enforce-answer.ts';
import { type Gate, readGate } from '../../engine/gate.ts';
import { renderJson } from '../../mcp/json/values.ts';
import type { FrameBytes, NotificationFrame, ResponseFrame } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { renderError, renderToolResult, withoutDecision } from '../../mcp/messages/reply.ts';
import { MODERN } from '../../mcp/messages/revisions.ts';
import { readServerFrameInSlices } from '../../mcp/messages/server.ts';
import { type Challenge, findChallenge } from '../../mcp/payments/payment.ts';
import { recordOf } from '../calls/record.ts';
import { answer } from '../deliver.ts';
import { renderRefusal } from '../methods.ts';
import type { PendingRequest } from '../requests/inflight.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';
import { atOnceOrInTurns, inTurns } from '../turns.ts';
import { judgeChallenge, UNLIMITED } from './challenge.ts';

/** Finds the payment that the message asks for. */
export function challengeIn(
  frame: Pick<ResponseFrame | NotificationFrame, 'text' | 'span'>,
): Challenge | undefined | Promise<Challenge | undefined> {
  return atOnceOrInTurns(findChallenge(frame));
}

/** Judges the challenge that a call was answered with, once the call is settled. In shadow mode it passes. */
export async function answerChallenge(
  asked: Challenge,
  frame: ResponseFrame,
  bytes: FrameBytes,
  request: PendingRequest,
  call: ForwardedCall,
  gate: Gate,
  session: Session,
): Promise<FrameBytes> {
  if (asked.kind === 'unreadable') {
    session.ports.log.warn(`refused an answer of the server: ${UNREADABLE_CHALLENGE}`);
    return renderError(request.id.text, -32603, `the server's answer could not be read: ${UNREADABLE_CHALLENGE}`);
  }
  if (gate.rulebook?.policy.mode !== 'enforce') return withoutDecision(frame) ?? bytes;
  const cut = await judgeChallenge(asked.offers, call.call, gate, session);
  if ('code' in cut) return refuseChallenge(cut, request, call, gate, session);
  return cut.size === 0 ? (withoutDecision(frame) ?? bytes) : await readAgain(asked.without(cut));
}

/** SECURITY: what is left may not carry a decision's mark either. */
async function readAgain(text: string): Promise<string> {
  const frame = await inTurns(readServerFrameInSlices(new TextEncoder().encode(text)));
  return frame.kind === 'response' ? (withoutDecision(frame) ?? text) : text;
}

/** The denial in the challenge's place, recorded like any other. */
export function refuseChallenge(
  denied: Denial,
  request: PendingRequest,
  { id, call }: ForwardedCall,
  { rulebook }: Gate,
  session: Session,
): string {
  const { ports, protocol } = session;
  const arrival = {
    id,
    call,
    argsText: renderJson(call.args),
    requestId: request.id.text,
    client: protocol.client,
    arrivedAt: ports.monotonic(),
  };
  try {
    ports.audit.write(recordOf(arrival, undefined, { outcome: 'deny', denial: denied, shadow: [] }, rulebook?.policy, session));
  } catch (error) {
    ports.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { text, meta } = renderDenial(denied, ports.clock());
  const resultType = request.modern || (protocol.version ?? '') >= MODERN;
  return renderToolResult(request.id.text, { text, meta: { [DECISION_KEY]: meta }, resultType });
}

/** Refuses the payment that anything but a call asks for: no limit is about it. Undefined where it does not ask, or in shadow mode. */
export async function refusedAsking(
  frame: ResponseFrame,
  request: PendingRequest,
  gate: Gate,
  session: Session,
): Promise<string | undefined> {
  if (!(await isPriced(frame, gate))) return undefined;
  session.ports.log.warn(`refused an answer of the server: ${request.method} asks for a payment`);
  return renderRefusal(request.id.text, UNLIMITED, session.ports.clock());
}

/** True where the message asks for a payment, and limits on what calls cost are enforced. */
export function isPriced(frame: Parameters<typeof challengeIn>[0], { rulebook }: Gate): boolean | Promise<boolean> {
  if (!rulebook?.policy.uses.spend || rulebook.policy.mode !== 'enforce') return false;
  const asked = challengeIn(frame);
  return asked instanceof Promise ? asked.then((found) => found !== undefined) : asked !== undefined;
}

/**
 * Finds the offers that must be taken out before the answer may reach the client: none where no limit is in force.
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

/** True where the cost of calls is limited, and the limits are enforced. */
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
