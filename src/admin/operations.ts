/** The routes for what runs: status, counters, pause and resume. */
import { counterJson, instanceJson, pauseJson, timeJson } from '../core/instance-json.ts';
import { type AdminAnswer, json, refuse } from './answer.ts';
import type { ApproverGate } from './approver.ts';
import { textOf } from './body.ts';
import { refuseApprover } from './decide.ts';
import type { AdminDeps } from './deps.ts';
import type { AdminCall, AdminRoute } from './route.ts';
import { SCOPE } from './schemas.ts';

const MOST_TEXT = 2_000;
const MOST_PENDING = 10_000;

/** Status, counters, pause, resume. */
export function operationRoutes(deps: AdminDeps, gate: ApproverGate): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/status',
      access: 'token',
      doc: { id: 'getStatus', summary: 'what runs, what is paused, how much waits', answer: { component: 'Status' }, refusals: [] },
      answer: () => showStatus(deps),
    },
    {
      method: 'GET',
      path: '/v1/counters',
      access: 'token',
      doc: {
        id: 'listCounters',
        summary: "this policy's counters in their current windows",
        answer: { component: 'Counters' },
        refusals: [],
      },
      answer: () => listCounters(deps),
    },
    {
      method: 'POST',
      path: '/v1/pause',
      access: 'token',
      doc: { id: 'pause', summary: 'deny every call until resumed', body: SCOPE, answer: { component: 'Paused' }, refusals: [404] },
      answer: (call) => pause(call, deps),
    },
    {
      method: 'POST',
      path: '/v1/resume',
      access: 'token',
      doc: {
        id: 'resume',
        summary: 'end a pause of the same scope',
        body: SCOPE,
        answer: { component: 'Resumed' },
        refusals: [],
        approver: true,
      },
      async answer(call) {
        const refused = refuseApprover(await gate.check(call.header('x-intercept-approver'), call.isGone));
        return refused ?? resume(call, deps);
      },
    },
  ];
}

async function showStatus({ store, approvals, about, clock, liveInstances }: AdminDeps): Promise<AdminAnswer> {
  const [control, instances, pending, secret] = await Promise.all([
    store.control(),
    store.instances(),
    approvals.list({ state: 'pending', limit: MOST_PENDING, argsLimit: 0 }),
    approvals.secret(),
  ]);
  const { policy, ...rest } = about();
  return json({
    ...rest,
    policy: policy ?? null,
    now: timeJson(clock()),
    pending: pending.length,
    protected: secret !== undefined,
    pauses: control.pauses.map(pauseJson),
    instances: liveInstances(instances).map(instanceJson),
  });
}

async function listCounters({ store, describeCounters }: AdminDeps): Promise<AdminAnswer> {
  return json({ counters: describeCounters(await store.counters()).map(counterJson) });
}

async function pause({ body }: AdminCall, { store, record, operator, unknownPolicy }: AdminDeps): Promise<AdminAnswer> {
  const scope = scopeOf(body);
  if ('kind' in scope) return scope;
  // SECURITY: a name that is not quite right would pause nothing, and look as if it had.
  const unknown = scope.policy === undefined ? undefined : await unknownPolicy(scope.policy);
  if (unknown)
    return refuse(
      'not_found',
      ['nothing was paused: there is no such policy', unknown.running, ...(unknown.near === undefined ? [] : [unknown.near])].join('; '),
    );
  // The switch is thrown first: a record that cannot be written must not keep calls running.
  const sequence = await store.pause(scope);
  record('paused', { scope: scope.policy ?? null, reason: scope.reason, by: operator, via: 'api' });
  return json({ policy: scope.policy ?? null, reason: scope.reason, sequence });
}

async function resume({ body }: AdminCall, { store, record, operator }: AdminDeps): Promise<AdminAnswer> {
  const scope = scopeOf(body);
  if ('kind' in scope) return scope;
  const { sequence, ended } = await store.resume(scope.policy);
  record('resumed', { scope: scope.policy ?? null, by: operator, via: 'api' });
  const { pauses } = await store.control();
  return json({ policy: scope.policy ?? null, ended, sequence, still_paused: pauses.map(({ policy }) => policy ?? null) });
}

function scopeOf(body: AdminCall['body']): { readonly policy: string | undefined; readonly reason: string } | AdminAnswer {
  const policy = textOf(body, 'policy', MOST_TEXT);
  const reason = textOf(body, 'reason', MOST_TEXT);
  // SECURITY: a misspelt "policy" would pause or resume all of them.
  const strange = Object.keys(body).find((name) => name !== 'policy' && name !== 'reason');
  if (strange !== undefined)
    return refuse('bad_request', `unknown member ${JSON.stringify(strange.slice(0, 100))}; write "policy" or "reason"`);
  if (policy === null || policy === '') return refuse('bad_request', '"policy" has to be the name of a policy, or absent');
  if (reason === null) return refuse('bad_request', `"reason" has to be a text of at most ${MOST_TEXT} visible characters`);
  return { policy, reason: reason ?? '' };
}
