/**
 * What a modern client brings back from an approval page (policy.md §12): the state that it was given, protected by an
 * HMAC. It lets nothing pass; it only tells that what came with it is the proxy's, and not for the server.
 */
import type { HeldApproval } from '../../core/approval.ts';
import type { Call } from '../../core/decision.ts';
import { isObject, type Json } from '../../core/json.ts';
import { cutMembers } from '../../mcp/json/edit.ts';
import { readClientFrame } from '../../mcp/messages/client.ts';
import type { RequestFrame, ToolCall } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { type Refusal, refuse } from '../../mcp/messages/refusal.ts';
import type { Session } from '../state.ts';

const STATE = 'intercept-approval.';
/**
 * The id of a request to the client is this and the record's. SECURITY: nothing of `Session.ownPrefix`, which no agent may
 * know: with it, it could have a call's answer taken for the server's tool list.
 */
export const PAGE_REQUEST = 'intercept-page-';

/** Whether these capabilities are of a client that shows pages. */
export function showsPages(capabilities: Json | undefined): boolean {
  const elicitation = isObject(capabilities) ? capabilities.get('elicitation') : undefined;
  return isObject(elicitation) && isObject(elicitation.get('url'));
}

/** Whether a client's answer is to a request of the proxy's own, which the server knows nothing of. */
export function isOwnAnswer(id: RequestId | undefined, { shown }: Session): boolean {
  return id?.key.startsWith(`s:${PAGE_REQUEST}`) === true && shown.has(id.key.slice(PAGE_REQUEST.length + 2));
}

/** The state for a call that may come back with it. */
export function ownState(call: Call, { expiresAt }: HeldApproval, { identity, ports }: Session): string {
  const content = `${expiresAt}.${identity.continuationKey(call, undefined)}`;
  return `${STATE}${content}.${ports.sign(content)}`;
}

/** Whether a call carries a state that is meant for the proxy, and not for the server. */
export function isOwnState(state: string | undefined): state is string {
  return state?.startsWith(STATE) ?? false;
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
