/** The servers of this machine: each once, with the entries of all clients that have it (setup.md §3.1, §3.3). */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ClientMap } from '../clients/find.ts';
import type { ClientFile, ClientServer, LocalEntry, Reader, World } from '../clients/types.ts';
import { coverageOf, type EntryCoverage, identityOf, type OriginalServer } from './coverage.ts';
import { hashOf } from './foreign.ts';
import { type PolicyState, readPolicyState } from './policy-state.ts';
import { programFault } from './program.ts';

/** One entry of one file. */
export interface EntryPlace {
  readonly file: ClientFile;
  readonly server: ClientServer;
  readonly coverage: EntryCoverage;
  /** The project whose own file it is. */
  readonly project: string | undefined;
  /** That project is in Git: the entry is everybody's. */
  readonly isShared: boolean;
  /** Why it is left as it is; undefined where it can be rewritten. */
  readonly leave: string | undefined;
}

/** A server, and where it stands. */
export interface MachineServer {
  /** The same for the same command, arguments and environment, or URL and headers; in a shared project its own. */
  readonly id: string;
  readonly name: string;
  /** The server behind Intercept, or what would be; undefined where an entry has neither command nor URL. */
  readonly start: OriginalServer | undefined;
  readonly places: readonly EntryPlace[];
}

export interface Survey {
  readonly map: ClientMap;
  readonly servers: readonly MachineServer[];
  /** Policies that entries name, by path. */
  readonly policies: ReadonlyMap<string, PolicyState>;
}

export interface SurveyOptions {
  readonly world: World;
  ownWords(words: readonly string[]): number;
}

/** Groups what clients' files hold. Starts and writes nothing. */
export async function surveyMachine(map: ClientMap, { world, ownWords }: SurveyOptions): Promise<Survey> {
  const entries = map.files.flatMap((file) => file.servers.map((server) => ({ file, server })));
  const named = new Set<string>();
  const judge = (file: ClientFile, server: ClientServer, policyFault: (path: string) => string | undefined): EntryCoverage => {
    const { entry } = server;
    if (entry.kind !== 'local') return { kind: 'open' };
    const locate = (policy: string) => policyPath(policy, entry, projectOf(file));
    return coverageOf(entry, { ownWords, programFault, locate, policyFault });
  };
  // First to learn which policies are named, then to judge by them.
  for (const { file, server } of entries) judge(file, server, (path) => void named.add(path));
  const policies = new Map<string, PolicyState>();
  for (const path of named) policies.set(path, await readPolicyState(path));
  const places = entries.map(({ file, server }) =>
    placeOf(
      file,
      server,
      judge(file, server, (path) => policies.get(path)?.fault),
      world,
    ),
  );
  return { map, servers: groupPlaces(places), policies };
}

function placeOf(file: ClientFile, server: ClientServer, coverage: EntryCoverage, world: World): EntryPlace {
  const project = projectOf(file);
  const isShared = project !== undefined && isInGit(project, world);
  return { file, server, coverage, project, isShared, leave: file.untouchable ?? server.leave };
}

/**
 * The project whose own file it is. A file of the person's that is about a project is theirs, and so is one that a
 * project has a link to. SECURITY: else a link in a project would keep their servers open, or take their policies there.
 */
export function projectOf({ readers }: ClientFile): string | undefined {
  return readers.every(({ scope }) => scope === 'project') ? readers[0]?.project : undefined;
}

/**
 * The folder that a server is started in to be looked at: the project whose it is, else the home. SECURITY: never the
 * folder that one happens to be in, whose programs and settings npx and others would take.
 */
export function folderOf({ project, server: { readers } }: EntryPlace, { home, disk }: World): string {
  const own = project ?? readers.find(({ scope }) => scope === 'local')?.project;
  return own !== undefined && disk.look(own)?.kind === 'folder' ? own : home;
}

function isInGit(project: string, { disk }: World): boolean {
  for (let folder = project; ; folder = dirname(folder)) {
    if (disk.look(join(folder, '.git'))) return true;
    if (dirname(folder) === folder) return false;
  }
}

/** The project's folder, as clients name it. */
const WORKSPACE = /^\$\{workspaceFolder\}\//;

/** Where the policy of an entry is: written whole, from its own folder, or from the project on. */
function policyPath(policy: string, { cwd }: LocalEntry, project: string | undefined): string | undefined {
  if (isAbsolute(policy)) return policy;
  const start = project ?? (cwd !== undefined && isAbsolute(cwd) ? cwd : undefined);
  return start === undefined ? undefined : resolve(start, policy.replace(WORKSPACE, ''));
}

function groupPlaces(places: readonly EntryPlace[]): readonly MachineServer[] {
  const groups = new Map<string, { readonly start: OriginalServer | undefined; readonly places: EntryPlace[] }>();
  for (const place of places) {
    const start = originalOf(place);
    const key = start
      ? `${place.isShared ? place.project : ''}\0${identityOf(start)}`
      : `\0${place.file.path}\0${JSON.stringify(place.server.at)}`;
    const group = groups.get(key) ?? { start, places: [] };
    group.places.push(place);
    groups.set(key, group);
  }
  return Array.from(groups, ([key, { start, places: of }]) => ({
    id: hashOf(Buffer.from(key)).slice(0, 16),
    name: of[0]?.server.name ?? '',
    start,
    places: of,
  }));
}

function originalOf({ server: { entry }, coverage }: EntryPlace): OriginalServer | undefined {
  if (coverage.kind !== 'open') return coverage.wrapped.start;
  if (entry.kind === 'local') return withoutHome(entry);
  return entry.kind === 'remote' ? entry : undefined;
}

function withoutHome({ kind, command, args, env }: LocalEntry): OriginalServer {
  return { kind, command, args, env: new Map([...env].filter(([name]) => name !== 'INTERCEPT_HOME')) };
}

/** The names of the clients that read an entry today. */
export function clientsOf({ server }: EntryPlace): readonly string[] {
  return [...new Set(readersOf(server).map(({ name }) => name))];
}

/** Those that read an entry: of clients that are on this machine, where there are any. */
export function readersOf({ readers }: ClientServer): readonly Reader[] {
  const here = readers.filter(({ installed }) => installed);
  return here.length > 0 ? here : readers;
}

/** The server without what stands before it. */
export function originalServer({ server, coverage }: EntryPlace): ClientServer {
  if (coverage.kind === 'open') return server;
  const { start } = coverage.wrapped;
  const { value } = server.entry;
  if (!start) return { ...server, entry: { kind: 'other', value, why: 'it names no server' } };
  if (start.kind === 'local')
    return { ...server, entry: { ...start, value, cwd: server.entry.kind === 'local' ? server.entry.cwd : undefined } };
  return { ...server, entry: { ...start, value, transport: 'http', headerVariables: new Map(), bearerVariable: undefined, oauth: false } };
}
