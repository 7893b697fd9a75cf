/** Gathers what runs, what was decided, what is counted and what waits, from records and store. */
import { join } from 'node:path';
import { openEventReader } from '../audit/evidence/merge.ts';
import type { StoredRecord } from '../audit/evidence/read.ts';
import { openTally, type Summary } from '../audit/evidence/summary.ts';
import { describeCounters } from '../authoring/counter-limits.ts';
import { foldersOf } from '../authoring/policy-file.ts';
import type { Approval } from '../core/approval.ts';
import { renderApproval } from '../core/approval-json.ts';
import type { ClaimRecord } from '../core/claim.ts';
import { type CounterStatus, joinParts } from '../core/counter.ts';
import { counterJson, instanceJson, pauseJson, timeJson } from '../core/instance-json.ts';
import type { Policy } from '../core/policy.ts';
import type { Instance, Pause } from '../core/store.ts';
import { loadPolicyText } from '../policy/load.ts';
import { namespaceOf } from './home.ts';
import { liveInstances } from './instances.ts';
import type { OwnPlaces } from './own-folders.ts';
import { lookUpPolicy, readNamedPolicy, wholeName } from './policy-text.ts';
import { type Notes, openNotes, type Start } from './status-notes.ts';

/** Characters of arguments that are enough to be shown cut. */
const ARGS = 201;

export interface StatusSource extends OwnPlaces {
  /** A policy file: that policy only, with its counters also where nothing runs. */
  readonly config: string | undefined;
  readonly statePrefix: string | undefined;
  /** The name of a policy: that one only. */
  readonly policy: string | undefined;
  /** That agent's calls, approvals and counters only. */
  readonly agent: string | undefined;
  /** Records count so far back, ms. */
  readonly since: number;
}

export interface Status {
  readonly now: number;
  readonly since: number;
  readonly stateDir: string;
  /** True where there is a store at all. */
  readonly stored: boolean;
  readonly instances: readonly (Instance & { readonly start: Start | undefined })[];
  readonly pauses: readonly Pause[];
  readonly policies: readonly PolicyStatus[];
  /** Idempotent calls that a human has to settle, or time. */
  readonly unknown: readonly ClaimRecord[];
  readonly summary: Summary;
  /** Policies on disk that are not in force, by instance. */
  readonly notInForce: ReturnType<Notes['notInForce']>;
}

/** The records of one namespace. */
export interface PolicyStatus {
  readonly name: string;
  readonly counters: readonly CounterStatus[];
  readonly pending: readonly Approval[];
}

/** Records are read on for so long before all are read anew, ms: those that have become too old leave then. */
const ANEW = 300_000;

/** The findings in the records up to now. */
interface History {
  readonly since: number;
  readonly summary: Summary;
  readonly notes: Notes;
}

/** Opens what `status --watch` asks once a second: records are read on from where they were read last time. */
export async function openStatus(options: StatusSource): Promise<() => Promise<Status>> {
  const scope = await openScope(options);
  const history = openHistory(options, scope);
  return () => readStatus(options, scope, history);
}

function openHistory({ home, since: span }: StatusSource, scope: Scope): (now: number) => Promise<History> {
  const folder = join(home, 'events');
  const openAt = (now: number) => ({
    at: now,
    since: now - span,
    notes: openNotes(folder),
    tally: openTally(),
    files: openEventReader(folder, { since: now - span }),
  });
  let open: ReturnType<typeof openAt> | undefined;
  return async (now) => {
    if (!open || now - open.at >= ANEW || now < open.at) open = openAt(now);
    const { since, notes, tally, files } = open;
    for await (const { record: event } of files.next()) {
      notes.note(event);
      if (scope.hasRecord(event, notes)) tally.count(event);
    }
    return { since, summary: tally.summary(), notes };
  };
}

/** Gathers it. Nothing is made where nothing is. */
async function readStatus({ state }: StatusSource, scope: Scope, history: (now: number) => Promise<History>): Promise<Status> {
  const now = Date.now();
  const { since, summary, notes } = await history(now);
  const shared = await state.read('', async (store) => ({
    instances: await store.instances(),
    pauses: (await store.control()).pauses,
    pending: await store.approvals.list({ state: 'pending', argsLimit: ARGS }),
    unknown: await store.claims.list({ state: 'unknown', argsLimit: ARGS }),
  }));
  const instances = liveInstances(shared?.instances ?? [], now).filter(scope.hasInstance);
  await notes.lookUp(instances);
  const pending = (shared?.pending ?? []).filter(scope.hasCall);
  const policies: PolicyStatus[] = [];
  for (const [namespace, known] of await namespaces(scope, instances, notes, pending)) {
    const counters = await state.read(namespace, (store) => store.counters());
    if (!counters) continue;
    const described = describeCounters(counters, known.policy).filter((counter) => scope.hasScope(counter.scope));
    policies.push({ name: known.name, counters: described, pending: pending.filter((record) => record.namespace === namespace) });
  }
  return {
    now,
    since,
    stateDir: state.name,
    stored: shared !== undefined,
    instances: instances.map((instance) => ({ ...instance, start: notes.startOf(instance.id) })),
    pauses: (shared?.pauses ?? []).filter(scope.hasPause),
    policies,
    unknown: (shared?.unknown ?? []).filter(scope.hasCall),
    summary,
    notInForce: notes.notInForce(instances),
  };
}

