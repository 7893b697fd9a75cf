/** The approval page's routes: the page itself, which holds nothing, and what it asks for once a human is signed in. */
import type { ApprovalIds, ApprovalList, ShownRecord, SignedIn } from '../../console/api.ts';
import { DOCUMENT, POLICY } from '../../console/built.ts';
import type { Approval } from '../../core/approval.ts';
import { sameText } from '../access.ts';
import { type AdminAnswer, json, redirect, refuse } from '../answer.ts';
import type { ApproverGate } from '../approver.ts';
import { textOf } from '../body.ts';
import { decideApproval, refuseApprover, unknownRecord } from '../decide.ts';
import type { AdminDeps } from '../deps.ts';
import type { AdminCall, AdminRoute } from '../route.ts';
import { LINE_ARGS, viewLines } from './lines.ts';
import { cookieOf, noteShown, openSessions, type PageSession, type PageSessions } from './sessions.ts';
import { stateOf, viewApproval } from './view.ts';

/** A button counts only for a record that was shown for so long, ms. */
const SHOWN = 1_000;
const MOST_LISTED = 200;
const MOST_SECRET = 1_000;
/** Matches what stands for an operator whose name the system does not know: nobody signs a decision with it. */
const NAMELESS = /^(?:unknown|uid .*)?$/;

/** `port` keeps the cookies of two proxies on one host apart. */
export function pageRoutes(deps: AdminDeps, gate: ApproverGate, port: number): readonly AdminRoute[] {
  const sessions = openSessions(deps.monotonic);
  const cookie = `intercept_${port}`;
  const page: AdminAnswer = { kind: 'page', html: DOCUMENT, policy: POLICY };
  const signedIn =
    (answer: (call: AdminCall, session: PageSession) => Promise<AdminAnswer> | AdminAnswer): AdminRoute['answer'] =>
    (call) => {
      const session = sessions.find(cookieOf(call, cookie), call.header('x-intercept-key'));
      return session ? answer(call, session) : refuse('unauthorized', 'sign in first');
    };
  const shell: Pick<AdminRoute, 'method' | 'access' | 'answer'> = { method: 'GET', access: 'open', answer: () => page };
  const inner = { access: 'page' } as const;
  return [
    { ...shell, path: '/', answer: () => redirect('/approvals') },
    { ...shell, path: '/approvals' },
    { ...shell, path: '/approvals/:id' },
    { ...inner, method: 'POST', path: '/approvals/page/session', answer: (call) => signIn(call, { deps, sessions, cookie }) },
    {
      ...inner,
      method: 'POST',
      path: '/approvals/page/approver',
      answer: signedIn((call, session) => becomeApprover(call, session, gate)),
    },
    {
      ...inner,
      method: 'DELETE',
      path: '/approvals/page/session',
      answer: signedIn((_, session) => {
        sessions.end(session);
        return json({}, { 'set-cookie': `${cookie}=; Path=/approvals; Max-Age=0; HttpOnly; SameSite=Strict` });
      }),
    },
    { ...inner, method: 'GET', path: '/approvals/page/ids', answer: signedIn(() => listIds(deps)) },
    { ...inner, method: 'GET', path: '/approvals/page/list', answer: signedIn(() => listPending(deps)) },
    { ...inner, method: 'GET', path: '/approvals/page/record/:id', answer: signedIn((call, session) => showRecord(call, session, deps)) },
    { ...inner, method: 'GET', path: '/approvals/page/state/:id', answer: signedIn((call) => showState(call, deps)) },
    { ...inner, method: 'POST', path: '/approvals/page/decide/:id', answer: signedIn((call, session) => decide(call, session, deps)) },
  ];
}

interface SignIn {
  readonly deps: AdminDeps;
  readonly sessions: PageSessions;
  readonly cookie: string;
}

/**
 * With the admin token. SECURITY: the approver secret is asked for behind it, so that who has no token cannot guess at the
 * secret, nor stand before those who know it.
 */
