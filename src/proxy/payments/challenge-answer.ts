/** The answer to a request whose server asks to be paid (policy.md §8): the challenge as far as it may be paid, or a denial. */
import { DECISION_KEY, renderDenial } from '../../core/answer.ts';
import type { Denial } from '../../core/decision.ts';
import type { ForwardedCall } from '../../engine/arrival.ts';
import { UNREADABLE_CHALLENGE } from '../../engine/enforce-answer.ts';
import type { Gate } from '../../engine/gate.ts';
import { renderJson } from '../../mcp/json/values.ts';
import type { FrameBytes, NotificationFrame, ResponseFrame } from '../../mcp/messages/frame.ts';
import { renderError, renderToolResult, withoutDecision } from '../../mcp/messages/reply.ts';
import { MODERN } from '../../mcp/messages/revisions.ts';
import { readServerFrameInSlices } from '../../mcp/messages/server.ts';
import { type Challenge, findChallenge } from '../../mcp/payments/payment.ts';
import { recordOf } from '../calls/record.ts';
import { renderRefusal } from '../gate.ts';
import type { PendingRequest } from '../requests/inflight.ts';
import type { Session } from '../state.ts';
import { atOnceOrInTurns, inTurns } from '../turns.ts';
import { judgeChallenge, UNLIMITED } from './challenge.ts';

/** What the message asks to be paid. */
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

/** Whether the message asks for a payment, and limits on what calls cost are enforced. */
export function isPriced(frame: Parameters<typeof challengeIn>[0], { rulebook }: Gate): boolean | Promise<boolean> {
  if (!rulebook?.policy.uses.spend || rulebook.policy.mode !== 'enforce') return false;
  const asked = challengeIn(frame);
  return asked instanceof Promise ? asked.then((found) => found !== undefined) : asked !== undefined;
}