type Scope = Awaited<ReturnType<typeof openScope>>;

/** Selects what belongs to the policy and the agent that were asked for. Throws where the policy file cannot be read. */
async function openScope({ config, statePrefix, policy: wanted, agent }: StatusSource) {
  const policy = config === undefined ? undefined : await policyIn(config);
  const own =
    config === undefined ? undefined : { namespace: namespaceOf(statePrefix, policy?.name, config), name: policy?.name ?? config, config };
  const name = wanted ?? policy?.name;
  const end = wanted === undefined ? '' : joinParts(['name', wanted]);
  const hasNamespace = (namespace: string) => (own === undefined || namespace === own.namespace) && namespace.endsWith(end);
  const hasFile = (file: string | undefined) => config === undefined || name !== undefined || file === wholeName(config);
  const hasScope = (scope: string | undefined) => agent === undefined || scope === undefined || scope === agent;
  return {
    own: own !== undefined && hasNamespace(own.namespace) ? own : undefined,
    hasScope,
    hasInstance: ({ namespace }: Pick<Instance, 'namespace'>) => hasNamespace(namespace),
    hasCall: (call: { readonly namespace: string; readonly agent?: string | undefined }) =>
      hasNamespace(call.namespace) && (agent === undefined || call.agent === agent),
    hasPause: (pause: Pause) => pause.policy === undefined || name === undefined || pause.policy === name,
    hasRecord: (event: StoredRecord, notes: Notes) =>
      (name === undefined || event.policy === name) &&
      hasFile(notes.startOf(String(event.instance))?.config) &&
      (agent === undefined || event.agent === agent),
  };
}

interface Known {
  readonly name: string;
  readonly policy: Policy | undefined;
}

/** Those of the given policy, of everything that runs and of what waits, each with its policy where its file can be read. */
async function namespaces(
  { own }: Scope,
  instances: readonly Instance[],
  notes: Notes,
  pending: readonly Approval[],
): Promise<ReadonlyMap<string, Known>> {
  const found = new Map<string, Known>();
  if (own) found.set(own.namespace, { name: own.name, policy: await readPolicy(own.config) });
  for (const { id, namespace, policy: name, revision } of instances) {
    if (found.has(namespace)) continue;
    const { config, cwd } = notes.startOf(id) ?? {};
    // In the folder of its start `${CWD}` is what it was there, and the revision the same.
    const policy = config === undefined ? undefined : await readPolicy(config, cwd);
    // Another file under the same relative name is not this instance's policy.
    found.set(namespace, { name: name ?? config ?? namespace, policy: policy?.revision === revision ? policy : undefined });
  }
  for (const { namespace, evidence } of pending)
    if (!found.has(namespace)) found.set(namespace, { name: evidence.policy ?? '(no name)', policy: undefined });
  return found;
}

async function policyIn(path: string): Promise<Policy | undefined> {
  return (await loadPolicyText(await readNamedPolicy(path), foldersOf(path))).policy;
}

async function readPolicy(path: string, cwd?: string): Promise<Policy | undefined> {
  const read = await lookUpPolicy(path);
  return read.kind === 'text' ? (await loadPolicyText(read.text, foldersOf(path, cwd))).policy : undefined;
}

/** Writes it for programs: records as all other commands print them, but without arguments: `approvals show` has those. */
export function statusJson(status: Status): object {
  const { now, since, stateDir, stored, pauses, policies, unknown, notInForce, instances, summary } = status;
  return {
    ...{ now: timeJson(now), since: timeJson(since), state: stateDir, stored },
    pauses: pauses.map(pauseJson),
    policies: policies.map(({ name, counters, pending }) => ({
      name,
      counters: counters.map(counterJson),
      pending: pending.map((record) => JSON.parse(renderApproval(record, undefined))),
    })),
    unknown: unknown.map(({ key, tool, agent, until }) => ({ key, tool, agent: agent ?? null, until: timeJson(until) })),
    not_in_force: notInForce.map(({ instance, why }) => ({ instance, why })),
    instances: instances.map(({ start, ...instance }) => ({
      ...instanceJson(instance),
      ...{ config: start?.config ?? null, listens: start?.listens ?? null, page: start?.page ?? null },
    })),
    calls: callsJson(summary),
  };
}

function callsJson({ totals, tools, denyRules, refusedMethods, recentDenials, shadow }: Status['summary']): object {
  return {
    ...totals,
    tools,
    denied_by: denyRules,
    refused_methods: refusedMethods,
    latest_denials: recentDenials.map(({ ts, tool, rule, code, agent, reason }) => ({
      ...{ ts, tool, rule: rule ?? null, code: code ?? null, agent: agent ?? null, reason: reason ?? null },
    })),
    shadow: shadow.map(({ rule, result, code, count }) => ({ rule, result, code: code ?? null, count })),
  };
}
