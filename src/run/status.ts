/** Gathers what runs, what was decided, what is counted and what waits, from records and store. */
import { join } from 'node:path';
import { followEventFiles } from '../audit/evidence/follow.ts';
import type { StoredRecord } from '../audit/evidence/read.ts';
import { openTally, type Summary } from '../audit/evidence/summary.ts';
import { describeCounters } from '../authoring/counter-limits.ts';
import { foldersOf, readPolicyFile } from '../authoring/policy-file.ts';
import type { Approval } from '../core/approval.ts';
import type { ClaimRecord } from '../core/claim.ts';
import type { CounterStatus } from '../core/counter.ts';
import type { Policy } from '../core/policy.ts';
import type { Instance, Pause } from '../core/store.ts';
import { loadPolicyText } from '../policy/load.ts';
import { namespaceOf } from './home.ts';
import { liveInstances } from './instances.ts';
import type { OwnPlaces } from './own-folders.ts';

/** Characters of arguments that are enough to be shown cut. */
const ARGS = 61;

export interface StatusSource extends OwnPlaces {
  /** A policy file, for its counters where nothing runs. */
  readonly config: string | undefined;
  readonly statePrefix: string | undefined;
  /** How far back records count, ms. */
  readonly since: number;
}

export interface Status {
  readonly now: number;
  readonly since: number;
  readonly stateDir: string;
  /** Whether there is a store at all. */
  readonly stored: boolean;
  readonly instances: readonly Instance[];
  readonly pauses: readonly Pause[];
  readonly policies: readonly PolicyStatus[];
  /** Idempotent calls that a human has to settle, or time. */
  readonly unknown: readonly ClaimRecord[];
  readonly summary: Summary;
  /** Policies on disk that are not in force, by instance. */
  readonly notInForce: readonly { readonly instance: string; readonly why: string }[];
}

/** What is kept under one namespace. */
export interface PolicyStatus {
  readonly name: string;
  readonly counters: readonly CounterStatus[];
  readonly pending: readonly Approval[];
}

/** How long records are read on before all are read anew, ms: those that have become too old leave then. */
const ANEW = 300_000;

/** What the records tell up to now. */
interface History {
  readonly since: number;
  readonly summary: Summary;
  readonly notes: Notes;
}

/** Reads records on from where it was last time, as `status --watch` asks once a second. */
export function openHistory({ home, since: span }: StatusSource): (now: number) => Promise<History> {
  const openAt = (now: number) => ({
    at: now,
    since: now - span,
    notes: openNotes(),
    tally: openTally(),
    files: followEventFiles(join(home, 'events'), now - span),
  });
  let open: ReturnType<typeof openAt> | undefined;
  return async (now) => {
    if (!open || now - open.at >= ANEW || now < open.at) open = openAt(now);
    const { since, notes, tally, files } = open;
    for await (const event of files.next()) {
      notes.note(event);
      tally.count(event);
    }
    return { since, summary: tally.summary(), notes };
  };
}

/** Gathers it. Nothing is made where nothing is. */
export async function readStatus(options: StatusSource, history = openHistory(options)): Promise<Status> {
  const { state } = options;
  const now = Date.now();
  const { since, summary, notes } = await history(now);
  const shared = await state.read('', async (store) => ({
    instances: await store.instances(),
    pauses: (await store.control()).pauses,
    pending: await store.approvals.list({ state: 'pending', argsLimit: 0 }),
    unknown: await store.claims.list({ state: 'unknown', argsLimit: ARGS }),
  }));
  const instances = liveInstances(shared?.instances ?? [], now);
  const configs = notes.configs();
  const policies: PolicyStatus[] = [];
  for (const [namespace, known] of await namespaces(options, instances, configs, shared?.pending ?? [])) {
    const counters = await state.read(namespace, (store) => store.counters());
    const pending = shared?.pending.filter((record) => record.namespace === namespace) ?? [];
    if (counters) policies.push({ name: known.name, counters: describeCounters(counters, known.policy), pending });
  }
  return {
    now,
    since,
    stateDir: state.name,
    stored: shared !== undefined,
    instances,
    pauses: shared?.pauses ?? [],
    policies,
    unknown: shared?.unknown ?? [],
    summary,
    notInForce: notes.notInForce(instances),
  };
}

interface Known {
  readonly name: string;
  readonly policy: Policy | undefined;
}

/** Those of the given policy, of everything that runs and of what waits, each with its policy where its file can be read. */
async function namespaces(
  options: StatusSource,
  instances: readonly Instance[],
  configs: ReadonlyMap<string, string>,
  pending: readonly Approval[],
): Promise<ReadonlyMap<string, Known>> {
  const found = new Map<string, Known>();
  if (options.config !== undefined) {
    const policy = await readPolicy(options.config);
    found.set(namespaceOf(options.statePrefix, policy?.name, options.config), { name: policy?.name ?? options.config, policy });
  }
  for (const { id, namespace, policy: name, revision } of instances) {
    if (found.has(namespace)) continue;
    const config = configs.get(id);
    const policy = config === undefined ? undefined : await readPolicy(config);
    // Another file under the same relative name is not this instance's policy.
    found.set(namespace, { name: name ?? config ?? namespace, policy: policy?.revision === revision ? policy : undefined });
  }
  for (const { namespace, evidence } of pending)
    if (!found.has(namespace)) found.set(namespace, { name: evidence.policy ?? '(no name)', policy: undefined });
  return found;
}

async function readPolicy(path: string): Promise<Policy | undefined> {
  const read = readPolicyFile(path);
  return read.kind === 'text' ? (await loadPolicyText(read.text, foldersOf(path))).policy : undefined;
}

type Notes = ReturnType<typeof openNotes>;

/** What the records tell of instances on the way to the summary. */
function openNotes() {
  const configs = new Map<string, string>();
  const rejected = new Map<string, string | undefined>();
  return {
    note(event: StoredRecord): void {
      const instance = String(event.instance);
      if (event.type === 'startup' && typeof event.config === 'string') configs.set(instance, event.config);
      if (event.type === 'heartbeat') rejected.set(instance, typeof event.not_in_force === 'string' ? event.not_in_force : undefined);
      if (event.type === 'config_reload') rejected.set(instance, event.accepted === true ? undefined : String(event.why));
    },
    configs: () => configs,
    notInForce: (instances: readonly Instance[]) =>
      instances.flatMap(({ id }) => {
        const why = rejected.get(id);
        return why === undefined ? [] : [{ instance: id, why }];
      }),
  };
}
