/** Requests other than tool calls, in both directions (policy.md §2 `methods`, §11): allowed or refused with -32010. */

import { DECISION_KEY, renderDenial } from '../core/answer.ts';
import { INTERNAL_ERROR } from '../core/conclude.ts';
import type { Denial } from '../core/decision.ts';
import { isObject, type Json } from '../core/json.ts';
import { passesPause } from '../core/match.ts';
import { BY_METHODS, denial, methodDenial, pausedText, selfDenial } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import type { Slices } from '../core/slices.ts';
import { type Gate, NO_POLICY } from '../engine/gate.ts';
import type { Served } from '../engine/ports.ts';
import { endsWithin, readLongString, readString } from '../mcp/json/values.ts';
import type { ClientMessage } from '../mcp/messages/frame.ts';
import { emptyListOf, renderEmptyList, renderError } from '../mcp/messages/reply.ts';

/** The JSON-RPC code of a request that the policy refuses (policy.md §13). */
export const REFUSED = -32010;

/** The first text in a large message of the agent that names one of Intercept's own files (policy.md §5.1): looked for text by text, with a pause after so many characters. */
export function* ownPathInSlices({ text, span }: ClientMessage, { own }: Pick<Served, 'own'>): Slices<string | undefined> {
  if (!own) return undefined;
  const cursor = { text, at: text.indexOf('"', span.start) };
  for (let pausedAt = cursor.at; cursor.at >= 0 && cursor.at < span.end; cursor.at = text.indexOf('"', cursor.at)) {
    const isShort = endsWithin(text, cursor.at, SLICE);
    const found = isShort ? readString(cursor) : yield* readLongString(cursor);
    if (isShort ? own.names(found) : yield* own.namesInSlices(found)) return found;
    if (cursor.at - pausedAt <= SLICE) continue;
    pausedAt = cursor.at;
    yield;
  }
  return undefined;
}

/** Characters between two pauses. */
const SLICE = 32 * 1024;

/** Why a method may not pass, or undefined where it may. In shadow mode only a pause refuses. `ownPath` is what the message names of ours. */
export function refusalOf(method: string, gate: Gate, ownPath?: string): Denial | undefined {
  const halt = passesPause(method) ? undefined : haltOf(gate);
  if (halt) return halt;
  const { rulebook } = gate;
  if (!rulebook) return ownPath === undefined ? undefined : selfDenial(ownPath);
  return rulebook.policy.mode === 'enforce' ? policyDenial(method, rulebook.policy, ownPath) : undefined;
}

/**
 * Why an answer of the agent may not go to the server (policy.md §11). `asked` is the method of the server's request: an
 * answer to what a pause lets through is no more than that. Undefined where nobody knows it.
 */
export function refusedAnswer(asked: string | undefined, gate: Gate, ownPath: string | undefined): Denial | undefined {
  const refused = asked !== undefined && passesPause(asked) ? undefined : haltOf(gate);
  if (refused) return refused;
  return ownPath === undefined || gate.rulebook?.policy.mode === 'shadow' ? undefined : selfDenial(ownPath);
}

/** Finds what stops everything: a pause, also in shadow mode, or a store that cannot tell whether there is one. */
function haltOf({ rulebook, pause, fault }: Gate): Denial | undefined {
  if (!rulebook) return NO_POLICY;
  if (fault !== undefined) return rulebook.policy.mode === 'shadow' ? undefined : denial('state_error', '(state)', INTERNAL_ERROR, fault);
  return pause && denial('paused', '(paused)', pausedText(pause));
}

/** Denies, apart from pauses, messages that name our files, and those that `methods` deny. */
export function policyDenial(method: string, policy: Policy, ownPath: string | undefined): Denial | undefined {
  return ownPath === undefined ? methodDenial(method, policy) : selfDenial(ownPath);
}

/**
 * Requests that stand inside an answer or a task's status (`inputRequests`) are subject to `methods` like any other
 * (policy.md §2). Answers with the first refusal, or `unreadable` where nobody can know what is asked.
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

/**
 * Answers a refused request of the agent: a list that `methods` denies is empty, as hidden tools leave theirs, because clients
 * ask for it whatever is declared and show its error; anything else is an error (policy.md §13).
 */
export function answerRefused(method: string, id: string, refused: Denial, modern: boolean, now: number): string {
  const list = refused.rule === BY_METHODS ? emptyListOf(method) : undefined;
  if (!list) return renderRefusal(id, refused, now);
  return renderEmptyList(id, list, { meta: { [DECISION_KEY]: renderDenial(refused, now).meta }, resultType: modern });
}
