/** Carries a plan out (setup.md §3.6): policies, trials, then clients' files, each journaled before it is written. */
import fs from 'node:fs';
import { reasonOf } from '../../core/fault.ts';
import { lockOf } from '../clients/locks.ts';
import type { ClientFile } from '../clients/types.ts';
import type { Candidate } from './candidates.ts';
import { leftoversOf, openJournal, type RunJournal, type RunKind, readRuns, type Target } from './journal.ts';
import { asOnlyRun } from './lock.ts';
import { type EntryJob, type PlannedEntry, type PlannedFile, planFile } from './plan.ts';
import { writePolicy } from './policies.ts';
import { fewAtATime } from './scans.ts';
import { projectOf } from './survey.ts';
import { writeTarget } from './write.ts';

/** A server that is to stand behind a policy. */
export interface ServerWork {
  readonly candidate: Candidate;
  /** The policy to be written; undefined where one is there. */
  readonly text: string | undefined;
  /** Its tools, where it was scanned: the new command must list some. */
  readonly tools: readonly string[] | undefined;
  readonly jobs: readonly EntryJob[];
}

export interface FileOutcome {
  readonly file: ClientFile;
  /** Entries that are behind Intercept now, by server. */
  readonly written: readonly EntryJob[];
  readonly skipped: readonly { readonly job: EntryJob; readonly why: string }[];
  /** Why the whole file was left. */
  readonly refused: string | undefined;
}

export interface CarriedOut {
  readonly files: readonly FileOutcome[];
  /** Why a server is not behind its policy, by id. */
  readonly failed: ReadonlyMap<string, string>;
}

export interface CarryOutOptions {
  readonly setup: string;
  readonly kind: RunKind;
  readonly now: number;
  /** Why the new command of a server does not work; undefined where it does. */
  tryEntry(entry: PlannedEntry, tools: readonly string[]): Promise<string | undefined>;
  /** Tells people who wait what is being done. */
  doing(work: ServerWork, state: 'trying' | 'works' | 'failed'): void;
}

/** Writes all of it. What fails is reported, and stays as it was. */
export async function carryOut(
  works: readonly ServerWork[],
  planned: readonly PlannedFile[],
  options: CarryOutOptions,
): Promise<CarriedOut> {
  const { setup, kind, now } = options;
  return asOnlyRun(setup, async () => {
    for (const path of leftoversOf(readRuns(setup))) fs.rmSync(path, { force: true });
    const run = openJournal(setup, kind, now);
    const failed = new Map<string, string>();
    const entries = new Map(planned.flatMap((plan) => plan.entries.map((entry) => [entry.job, entry] as const)));
    await fewAtATime(works, async (work) => {
      const why = await ready(work, entries, run, options);
      if (why !== undefined) failed.set(work.candidate.server.id, why);
    });
    const jobs = new Set(works.flatMap((work) => (failed.has(work.candidate.server.id) ? [] : work.jobs)));
    return { files: await writeFiles(planned, run, (job) => jobs.has(job)), failed };
  });
}

/** Writes files, one after the other, as far as their jobs are meant. */
export async function writeFiles(
  planned: readonly PlannedFile[],
  run: RunJournal,
  isMeant = (_: EntryJob) => true,
): Promise<readonly FileOutcome[]> {
  const files: FileOutcome[] = [];
  for (const plan of planned) files.push(await writeFile(plan, isMeant, run));
  return files;
}

/** Writes the policy and tries the command. A policy of ours before which nothing will stand goes again. */
async function ready(work: ServerWork, entries: Entries, run: RunJournal, options: CarryOutOptions): Promise<string | undefined> {
  const { candidate, text } = work;
  const { policy, server } = candidate;
  try {
    // First the line: a policy that a crash leaves behind is known, and is taken the next time.
    run.add({ type: 'policy', path: policy.path, server: server.id, wrote: false });
    if (text !== undefined) writePolicy(policy, text, policy.relative === undefined ? undefined : projectOfWork(work));
  } catch (error) {
    return error instanceof Error ? error.message : reasonOf(error);
  }
  const why = await tryWork(work, entries, options);
  if (text === undefined) return why;
  // Ours from here on: where the writing found another's file, or a crash came between, it is never purged.
  if (why === undefined) run.add({ type: 'policy', path: policy.path, server: server.id, wrote: true });
  else fs.rmSync(policy.path, { force: true });
  return why;
}

type Entries = ReadonlyMap<EntryJob, PlannedEntry>;

async function tryWork(work: ServerWork, entries: Entries, { tryEntry, doing }: CarryOutOptions): Promise<string | undefined> {
  const [entry] = work.jobs.flatMap((job) => entries.get(job) ?? []);
  if (!entry || !work.tools) return undefined;
  doing(work, 'trying');
  const why = await tryEntry(entry, work.tools);
  doing(work, why === undefined ? 'works' : 'failed');
  return why === undefined ? undefined : `behind Intercept it does not work: ${why}`;
}

function projectOfWork({ jobs }: ServerWork): string | undefined {
  return jobs.find(({ place }) => place.isShared)?.place.project;
}

async function writeFile(plan: PlannedFile, isMeant: (job: EntryJob) => boolean, run: RunJournal): Promise<FileOutcome> {
  const { file } = plan;
  const seen = new Map(plan.entries.map(({ job, record }) => [job, record.was]));
  const jobs = plan.entries.map(({ job }) => job).filter(isMeant);
  if (jobs.length === 0) return { file, written: [], skipped: plan.skipped, refused: undefined };
  let last: PlannedFile | undefined;
  const outcome = await writeTarget(
    targetOf(file),
    ({ bytes }) => {
      last = planFile(file, bytes, jobs, seen);
      return { bytes: last.after, entries: last.entries.map(({ job: _, ...entry }) => entry) };
    },
    run,
  );
  if (outcome.kind === 'refused') return { file, written: [], skipped: plan.skipped, refused: outcome.refused };
  const entries = last?.entries ?? [];
  for (const { renews } of entries) if (renews) run.add({ type: 'undone', ...renews });
  return { file, written: entries.map(({ job }) => job), skipped: [...plan.skipped, ...(last?.skipped ?? [])], refused: undefined };
}

/** The file, for the journal. */
export function targetOf(file: ClientFile): Target {
  const clients = [...new Set(file.readers.map(({ client }) => client))];
  return { path: file.path, format: file.format, clients, lock: lockOf(file), project: projectOf(file) };
}
