/** `init --check` (setup.md §3): is each server covered, which way leads around, and does what stands before it work? */
import { spawn } from 'node:child_process';
import { createMatcher } from '../../core/match.ts';
import { clientsOfAll, shownStart } from './candidates.ts';
import { identityOf } from './coverage.ts';
import { recallTools } from './listing.ts';
import { clientsOf, type EntryPlace, type MachineServer, type Survey } from './survey.ts';

/** A program that is asked for its version answers within this, ms. */
const PATIENCE = 10_000;

export interface CheckedServer {
  readonly name: string;
  readonly clients: readonly string[];
  readonly command: string;
  readonly isCovered: boolean;
  readonly policy: string | undefined;
  /** Why it is not covered. */
  readonly why: string | undefined;
  /** Entries of the same server that nothing stands before, though something does elsewhere. */
  readonly around: readonly string[];
  /** Tools that the server listed last, and its policy does not. */
  readonly lacks: readonly string[];
}

export interface CheckReport {
  readonly servers: readonly CheckedServer[];
  /** Files that nobody could read: what is in them is not known. */
  readonly unreadable: readonly string[];
  /** Servers beside the files, such as those of plugins. */
  readonly beside: readonly string[];
  /** Policies that stand where whoever edits the project can edit them. */
  readonly shared: readonly string[];
}

/** Checks all servers that `isMeant` names. Starts programs of ours, and no server. */
export async function checkMachine(survey: Survey, home: string, isMeant: (place: EntryPlace) => boolean): Promise<CheckReport> {
  const places = survey.servers.flatMap(({ places: all }) => all).filter((place) => isMeant(place));
  const faults = await programFaults(places);
  const groups = Map.groupBy(survey.servers, ({ id, start }) => (start ? identityOf(start) : id));
  const servers = [...groups.values()].flatMap((group) => {
    const own = group.flatMap(({ places: all }) => all).filter((place) => isMeant(place));
    const [first] = group;
    return first && own.length > 0 ? [checkServer({ ...first, places: own }, survey, home, faults)] : [];
  });
  return {
    servers,
    unreadable: survey.map.files.flatMap(({ path, unreadable }) => (unreadable === undefined ? [] : [`${path}: ${unreadable}`])),
    beside: survey.map.beside.map(({ path, says }) => `${path}: ${says}`),
    shared: [...new Set(places.flatMap(({ isShared, coverage }) => (isShared && coverage.kind === 'covered' ? [coverage.policy] : [])))],
  };
}

function checkServer(server: MachineServer, survey: Survey, home: string, faults: ReadonlyMap<string, string>): CheckedServer {
  const { name, places, start } = server;
  const covered = places.filter((place) => place.coverage.kind === 'covered' && !faults.has(programOf(place)));
  const others = places.filter((place) => !covered.includes(place));
  const [first] = covered;
  const policy = first?.coverage.kind === 'covered' ? first.coverage.policy : undefined;
  return {
    ...{ name, clients: clientsOfAll(places), command: shownStart(start), policy },
    isCovered: others.length === 0,
    why: covered.length > 0 || !others[0] ? undefined : whyOpen(others[0], faults),
    around:
      covered.length === 0 ? [] : others.map((place) => `${clientsOf(place).join(', ')} in ${place.file.path}: ${whyOpen(place, faults)}`),
    lacks: lackingTools(server, policy, survey, home),
  };
}

function whyOpen(place: EntryPlace, faults: ReadonlyMap<string, string>): string {
  const { coverage, leave, server } = place;
  if (coverage.kind === 'covered') return `wrapped, but ${faults.get(programOf(place)) ?? 'its program does not work'}`;
  if (coverage.kind === 'weak') return `wrapped, but ${coverage.why}`;
  return leave ?? (server.disabled ? 'switched off, and without a policy when it is switched on' : 'nothing stands before it');
}

/** With `default: deny` they are closed; they may still be what somebody waits for. */
function lackingTools({ start }: MachineServer, path: string | undefined, { policies }: Survey, home: string): readonly string[] {
  const policy = path === undefined ? undefined : policies.get(path)?.policy;
  const tools = start && recallTools(home, start);
  if (!policy || !tools) return [];
  const match = createMatcher(policy);
  return tools.filter((tool) => !match(tool).listed);
}

/* Programs. */

function programOf({ coverage }: EntryPlace): string {
  return coverage.kind === 'open' || coverage.wrapped.isNpx ? '' : JSON.stringify(coverage.wrapped.program);
}

async function programFaults(places: readonly EntryPlace[]): Promise<ReadonlyMap<string, string>> {
  const programs = [...new Set(places.map(programOf))].filter((program) => program !== '');
  const faults = await Promise.all(programs.map(async (program) => [program, await faultOf(JSON.parse(program) as string[])] as const));
  return new Map(faults.flatMap(([program, fault]) => (fault === undefined ? [] : [[program, fault] as const])));
}

/** Asks a program of ours for its version. */
function faultOf([program = '', ...before]: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, [...before, '--version'], { stdio: ['ignore', 'pipe', 'ignore'], timeout: PATIENCE });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(0, 100);
    });
    child.on('error', () => resolve(`its program ${JSON.stringify(program)} cannot be started`));
    child.on('close', (code) =>
      resolve(code === 0 && /^\d+\.\d+\.\d+/.test(said) ? undefined : `its program ${JSON.stringify(program)} does not work`),
    );
  });
}
