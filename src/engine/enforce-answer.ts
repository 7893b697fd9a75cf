/**
 * Where the answer to a call is judged, whichever message brings it: the answer itself, the result of its task, or the
 * task's status. `enforce` judges the call on its way to the server, this judges what comes back.
 */
import type { OutcomeEvent } from '../core/audit.ts';
import { isObject, type Json } from '../core/json.ts';
import type { Span } from '../mcp/json/scan-types.ts';
import { membersOf } from '../mcp/messages/envelope.ts';
import type { ResponseFrame } from '../mcp/messages/frame.ts';
import { resultText } from '../mcp/messages/reply.ts';
import type { Challenge } from '../mcp/payments/payment.ts';
import type { SentCall } from './arrival.ts';

/** The end of a call. `text`: the JSON text of its result, for the repeats of an idempotent call (policy.md §9). */
export interface CallOutcome {
  readonly result: OutcomeEvent['result'];
  readonly error?: string | undefined;
  readonly text?: string | undefined;
}

/** A message of the server, as far as it concerns a call. */
export type CallAnswer =
  | {
      readonly kind: 'result';
      readonly isError: boolean;
      readonly asksForPayment: boolean;
      /** The message, and where in it the result stands; a task's status may say that it succeeded, and have none. */
      readonly text: string;
      readonly span: Span | undefined;
    }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'cancelled' }
  /** The call goes on, as a task or with input of the client. */
  | { readonly kind: 'open' };

/** Findings in the message besides. */
export interface Findings {
  /** It asks the client for what `methods` refuse. */
  readonly isRefused: boolean;
  /** It asks to be paid this, where the policy limits that. */
  readonly asked: Challenge | undefined;
}

export interface JudgedAnswer {
  /** True where the agent may have it as it is. What asks to be paid passes only as far as its offers do. */
  readonly passes: boolean;
  /** The end of the call; undefined while it goes on. */
  readonly outcome: CallOutcome | undefined;
}

/** SECURITY: what two readers read in two ways says nothing of how the call ended. */
export const UNREADABLE_CHALLENGE = 'it asks for a payment in a form that can be read in two ways';

/** Judges an answer before the call is settled and before its result is kept for a replay. */
export function enforceAnswer(call: SentCall, answer: CallAnswer, { isRefused, asked }: Findings = NOTHING_FOUND): JudgedAnswer {
  if (isRefused) return { passes: false, outcome: { result: 'kept', error: 'asks for what the policy refuses' } };
  if (asked) return { passes: false, outcome: outcomeOfAsking(answer, asked) };
  return { passes: true, outcome: outcomeOf(answer, call.holding.reservations.length > 0 && isClaimed(call)) };
}

const NOTHING_FOUND: Findings = { isRefused: false, asked: undefined };

/**
 * SPEC: policy.md §6 — a challenge is a failure. SECURITY: one that stands in a success may be the agent's own words, which
 * a server repeats: it frees no counter, and the result is kept for no identical call, which might be offered it unjudged.
 */
function outcomeOfAsking(answer: CallAnswer, asked: Challenge): CallOutcome | undefined {
  if (asked.kind === 'unreadable') return { result: 'kept', error: UNREADABLE_CHALLENGE };
  const outcome = outcomeOf(answer, false);
  return outcome?.result === 'released' ? { result: 'released', error: 'payment required' } : outcome;
}

function outcomeOf(answer: CallAnswer, isKept: boolean): CallOutcome | undefined {
  switch (answer.kind) {
    case 'open':
      return undefined;
    case 'failed':
      return { result: 'released', error: answer.error };
    case 'cancelled':
      return { result: 'kept', error: 'task cancelled' };
    case 'result':
      if (answer.isError) return { result: 'released', error: 'isError' };
      if (answer.asksForPayment) return { result: 'released', error: 'payment required' };
      return isKept ? { result: 'committed', text: resultText(answer.text, answer.span) } : { result: 'committed' };
  }
}

/** Tells a call whose result is kept, and given once more to an identical one (policy.md §9). */
export function isClaimed({ holding }: SentCall): boolean {
  return holding.reservations.some(({ claim }) => claim !== undefined);
}

/** Reads what the answer to a call, or to `tasks/result`, says of it. */
export function answerIn(frame: ResponseFrame): CallAnswer {
  if (frame.outcome === 'error') return { kind: 'failed', error: 'JSON-RPC error' };
  if (frame.resultType === 'input_required' || isTaskHandle(frame)) return { kind: 'open' };
  const { isError, text, result: span } = frame;
  return { kind: 'result', isError, asksForPayment: asksForPayment(frame), text, span };
}

/** Reads what a task's status says, of either form; a completed one may carry the result (2026-07-28). Undefined while it is under way. */
export function statusIn(read: (name: string) => Json | undefined, text: string, result: Span | undefined): CallAnswer | undefined {
  switch (read('status')) {
    case 'completed': {
      const value = read('result');
      return { kind: 'result', isError: isObject(value) && value.get('isError') === true, asksForPayment: false, text, span: result };
    }
    case 'failed':
      return { kind: 'failed', error: 'task failed' };
    case 'cancelled':
      return { kind: 'cancelled' };
    default:
      return undefined;
  }
}

/** A 2025-11-25 handle stands in `task`; the extension of 2026-07-28 says so in `resultType`. */
export function isTaskHandle(frame: ResponseFrame): boolean {
  return frame.resultType === 'task' || (frame.members.has('task') && !frame.members.has('content'));
}

/** Tells a result that says itself that it asks for a payment. SPEC: policy.md §6 — a payment challenge in any form is a failure. */
export function asksForPayment({ members, text }: ResponseFrame): boolean {
  const meta = members.get('_meta');
  return meta !== undefined && membersOf(text, meta).some(({ key }) => key === 'org.paymentauth/payment-required');
}
