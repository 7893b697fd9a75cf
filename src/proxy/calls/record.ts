/** The audit record of a decision (cli.md §2). */
import { agentKey } from '../../core/agent-key.ts';
import type { AuditEvent, CallEvent, PlainEvent, ShadowVerdict } from '../../core/audit.ts';
import type { ReasonCode } from '../../core/codes.ts';
import { shadowVerdict } from '../../core/conclude.ts';
import { renderMicros } from '../../core/decimal.ts';
import type { Decision } from '../../core/decision.ts';
import type { Plan } from '../../core/plan.ts';
import type { Policy } from '../../core/policy.ts';
import type { Reservation } from '../../core/store.ts';
import type { Arrival } from '../../engine/arrival.ts';
import type { Session } from '../state.ts';

/** The records of one decision: the call's, and the approval's where a hold opened or met one. */
export function recordOf(
  arrival: Arrival,
  planned: Plan | undefined,
  decision: Decision,
  policy: Policy | undefined,
  session: Session,
): AuditEvent[] {
  const shadow = policy?.mode === 'shadow';
  const call = callEvent(arrival, planned, decision, policy, session);
  const hasApproval = decision.outcome === 'hold' || (decision.outcome === 'allow' && decision.reservation?.approval !== undefined);
  const about = hasApproval && !shadow ? approvalEvent(arrival, decision, policy) : undefined;
  return about ? [call, about] : [call];
}

function approvalEvent(arrival: Arrival, decision: Decision, policy: Policy | undefined): PlainEvent | undefined {
  const of = { call: arrival.id, tool: arrival.call.tool };
  if (decision.outcome === 'allow' && decision.reservation?.approval)
    return { type: 'approval_consumed', policy, fields: { approval: decision.reservation.approval.id, ...of } };
  const approval = decision.outcome === 'hold' ? decision.hold.approval : undefined;
  if (!approval) return undefined;
  return {
    type: approval.reused ? 'approval_reused' : 'approval_requested',
    policy,
    fields: { approval: approval.id, ...of, expires_at: new Date(approval.expiresAt).toISOString() },
  };
}

function callEvent(
  arrival: Arrival,
  planned: Plan | undefined,
  decision: Decision,
  policy: Policy | undefined,
  session: Session,
): CallEvent {
  const { call } = arrival;
  return {
    type: 'tool_call',
    policy,
    call: arrival.id,
    tool: call.tool,
    ...outcomeOf(decision, policy?.mode === 'shadow'),
    args: call.args,
    argsText: arrival.argsText,
    meta: arrival.meta,
    inputs: arrival.inputs,
    agent: call.agent,
    agentKey: agentKey({ agent: call.agent, credential: session.client.credential }),
    client: arrival.client,
    session: call.session,
    requestId: arrival.requestId,
    durationUs: Math.round((session.ports.monotonic() - arrival.arrivedAt) * 1000),
    draws: decision.outcome === 'allow' && decision.reservation ? drawsOf(planned, decision.reservation) : undefined,
  };
}

type Outcome = Pick<CallEvent, 'result' | 'code' | 'rule' | 'message' | 'why' | 'isUnknown' | 'approval' | 'shadow'>;

function outcomeOf(decision: Decision, shadow: boolean): Outcome {
  const verdict = shadowVerdict(decision);
  if (decision.outcome === 'allow')
    return { result: 'allowed', approval: decision.reservation?.approval?.id, shadow: noneIfEmpty(decision.shadow) };
  if (decision.outcome === 'replay') return { result: 'replayed', shadow: noneIfEmpty(decision.shadow) };
  if (shadow && verdict && verdict.code !== 'paused') return { result: 'allowed', shadow: [...decision.shadow, verdict] };
  if (decision.outcome === 'deny') {
    const { code, rule, message, why, advice } = decision.denial;
    return {
      result: 'denied',
      code,
      rule,
      message,
      why: why === message ? undefined : why,
      isUnknown: advice !== undefined || UNJUDGED.has(code),
      shadow: noneIfEmpty(decision.shadow),
    };
  }
  const { rule, message, why, approval } = decision.hold;
  return {
    result: 'approval_required',
    code: 'approval_required',
    rule,
    message,
    why,
    isUnknown: why !== undefined,
    approval: approval?.id,
    shadow: noneIfEmpty(decision.shadow),
  };
}

/** The agent's message does not name these reasons. */
const UNJUDGED: ReadonlySet<ReasonCode> = new Set([
  'self',
  'look_alike',
  'schema',
  'indeterminate',
  'unpriceable',
  'state_error',
  'audit_error',
]);

function noneIfEmpty(shadow: readonly ShadowVerdict[]): readonly ShadowVerdict[] | undefined {
  return shadow.length > 0 ? shadow : undefined;
}

function drawsOf(planned: Plan | undefined, reservation: Reservation): CallEvent['draws'] {
  if (planned?.kind !== 'store') return undefined;
  const { counters, sources } = planned.draft;
  return reservation.draws.map(({ id, micros }) => ({
    counter: sources[counters.findIndex((counter) => counter.id === id)]?.label ?? id,
    amount: renderMicros(micros),
  }));
}
