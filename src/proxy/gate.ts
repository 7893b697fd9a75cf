/** Requests other than tool calls, in both directions (policy.md §2 `methods`, §11): allowed or refused with -32010. */

import { renderDenial } from '../core/answer.ts';
import { INTERNAL_ERROR } from '../core/conclude.ts';
import type { Denial } from '../core/decision.ts';
import { isObject, type Json } from '../core/json.ts';
import { isMethodAllowed, passesPause } from '../core/methods.ts';
import { denial, pausedText } from '../core/plan.ts';
import { renderError } from '../mcp/reply.ts';
import type { Gate } from './state.ts';

/** The JSON-RPC code of a request that the policy refuses (policy.md §13). */
export const REFUSED = -32010;

/** Why a method may not pass, or undefined where it may. In shadow mode only a pause refuses. */
export function refusalOf(method: string, { rulebook, pause, fault }: Gate): Denial | undefined {
  if (fault !== undefined && !passesPause(method))
    return rulebook?.policy.mode === 'shadow' ? undefined : denial('state_error', '(state)', INTERNAL_ERROR, fault);
  if (!rulebook) return undefined;
  if (pause && !passesPause(method)) return denial('paused', '(paused)', pausedText(pause));
  return rulebook.policy.mode === 'enforce' ? methodDenial(method, rulebook.policy) : undefined;
}

/** What the policy's `methods` say, shadow mode or not. */
export function methodDenial(method: string, policy: NonNullable<Gate['rulebook']>['policy']): Denial | undefined {
  if (isMethodAllowed(policy, method)) return undefined;
  return denial('rule', '(methods)', `Method ${JSON.stringify(method)} is not permitted by policy`);
}

/**
 * Requests that stand inside an answer or a task's status (`inputRequests`) are subject to `methods` like any other
 * (policy.md §2). Answers with the first refusal, or `unreadable` where it cannot be told what is asked.
 */
export function refusedInput(requests: Json | undefined, gate: Gate): Denial | 'unreadable' | undefined {
  if (requests === undefined) return undefined;
  if (!isObject(requests)) return 'unreadable';
  for (const request of requests.values()) {
    const method = isObject(request) ? request.get('method') : undefined;
    if (typeof method !== 'string') return 'unreadable';
    const refused = refusalOf(method, gate);
    if (refused) return refused;
  }
  return undefined;
}

/** The error that answers a refused request. `id` is its JSON text. */
export function renderRefusal(id: string, refused: Denial, now: number): string {
  const { text, meta } = renderDenial(refused, now);
  return renderError(id, REFUSED, text, meta);
}
