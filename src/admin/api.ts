/** The routes of the API (cli.md §3), the older paths among them. */
import type { Approval, ApprovalState, ApprovalVerdict } from '../core/approval.ts';
import { renderApproval } from '../core/approval-json.ts';
import { type AdminAnswer, json, refuse } from './answer.ts';
import type { ApproverGate } from './approver.ts';
import { decideApproval, recordAnswer, refuseApprover, unknownRecord } from './decide.ts';
import type { AdminDeps } from './deps.ts';
import type { EventFeed } from './feed.ts';
import { renderOpenApi } from './openapi.ts';
import { operationRoutes } from './operations.ts';
import type { AdminCall, AdminRoute, RouteDoc } from './route.ts';
import { DECISION, ID, STATE } from './schemas.ts';

const LIST = 100;
const MOST_LISTED = 1_000;
/** Characters of arguments in one answer, beyond which no further record is added. */
const MOST_ARGS = 4 * 1024 * 1024;
const STATES: readonly string[] = STATE.enum as readonly string[];

/** All of them; the document is made of them. */
export function apiRoutes(deps: AdminDeps, gate: ApproverGate, feed: EventFeed): readonly AdminRoute[] {
  const routes: readonly AdminRoute[] = [
    ...approvalRoutes(deps, gate),
    ...olderRoutes(deps, gate),
    eventsRoute(feed),
    ...operationRoutes(deps, gate),
  ];
  const document: AdminRoute = {
    method: 'GET',
    path: '/v1/openapi.json',
    access: 'token',
    doc: { id: 'getDocument', summary: 'this document', answer: { component: 'Document' }, refusals: [] },
    answer: () => json(renderOpenApi([...routes, document], deps.about().version)),
  };
  return [...routes, document];
}

function approvalRoutes(deps: AdminDeps, gate: ApproverGate): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/approvals',
      access: 'token',
      doc: {
        id: 'listApprovals',
        summary: 'the records of all policies of this store: pending ones oldest first, others newest first',
        query: {
          state: STATE,
          limit: { type: 'integer', minimum: 1, maximum: MOST_LISTED, default: LIST },
          after: { ...ID, description: 'the `next` of the page before' },
        },
        answer: { component: 'Approvals' },
        refusals: [],
      },
      answer: ({ query }) => listApprovals(query, deps),
    },
    {
      method: 'GET',
      path: '/v1/approvals/:id',
      access: 'token',
      doc: showDoc('getApproval'),
      answer: ({ params: { id = '' } }) => showApproval(id, undefined, deps),
    },
    decisionRoute('/v1/approvals/:id/approve', 'approve', decisionDoc('approveApproval', 'approve a pending record'), deps, gate),
    decisionRoute('/v1/approvals/:id/deny', 'deny', decisionDoc('denyApproval', 'deny a pending record'), deps, gate),
  ];
}

function olderRoutes(deps: AdminDeps, gate: ApproverGate): readonly AdminRoute[] {
  const older = { deprecated: true };
  return [
    {
      method: 'GET',
      path: '/approvals/pending',
      access: 'token',
      doc: { id: 'listPending', summary: 'pending records', answer: { component: 'Approvals' }, refusals: [], ...older },
      answer: () => listApprovals(new URLSearchParams({ state: 'pending' }), deps),
    },
    {
      method: 'GET',
      path: '/approvals/pending/:id',
      access: 'token',
      doc: { ...showDoc('getPending'), ...older },
      answer: ({ params: { id = '' } }) => showApproval(id, 'pending', deps),
    },
    decisionRoute('/approvals/approve/:id', 'approve', { ...decisionDoc('approve', 'approve a pending record'), ...older }, deps, gate),
    decisionRoute('/approvals/deny/:id', 'deny', { ...decisionDoc('deny', 'deny a pending record'), ...older }, deps, gate),
  ];
}

function eventsRoute(feed: EventFeed): AdminRoute {
  return {
    method: 'GET',
    path: '/v1/events',
    access: 'token',
    doc: {
      id: 'streamEvents',
      summary: 'what becomes of approvals, from now on or after `Last-Event-ID`, as server-sent events',
      query: { after: { type: 'integer', minimum: 0, description: 'the same as Last-Event-ID' } },
      answer: { stream: 'text/event-stream', component: 'Event' },
      refusals: [],
    },
    answer: (call) => openEvents(call, feed),
  };
}

async function openEvents({ header, query }: AdminCall, feed: EventFeed): Promise<AdminAnswer> {
  const given = header('last-event-id') || query.get('after') || undefined;
  if (given !== undefined && !/^\d{1,15}$/.test(given)) return refuse('bad_request', 'Last-Event-ID has to be the id of an event');
  const after = given === undefined ? await feed.newest() : Number(given);
  if (feed.isFull()) return refuse('busy', 'too many event streams are open');
  return { kind: 'stream', open: (response) => feed.add(response, after) };
}

async function listApprovals(query: URLSearchParams, { approvals }: AdminDeps): Promise<AdminAnswer> {
  const state = query.get('state') ?? undefined;
  const limit = query.get('limit') ?? String(LIST);
  if (state !== undefined && !STATES.includes(state)) return refuse('bad_request', `"state" has to be one of ${STATES.join(', ')}`);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST_LISTED)
    return refuse('bad_request', `"limit" has to be a number from 1 to ${MOST_LISTED}`);
  const after = query.get('after') ?? undefined;
  if (after !== undefined && !new RegExp(ID.pattern).test(after)) return refuse('bad_request', '"after" has to be the id of a record');
  const listed = await approvals.list({ state: state as ApprovalState | undefined, limit: Number(limit), after, argsLimit: 0 });
  const texts: string[] = [];
  let place = 0;
  for (let left = MOST_ARGS; left > 0 && place < listed.length; place++) {
    const approval = await findApproval(listed[place]?.id ?? '', approvals);
    if (approval) texts.push(renderApproval(approval, approval.args));
    left -= approval?.args.length ?? 0;
  }
  const isWhole = place === listed.length && listed.length < Number(limit);
  const next = isWhole ? null : (listed[place - 1]?.id ?? null);
  return { kind: 'json', status: 200, text: `{"approvals":[${texts.join(',')}],"next":${JSON.stringify(next)}}` };
}

async function findApproval(id: string, approvals: AdminDeps['approvals']): Promise<Approval | undefined> {
  return (await approvals.find(id)).find((found) => found.id === id);
}

async function showApproval(id: string, state: ApprovalState | undefined, { approvals }: AdminDeps): Promise<AdminAnswer> {
  const approval = await findApproval(id, approvals);
  return approval && (state === undefined || approval.state === state) ? recordAnswer(approval) : unknownRecord(id);
}

function decisionRoute(path: string, verdict: ApprovalVerdict, doc: RouteDoc, deps: AdminDeps, gate: ApproverGate): AdminRoute {
  return {
    method: 'POST',
    path,
    access: 'token',
    doc,
    async answer({ params: { id = '' }, header, body, isGone }) {
      const refused = refuseApprover(await gate.check(header('x-intercept-approver'), isGone));
      return refused ?? decideApproval({ id, verdict, body, via: 'api' }, deps);
    },
  };
}

function showDoc(id: string): RouteDoc {
  return { id, summary: 'one record', answer: { component: 'Approval' }, refusals: [404] };
}

function decisionDoc(id: string, summary: string): RouteDoc {
  return { id, summary, body: DECISION, answer: { component: 'Approval' }, refusals: [404, 409], approver: true };
}
