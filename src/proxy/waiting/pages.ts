/**
 * A held call's approval page, shown by clients that declare URL elicitation (policy.md §12): with a request of the
 * proxy's own in the legacy era, with `input_required` in the modern one. SECURITY: the page asks a human, who signs in
 * there; what the client answers decides nothing, and none of it goes to the server. The state that
 * a modern client brings back is protected by an HMAC; it only shows that what came with it is the proxy's.
 */

import { type Answer, DECISION_KEY } from '../../core/answer.ts';
import type { HeldApproval } from '../../core/approval.ts';
import type { Call } from '../../core/decision.ts';
import { isObject, type Json } from '../../core/json.ts';
import { isMethodAllowed } from '../../core/match.ts';
import type { Arrival } from '../../engine/arrival.ts';
import type { Gate } from '../../engine/gate.ts';
import { cutMembers } from '../../mcp/json/edit.ts';
import { readClientFrame } from '../../mcp/messages/client.ts';
import type { RequestFrame, ToolCall } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { type Refusal, refuse } from '../../mcp/messages/refusal.ts';
import { CAPABILITIES_KEY } from '../../mcp/messages/revisions.ts';
import type { Route } from '../deliver.ts';
import type { Enforced } from '../enforce.ts';
import type { Session } from '../state.ts';

const STATE = 'intercept-approval.';
/**
 * The id of a request to the client is this and the record's. SECURITY: nothing of `Session.ownPrefix`, which no agent may
 * know: with it, it could have a call's answer taken for the server's tool list.
 */
export const PAGE_REQUEST = 'intercept-page-';

/** True where the client declares that it shows pages. */
export function showsPages(capabilities: Json | undefined): boolean {
  const elicitation = isObject(capabilities) ? capabilities.get('elicitation') : undefined;
  return isObject(elicitation) && isObject(elicitation.get('url'));
}

/** True where a client answers a request of the proxy's own, which the server knows nothing of. */
export function isOwnAnswer(id: RequestId | undefined, { shown }: Session): boolean {
  return id?.key.startsWith(`s:${PAGE_REQUEST}`) === true && shown.has(id.key.slice(PAGE_REQUEST.length + 2));
}

/** The state for a call that may come back with it. */
export function ownState(call: Call, { expiresAt }: HeldApproval, { identity, ports }: Session): string {
  const content = `${expiresAt}.${identity.continuationKey(call, undefined)}`;
  return `${STATE}${content}.${ports.sign(content)}`;
}

/** True for a state that is meant for the proxy, and not for the server. */
export function isOwnState(state: string): boolean {
  return state.startsWith(STATE);
}

/**
 * The call without the state and the answers that are the proxy's: what the server gets. Refused where the state is not
 * one that was given for this call, or its time is over.
 */
export function withoutOwnState(
  frame: RequestFrame,
  { name, args, requestState = '' }: ToolCall,
  fingerprint: string | undefined,
  session: Session,
): RequestFrame | Refusal {
  const { ports, limits, client, identity } = session;
  const content = requestState.slice(STATE.length, requestState.lastIndexOf('.'));
  const genuine = ports.sha256(requestState) === ports.sha256(`${STATE}${content}.${ports.sign(content)}`);
  const [until, key] = content.split('.');
  const sameCall = key === identity.continuationKey({ tool: name, args, agent: client.agent, session: undefined, fingerprint }, undefined);
  const { span } = frame.params;
  if (!genuine || !sameCall || Number(until) <= ports.clock() || !span) return refuse('bad_call', NOT_OURS, frame.id);
  const text = cutMembers(frame.text, frame.span, span, ['requestState', 'inputResponses']);
  const cut = readClientFrame(new TextEncoder().encode(text), limits);
  return cut.kind === 'request' ? cut : refuse('bad_call', NOT_OURS, frame.id);
}

const NOT_OURS = '"requestState" is not one that was given for this call, or its time is over: make the call again without it';

type Judging = Extract<Route, { kind: 'judge' }>;

/** A held call whose client is asked to show the page and to come back. */
export interface Asking {
  readonly kind: 'ask';
  readonly answer: Answer;
  readonly page: string;
  /** Of the call that may come back with it. */
  readonly state: string;
}

const ELICIT = 'elicitation/create';
const KEY = 'intercept_approval';
/** Pages that a session remembers to have shown. */
const MAX_SHOWN = 1_024;

/** Shows the page of a call that is held, where client, policy and configuration let it; else the outcome stays as it is. */
export function showPage(
  route: Judging,
  { call, held }: Arrival,
  outcome: Enforced,
  { rulebook }: Gate,
  session: Session,
): Enforced | Asking {
  if (outcome.kind !== 'answer' || !outcome.approval || held) return outcome;
  const page = session.ports.approvalPage?.(outcome.approval.id);
  if (page === undefined || !rulebook || !isMethodAllowed(rulebook.policy, ELICIT)) return outcome;
  if (route.frame.modern) {
    if (route.returned || !showsPages(route.toolCall.meta?.get(CAPABILITIES_KEY))) return outcome;
    return { kind: 'ask', answer: outcome.answer, page, state: ownState(call, outcome.approval, session) };
  }
  if (session.protocol.showsPages) request(page, outcome.approval, outcome.answer, route, session);
  return outcome;
}

/** The `input_required` that asks a modern client to show the page. */
export function renderAsking(id: string, { answer, page, state }: Asking): string {
  const params = { mode: 'url', message: answer.text, url: page };
  const result = {
    resultType: 'input_required',
    inputRequests: { [KEY]: { method: ELICIT, params } },
    requestState: state,
    _meta: { [DECISION_KEY]: answer.meta },
  };
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`;
}

/** Notifies a legacy client that the human is done with the page. */
export function endPage({ id }: HeldApproval, { to }: Judging, { shown, output }: Session): void {
  if (!shown.has(id)) return;
  const params = JSON.stringify({ elicitationId: id });
  output.toAgent([`{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":${params}}`], to?.exchange);
}

/** One page for one record, however often the call is repeated meanwhile. */
function request(page: string, { id }: HeldApproval, { text }: Answer, { to }: Judging, session: Session): void {
  const { shown, output } = session;
  if (shown.has(id)) return;
  if (shown.size >= MAX_SHOWN) shown.clear();
  shown.add(id);
  const own = JSON.stringify(`${PAGE_REQUEST}${id}`);
  const params = JSON.stringify({ mode: 'url', message: text, url: page, elicitationId: id });
  output.toAgent([`{"jsonrpc":"2.0","id":${own},"method":"${ELICIT}","params":${params}}`], to?.exchange);
}
