/**
 * A held call's approval page, shown by clients that declare URL elicitation (policy.md §12): with a request of the
 * proxy's own in the legacy era, with `input_required` in the modern one. SECURITY: the page asks a human, who signs in
 * there; what the client answers decides nothing, and none of it goes to the server.
 */

import { type Answer, DECISION_KEY } from '../../core/answer.ts';
import type { HeldApproval } from '../../core/approval.ts';
import { isMethodAllowed } from '../../core/match.ts';
import type { Arrival } from '../../engine/arrival.ts';
import type { Gate } from '../../engine/gate.ts';
import { CAPABILITIES_KEY } from '../../mcp/messages/revisions.ts';
import type { Route } from '../deliver.ts';
import type { Enforced } from '../enforce.ts';
import type { Session } from '../state.ts';
import { ownState, PAGE_REQUEST, showsPages } from './own-state.ts';

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

/** Tells a legacy client that the human is done with the page. */
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
