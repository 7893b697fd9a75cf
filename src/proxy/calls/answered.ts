/** The answer to a call: judged and settled, before the agent gets it or what stands in its place. */
import type { ForwardedCall } from '../../engine/arrival.ts';
import { answerIn, enforceAnswer, isTaskHandle } from '../../engine/enforce-answer.ts';
import type { Gate } from '../../engine/gate.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { FrameBytes, ResponseFrame } from '../../mcp/messages/frame.ts';
import { withoutDecision } from '../../mcp/messages/reply.ts';
import { answerChallenge, challengeIn } from '../payments/challenge-answer.ts';
import type { PendingRequest, Purpose } from '../requests/inflight.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';
import { keepTask } from './task-outcome.ts';

/**
 * Settles the call, and returns what the agent gets. `refused` is what it gets where the answer asks for what the policy
 * refuses. Where nothing is waited for, the call is settled, or kept, before this returns: the frame behind may be about it.
 */
export async function receiveCallAnswer(
  frame: ResponseFrame,
  bytes: FrameBytes,
  request: PendingRequest,
  { call, challenged }: Extract<Purpose, { kind: 'call' }>,
  refused: string | undefined,
  gate: Gate,
  session: Session,
): Promise<FrameBytes> {
  const finding = refused === undefined && !challenged && gate.rulebook?.policy.uses.spend ? challengeIn(frame) : undefined;
  const asked = finding instanceof Promise ? await finding : finding;
  const { outcome } = enforceAnswer(call, answerIn(frame), { isRefused: refused !== undefined, asked });
  if (outcome) await settle([{ call, outcome }], session);
  else keepOpen(frame, call, session);
  if (asked) return answerChallenge(asked, frame, bytes, request, call, gate, session);
  return refused ?? (frame.outcome === 'result' ? (withoutDecision(frame) ?? bytes) : bytes);
}

/** The call goes on: what it holds waits for its task to end, or for the client to continue it. */
function keepOpen(frame: ResponseFrame, call: ForwardedCall, session: Session): void {
  if (isTaskHandle(frame)) {
    keepTask(frame, call, session);
    return;
  }
  const state = readMember(frame, 'requestState');
  const key = session.identity.continuationKey(call.call, typeof state === 'string' ? state : undefined);
  const given = session.legs.keep(key, call, session.ports.clock());
  if (given) void settle([{ call: given, outcome: { result: 'kept', error: 'too many calls wait for a continuation' } }], session);
}
