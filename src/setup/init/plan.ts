/** Plans what of clients' files has to change so that servers stand behind Intercept (setup.md §3.6). Writes nothing. */
import type { ClientId } from '../clients/ids.ts';
import type { ClientFile, EditRefusal, Front, Nothing, Rewrite } from '../clients/types.ts';
import { planUnwrap, planUnwrapUnrecorded } from '../clients/unwrap.ts';
import { type FileText, planBridge, planWrap } from '../clients/wrap.ts';
import type { EntryKey, JournalEntry, StandingWrap } from './journal.ts';
import type { PolicyPlace } from './policies.ts';
import { npxProgram, type OwnProgram } from './program.ts';
import { type EntryPlace, readersOf } from './survey.ts';

/** One entry that is to stand behind Intercept. */
export interface EntryJob {
  readonly place: EntryPlace;
  readonly front: Front;
  readonly policy: string;
  /** It does already, and has to do so anew. */
  readonly renews?: { readonly key: EntryKey; readonly entry: JournalEntry } | 'unrecorded' | undefined;
}

/** One file with all its jobs done, as it was when it was planned. */
export interface PlannedFile {
  readonly file: ClientFile;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly entries: readonly PlannedEntry[];
  readonly skipped: readonly SkippedJob[];
}

export interface PlannedEntry extends JournalEntry {
  readonly job: EntryJob;
}

export interface SkippedJob {
  readonly job: EntryJob;
  readonly why: string;
}

export interface FrontOptions {
  readonly program: OwnProgram;
  /** In place of the client's name. */
  readonly agent: string | undefined;
  /** `INTERCEPT_HOME`, where it is set. */
  readonly home: string | undefined;
  /** The project's folder as a client names it in arguments; undefined where it names none. */
  workspaceOf(client: ClientId): string | undefined;
}

/** The command that is to stand before a server's. */
export function frontOf(place: EntryPlace, policy: PolicyPlace, { program, agent, home, workspaceOf }: FrontOptions): Front {
  const clients = [...new Set(readersOf(place.server).map(({ client }) => client))];
  const [client] = clients;
  const own = agent ?? (clients.length === 1 ? client : undefined);
  if (policy.relative === undefined || !place.isShared) {
    const env: Record<string, string> = home === undefined ? {} : { INTERCEPT_HOME: home };
    return { program: program.path, before: program.before, policy: policy.path, agent: own, env };
  }
  const { entry } = place.server;
  const { path, before } = npxProgram(entry.kind === 'local' && /^cmd(?:\.exe)?$/i.test(entry.command));
  const folders = new Set(clients.map(workspaceOf));
  const [folder] = folders.size === 1 ? folders : [];
  return { program: path, before, policy: folder === undefined ? policy.relative : `${folder}/${policy.relative}`, agent: own, env: {} };
}

/** Plans each file once, with all jobs in it, in the order in which they stand there. */
export function planFiles(jobs: readonly EntryJob[]): readonly PlannedFile[] {
  const files = new Map(jobs.map(({ place: { file } }) => [file.realPath, file]));
  return Array.from(files.values(), (file) => {
    const own = jobs.filter(({ place }) => place.file.realPath === file.realPath);
    const ordered = own.toSorted((a, b) => file.servers.indexOf(a.place.server) - file.servers.indexOf(b.place.server));
    return planFile(file, file.bytes ?? new Uint8Array(), ordered);
  });
}

/** Does the jobs of one file on bytes, one after the other. An entry that is not as it was `seen` is left. */
export function planFile(
  file: ClientFile,
  bytes: Uint8Array,
  jobs: readonly EntryJob[],
  seen: ReadonlyMap<EntryJob, string> = new Map(),
): PlannedFile {
  let after = bytes;
  const entries: PlannedEntry[] = [];
  const skipped: SkippedJob[] = [];
  for (const job of jobs) {
    const way = planJob({ bytes: after, format: file.format }, job);
    if (way.kind !== 'rewrite') skipped.push({ job, why: way.why });
    else if ((seen.get(job) ?? way.record.was) !== way.record.was)
      skipped.push({ job, why: 'its entry was changed meanwhile: run it again' });
    else {
      after = way.bytes;
      entries.push({ job, ...entryOf(way, job) });
    }
  }
  return { file, before: bytes, after, entries, skipped };
}

function entryOf({ record }: Rewrite, { front, policy, renews }: EntryJob): JournalEntry {
  const program = [front.program, ...front.before];
  return { record, policy, program, ...(renews === undefined || renews === 'unrecorded' ? {} : { renews: renews.key }) };
}

function planJob(file: FileText, { place: { server }, front, renews }: EntryJob): Rewrite | Nothing | EditRefusal {
  const plan = server.entry.kind === 'remote' || isBridge(renews) ? planBridge : planWrap;
  if (renews === undefined) return plan(file, server, front);
  const open = renews === 'unrecorded' ? planUnwrapUnrecorded(file, server) : planUnwrap(file, renews.entry.record);
  return open.kind === 'unwrap' ? plan({ ...file, bytes: open.bytes }, server, front) : open;
}

function isBridge(renews: EntryJob['renews']): boolean {
  return typeof renews === 'object' && renews.entry.record.how === 'bridge';
}

/** The entry of an earlier run that still stands at this place; the newest. */
export function recordedAt({ file, server }: EntryPlace, standings: readonly StandingWrap[]): EntryJob['renews'] {
  for (const { run, intent, open } of standings) {
    if (intent.real !== file.realPath) continue;
    const at = JSON.stringify(server.at);
    const place = open.find((index) => JSON.stringify(intent.entries[index]?.record.at) === at);
    const entry = place === undefined ? undefined : intent.entries[place];
    if (place !== undefined && entry) return { key: { run: run.id, n: intent.n, entry: place }, entry };
  }
  return undefined;
}
