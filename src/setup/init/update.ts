/** `init --update` (setup.md §3): programs in entries are renewed, and fresh scans merged into policies. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { reasonOf } from '../../core/fault.ts';
import { startOf } from '../clients/start.ts';
import type { Preset } from '../draft/model.ts';
import { type PolicyUpdate, updatePolicy } from '../draft/update.ts';
import { type EntrySelection, isMeant } from './candidates.ts';
import { type FileOutcome, writeFiles } from './carry-out.ts';
import type { Wrapped } from './coverage.ts';
import { listedClasses, scanResultOf } from './drafts.ts';
import { openJournal, type RunJournal, readRuns, standingOf } from './journal.ts';
import { rememberTools } from './listing.ts';
import { asOnlyRun } from './lock.ts';
import { type EntryJob, type PlannedFile, planFiles, recordedAt } from './plan.ts';
import { npxProgram, type OwnProgram } from './program.ts';
import { syncFolder } from './replace.ts';
import { type InitPorts, surveyHere } from './run.ts';
import { scanStart } from './scan-start.ts';
import { fewAtATime } from './scans.ts';
import { type EntryPlace, folderOf, type MachineServer, originalServer, type Survey } from './survey.ts';

export interface UpdateFlags extends EntrySelection {
  /** For tools that are new; without it they are closed. */
  readonly preset: Preset | undefined;
}

/** A policy and what a fresh scan adds to it. */
export interface UpdatedPolicy {
  readonly server: MachineServer;
  readonly path: string;
  readonly before: string;
  readonly update: PolicyUpdate | undefined;
  /** Why it was not scanned, or cannot be merged into. */
  readonly why: string | undefined;
}

export interface UpdatePlan {
  readonly policies: readonly UpdatedPolicy[];
  readonly files: readonly PlannedFile[];
}

export type UpdatePorts = Pick<InitPorts, 'world' | 'program' | 'home' | 'env' | 'timeout' | 'remoteOf' | 'namedHome' | 'progress' | 'now'>;

/** Scans what is wrapped, and plans. Writes nothing. */
export async function planUpdate(flags: UpdateFlags, ports: UpdatePorts): Promise<UpdatePlan> {
  const standings = standingOf(readRuns(join(ports.home, 'setup')));
  const survey = await surveyHere(ports, standings);
  const places = survey.servers
    .flatMap((server) => server.places)
    .filter((place) => isMeant(place, flags) && (flags.project || place.project === undefined));
  const jobs = places.flatMap((place): readonly EntryJob[] => {
    const front = place.coverage.kind === 'open' ? undefined : renewedFront(place, place.coverage.wrapped, ports);
    const policy = place.coverage.kind === 'open' ? undefined : place.coverage.policy;
    return front && policy !== undefined ? [{ place, front, policy, renews: recordedAt(place, standings) ?? 'unrecorded' }] : [];
  });
  const policies: UpdatedPolicy[] = [];
  await fewAtATime(wrappedServers(survey, places), async ({ server, place, path }) => {
    policies.push(await mergeScan(server, place, path, survey, flags, ports));
  });
  return { policies, files: planFiles(jobs) };
}

/** The servers that have a policy, once for each policy. */
function wrappedServers({ servers }: Survey, places: readonly EntryPlace[]) {
  return servers.flatMap((server) => {
    const place = server.places.find(
      (each) => places.includes(each) && each.coverage.kind !== 'open' && !each.server.disabled && each.leave === undefined,
    );
    const path = place?.coverage.kind !== 'open' ? place?.coverage.policy : undefined;
    return place && path !== undefined ? [{ server, place, path }] : [];
  });
}

/** The front with the program of now; undefined where it has that already. */
function renewedFront(
  { isShared }: EntryPlace,
  { program, policy, agent, isNpx }: Wrapped,
  { program: own, namedHome }: UpdatePorts,
): EntryJob['front'] | undefined {
  if (isNpx !== isShared || policy === undefined) return undefined;
  const wanted: Pick<OwnProgram, 'path' | 'before'> = isNpx ? npxProgram(program[0]?.startsWith('cmd') === true) : own;
  const words = [wanted.path, ...wanted.before];
  if (JSON.stringify(words) === JSON.stringify(program)) return undefined;
  const env: Record<string, string> = isNpx || namedHome === undefined ? {} : { INTERCEPT_HOME: namedHome };
  return { program: wanted.path, before: wanted.before, policy, agent, env };
}

async function mergeScan(
  server: MachineServer,
  place: EntryPlace,
  path: string,
  survey: Survey,
  { preset }: UpdateFlags,
  ports: UpdatePorts,
): Promise<UpdatedPolicy> {
  const before = survey.policies.get(path)?.text;
  const failed = (why: string): UpdatedPolicy => ({ server, path, before: before ?? '', update: undefined, why });
  if (before === undefined) return failed(survey.policies.get(path)?.fault ?? 'its policy cannot be read');
  ports.progress(server.name, 'starting');
  const cwd = folderOf(place, ports.world);
  const outcome = await scanStart(startOf(originalServer(place), ports.world), { ...ports, cwd });
  ports.progress(server.name, outcome.kind === 'scanned' ? `${outcome.scanned.tools.length} tools` : 'failed');
  if (outcome.kind !== 'scanned') return failed(outcome.why);
  const result = scanResultOf(outcome.scanned);
  const { scanned, risks } = result;
  if (server.start) rememberTools(ports.home, server.start, listedClasses(result), ports.now());
  try {
    const date = new Date(ports.now()).toISOString().slice(0, 10);
    return { server, path, before, update: updatePolicy(before, scanned, risks, { preset, date }), why: undefined };
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

export interface UpdateOutcome {
  readonly files: readonly FileOutcome[];
  /** Why a policy was not written, by its path. */
  readonly failed: ReadonlyMap<string, string>;
}

/** Writes what was planned. */
export function carryOutUpdate({ policies, files }: UpdatePlan, setup: string, now: number): Promise<UpdateOutcome> {
  return asOnlyRun(setup, async () => {
    const run = openJournal(setup, 'update', now);
    const failed = new Map<string, string>();
    for (const policy of policies) {
      const why = writeUpdate(policy, run);
      if (why !== undefined) failed.set(policy.path, why);
    }
    return { files: await writeFiles(files, run), failed };
  });
}

/** Replaces a policy that is still what was merged into; undefined where it worked, or there was nothing to do. */
function writeUpdate({ path, before, update }: UpdatedPolicy, run: RunJournal): string | undefined {
  if (!update || update.text === before) return undefined;
  const temporary = join(dirname(path), `.update.${randomBytes(6).toString('hex')}`);
  try {
    if (fs.readFileSync(path, 'utf8') !== before) return 'it was changed meanwhile: run it again';
    run.backUp(Buffer.from(before));
    fs.writeFileSync(temporary, update.text, { flag: 'wx', mode: fs.statSync(path).mode & 0o7777, flush: true });
    fs.renameSync(temporary, fs.realpathSync(path));
    syncFolder(dirname(path));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}