async function signIn({ body }: AdminCall, { deps, sessions, cookie }: SignIn): Promise<AdminAnswer> {
  const given = textOf(body, 'secret', MOST_SECRET)?.trim();
  if (!given) return refuse('bad_request', '"secret" is missing');
  if (!sameText(given, deps.token)) return refuse('unauthorized', 'that is not the admin token');
  const session = sessions.open();
  const signedIn: SignedIn = {
    key: session.key,
    operator: NAMELESS.test(deps.operator) ? '' : deps.operator,
    mayDecide: await mayDecide(session, deps),
  };
  return json(signedIn, { 'set-cookie': `${cookie}=${session.id}; Path=/approvals; HttpOnly; SameSite=Strict` });
}

/** With the approver secret, which lets the session decide. */
async function becomeApprover({ body, isGone }: AdminCall, session: PageSession, gate: ApproverGate): Promise<AdminAnswer> {
  const given = textOf(body, 'secret', MOST_SECRET)?.trim();
  if (!given) return refuse('bad_request', '"secret" is missing');
  const check = await gate.check(given, isGone);
  if (check.kind === 'right') session.approver = check.hash;
  return refuseApprover(check) ?? json({ mayDecide: true });
}

/** True where this session may decide under the secret that is set now. */
async function mayDecide({ approver }: PageSession, { approvals }: AdminDeps): Promise<boolean> {
  const hash = await approvals.secret();
  return hash === undefined || hash === approver;
}

async function listPending({ approvals, clock, readJson }: AdminDeps): Promise<AdminAnswer> {
  const found = await approvals.list({ state: 'pending', limit: MOST_LISTED, argsLimit: LINE_ARGS });
  const list: ApprovalList = { approvals: viewLines(found, clock(), readJson) };
  return json(list);
}

/** Says cheaply whether the list has changed. */
async function listIds({ approvals }: AdminDeps): Promise<AdminAnswer> {
  const found = await approvals.list({ state: 'pending', limit: MOST_LISTED, argsLimit: 0 });
  const ids: ApprovalIds = { ids: found.map(({ id }) => id) };
  return json(ids);
}

async function showRecord({ params: { id = '' } }: AdminCall, session: PageSession, deps: AdminDeps): Promise<AdminAnswer> {
  const approval = await findRecord(id, deps);
  if (!approval) return unknownRecord(id);
  noteShown(session, id, deps.monotonic());
  const view = viewApproval(approval, deps.clock(), deps.readJson);
  const shown: ShownRecord = { ...view, mayDecide: await mayDecide(session, deps) };
  return json(shown);
}

async function showState({ params: { id = '' } }: AdminCall, deps: AdminDeps): Promise<AdminAnswer> {
  const approval = await findRecord(id, deps, 0);
  return approval ? json(stateOf(approval, deps.clock())) : unknownRecord(id);
}

/** SECURITY: a click that was meant for something else must not decide what has just appeared; what was cut cannot be approved. */
async function decide({ params: { id = '' }, body }: AdminCall, session: PageSession, deps: AdminDeps): Promise<AdminAnswer> {
  const { verdict } = body;
  if (verdict !== 'approve' && verdict !== 'deny') return refuse('bad_request', '"verdict" has to be "approve" or "deny"');
  const since = session.shown.get(id);
  if (since === undefined) return refuse('not_shown', 'the record was not shown yet');
  if (deps.monotonic() - since < SHOWN) return refuse('too_soon', 'the record has just appeared; read it first');
  if (!(await mayDecide(session, deps))) return refuse('approver_required', 'deciding needs the approver secret');
  const approval = await findRecord(id, deps);
  if (!approval) return unknownRecord(id);
  if (verdict === 'approve' && !viewApproval(approval, deps.clock(), deps.readJson).complete)
    return refuse('not_shown', 'the arguments are too large to be shown here in full; read them with "intercept approvals show"');
  return decideApproval({ id, verdict, body, via: 'page' }, deps);
}

async function findRecord(id: string, { approvals }: AdminDeps, argsLimit?: number): Promise<Approval | undefined> {
  return (await approvals.find(id, argsLimit)).find((found) => found.id === id);
}
