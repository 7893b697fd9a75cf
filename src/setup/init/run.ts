/** `intercept init` (setup.md §3): find, scan, draft, choose, show and ask, write. */
import { join } from 'node:path';
import { CommandError, EXIT } from '../../core/fault.ts';
import type { Choice, ScanServers, ServerState, ServerToChoose } from '../choose/servers.ts';
import { findClientFiles } from '../clients/find.ts';
import type { ClientId } from '../clients/ids.ts';
import { type ServerStart, startOf } from '../clients/start.ts';
import type { World } from '../clients/types.ts';
import type { Preset } from '../draft/model.ts';
import { type Candidate, candidatesOf, clientsOfAll, type EntrySelection, shownStart } from './candidates.ts';
import { type CarriedOut, carryOut, type ServerWork } from './carry-out.ts';
import { type ClassifiedServer, chosenText, type Drafting, draftingOf, type LibraryDoor, listedClasses, scanResultOf } from './drafts.ts';
import { readRuns, type StandingWrap, standingOf } from './journal.ts';
import { rememberTools } from './listing.ts';
import { type EntryJob, frontOf, type PlannedFile, planFiles, recordedAt } from './plan.ts';
import { knownPolicies, placePolicies, textThere } from './policies.ts';
import { knownPrograms, type OwnProgram, ownWordsBy } from './program.ts';
import { type ScanningOptions, scanStart } from './scan-start.ts';
import { fewAtATime } from './scans.ts';
import { type EntryPlace, folderOf, originalServer, type Survey, surveyMachine } from './survey.ts';
import { tryEntry } from './trial.ts';

export interface InitOptions extends EntrySelection {
  readonly preset: Preset;
  readonly agent: string | undefined;
  /** False: nothing is started. */
  readonly scan: boolean;
  readonly shadow: boolean;
  /** Nobody is asked. */
  readonly yes: boolean;
  readonly dryRun: boolean;
  /** Only what would change in files is looked at: no server is started, and no policy is drafted. */
  readonly isLook: boolean;
}

/** The doors to everything outside of init. */
export interface InitPorts extends ScanningOptions {
  readonly world: World;
  readonly home: string;
  /** The home that entries have to name, because it is not the usual one. */
  readonly namedHome: string | undefined;
  readonly program: OwnProgram;
  readonly library: LibraryDoor | undefined;
  workspaceOf(client: ClientId): string | undefined;
  now(): number;
  /** The state of one server while it is scanned, or tried. */
  progress(name: string, state: string): void;
  /** Lets the person choose. */
  choose(
    servers: readonly ServerToChoose[],
    scan: (ids: readonly string[], put: (id: string, state: ServerState) => void) => void,
  ): Promise<Choice | 'cancelled'>;
  /** Shows what would be written, and asks. */
  agree(plan: InitPlan): Promise<boolean>;
  /** Asks for what a client would ask for; undefined where nobody answers. */
  askSecret(question: string): Promise<string | undefined>;
}

/** All that would be written. */
export interface InitPlan {
  readonly works: readonly ServerWork[];
  readonly files: readonly PlannedFile[];
}

export interface InitReport {
  readonly outcome: 'done' | 'nothing' | 'dry_run' | 'declined' | 'cancelled';
  readonly survey: Survey;
  readonly candidates: readonly Candidate[];
  /** Why servers that were scanned have no draft, by id. */
  readonly unscanned: ReadonlyMap<string, string>;
  readonly results: ReadonlyMap<string, ClassifiedServer>;
  readonly plan: InitPlan;
  readonly carried: CarriedOut | undefined;
}

/** A run, as far as it got. */
interface Running {
  readonly options: InitOptions;
  readonly ports: InitPorts;
  readonly standings: readonly StandingWrap[];
  readonly results: Map<string, ClassifiedServer>;
  readonly draftings: Map<string, Drafting>;
  readonly unscanned: Map<string, string>;
  readonly answers: Map<string, string>;
}

/** Runs it. Rejects with `CommandError` where nothing can be done at all. */
export async function runInit(options: InitOptions, ports: InitPorts): Promise<InitReport> {
  const setup = join(ports.home, 'setup');
  const runs = readRuns(setup);
  const standings = standingOf(runs);
  const survey = await surveyHere(ports, standings);
  const places = placePolicies(survey.servers, ports.home, knownPolicies(runs));
  const candidates = candidatesOf(survey.servers, places, options);
  refuseUnknown(options, survey, candidates);
  const running: Running = {
    options,
    ports,
    standings,
    results: new Map(),
    draftings: new Map(),
    unscanned: new Map(),
    answers: new Map(),
  };
  const report = (outcome: InitReport['outcome'], plan: InitPlan = { works: [], files: [] }, carried?: CarriedOut): InitReport => ({
    ...{ outcome, survey, candidates, unscanned: running.unscanned, results: running.results, plan, carried },
  });
  if (candidates.every(({ left }) => left !== undefined)) return report('nothing');
  const choice = await decide(candidates, running);
  if (choice === 'cancelled') return report('cancelled');
  const works = worksOf(candidates, choice, running);
  const plan = { works, files: planFiles(works.flatMap(({ jobs }) => jobs)) };
  if (plan.works.length === 0) return report('nothing', plan);
  const isAgreed = await ports.agree(plan);
  if (options.dryRun) return report('dry_run', plan);
  if (!isAgreed) return report('declined', plan);
  return report('done', plan, await carryOutHere(plan, setup, running));
}

/** Looks at this machine, by the programs that this home knows. */
export function surveyHere(
  { world, program, home }: Pick<InitPorts, 'world' | 'program' | 'home'>,
  standings: readonly StandingWrap[],
): Promise<Survey> {
  const written = standings.flatMap(({ intent }) => intent.entries.map((entry) => entry.program));
  const ownWords = ownWordsBy(knownPrograms(program, home, written));
  return surveyMachine(findClientFiles(world), { world, ownWords });
}

/** A name that nothing has is a mistake, and no reason to do nothing in silence. */
function refuseUnknown({ clients, servers }: EntrySelection, { map, servers: all }: Survey, candidates: readonly Candidate[]): void {
  const server = servers.find((name) => !all.some(({ places }) => places.some((place) => place.server.name === name)));
  if (server !== undefined)
    throw new CommandError(
      `no client has a server ${JSON.stringify(server)}`,
      EXIT.failed,
      `there are ${list(all.map(({ name }) => name))}`,
    );
  const client = clients.find((name) => !map.clients.some((each) => each.id === name || each.name === name));
  if (client !== undefined && candidates.length === 0)
    throw new CommandError(
      `no client ${JSON.stringify(client)} was found`,
      EXIT.failed,
      `there are ${list(map.clients.map(({ id }) => id))}`,
    );
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : [...new Set(names)].map((name) => JSON.stringify(name)).join(', ');
}

/* Choosing. */

/** Asks the person, or takes the drafts. */
async function decide(candidates: readonly Candidate[], running: Running): Promise<Choice | 'cancelled'> {
  const { options, ports } = running;
  const byId = new Map(candidates.map((candidate) => [candidate.server.id, candidate]));
  const scanAll = (...[ids, put]: Parameters<ScanServers>) =>
    fewAtATime(ids, async (id) => {
      const candidate = byId.get(id);
      if (candidate) await scanCandidate(candidate, running, (state) => put(id, state));
    });
  if (!options.yes) {
    // Before the choosing, which has the terminal to itself.
    const scan = (ids: readonly string[], put: (id: string, state: ServerState) => void) => void scanAll(ids, put);
    return ports.choose(
      candidates.map((candidate) => toChoose(candidate, running)),
      scan,
    );
  }
  const wanted = candidates.filter((candidate) => stateOf(candidate, running).kind === 'found').map(({ server }) => server.id);
  await scanAll(wanted, () => {});
  return allDrafts(candidates, running);
}

/** Chooses as `--yes` does: the drafts; of the library where nothing may be started. */
function allDrafts(candidates: readonly Candidate[], { options, draftings, ports }: Running): Choice {
  const servers = candidates.flatMap((candidate) => {
    const { server, policy, left } = candidate;
    if (left !== undefined) return [];
    const isKnown = !options.scan && ports.library?.find(candidate) !== undefined;
    const cover = policy.isThere || draftings.has(server.id) ? 'rules' : isKnown ? 'library' : options.isLook ? 'closed' : 'open';
    return [[server.id, { cover, columns: new Map() }] as const];
  });
  return { mode: options.shadow ? 'shadow' : 'enforce', servers: new Map(servers) };
}

function toChoose(candidate: Candidate, running: Running): ServerToChoose {
  const { server, policy, isOff } = candidate;
  const library = running.ports.library?.find(candidate)?.id;
  const notes = policy.isThere ? [`its policy is there, and is used as it is: ${policy.path}`] : [];
  return {
    ...{ id: server.id, name: server.name, clients: clientsOfAll(server.places), command: shownStart(server.start), library, notes },
    ticked: !isOff,
    state: stateOf(candidate, running),
  };
}

function stateOf({ left, policy, isOff }: Candidate, { options }: Running): ServerState {
  if (left !== undefined) return { kind: 'left', why: left };
  if (policy.isThere) return { kind: 'scanned', tools: [], kept: true, draft: () => ({ text: textThere(policy.path), leftOut: [] }) };
  if (isOff) return { kind: 'failed', why: 'it is switched off in its client, and is not started' };
  return options.scan ? { kind: 'found' } : { kind: 'failed', why: 'it was not scanned (--no-scan)' };
}

/* Scanning. */

async function scanCandidate(candidate: Candidate, running: Running, put: (state: ServerState) => void): Promise<void> {
  const { options, ports, results, draftings, unscanned } = running;
  const { server } = candidate;
  const show = (state: ServerState, says: string) => {
    put(state);
    ports.progress(server.name, says);
  };
  show({ kind: 'starting' }, 'starting');
  const place = startingPlace(candidate);
  const cwd = place ? folderOf(place, ports.world) : ports.world.home;
  const outcome = await scanStart(await startHere(candidate, running), { ...ports, cwd });
  if (outcome.kind !== 'scanned') {
    unscanned.set(server.id, outcome.why);
    return show(outcome, outcome.kind === 'login' ? 'needs login' : 'failed');
  }
  const result = scanResultOf(outcome.scanned);
  const date = new Date(ports.now()).toISOString().slice(0, 10);
  const drafting = draftingOf(candidate, result, { preset: options.preset, date, library: ports.library });
  results.set(server.id, result);
  draftings.set(server.id, drafting);
  unscanned.delete(server.id);
  const { length } = outcome.scanned.tools;
  show(drafting.state, `${length} tool${length === 1 ? '' : 's'}`);
}

/** The entry that it is started by: one that is to be written, where there is one. */
function startingPlace({ open, broken, server }: Candidate): EntryPlace | undefined {
  return open[0] ?? broken[0] ?? server.places[0];
}

/** The server as one of its clients starts it; what that asks for is asked here, for this scan alone. */
async function startHere(candidate: Candidate, { ports, answers }: Running): Promise<ServerStart> {
  const { server } = candidate;
  const place = startingPlace(candidate);
  if (!place) return { kind: 'unknown', why: 'it stands nowhere' };
  const start = startOf(originalServer(place), ports.world, answers);
  if (start.kind !== 'asks') return start;
  for (const id of start.ids) {
    const answer = await ports.askSecret(`${server.name} asks for ${id}: `);
    if (answer) answers.set(id, answer);
  }
  return startOf(originalServer(place), ports.world, answers);
}

/* Writing. */

function worksOf(candidates: readonly Candidate[], choice: Choice, running: Running): readonly ServerWork[] {
  const { options, ports, standings, draftings, results } = running;
  const date = new Date(ports.now()).toISOString().slice(0, 10);
  const front = { program: ports.program, agent: options.agent, home: ports.namedHome, workspaceOf: ports.workspaceOf };
  return candidates.flatMap((candidate) => {
    const { server, policy, open, broken, left } = candidate;
    const cover = choice.servers.get(server.id)?.cover ?? 'open';
    if (left !== undefined || cover === 'open') return [];
    const drafting = draftings.get(server.id);
    const text = policy.isThere
      ? undefined
      : chosenText(candidate, choice, drafting, { preset: options.preset, date, library: ports.library });
    if (text === undefined && !policy.isThere) return [];
    const jobs = [...open, ...broken].map((place): EntryJob => {
      const renews = place.coverage.kind === 'open' ? undefined : (recordedAt(place, standings) ?? 'unrecorded');
      return { place, front: frontOf(place, policy, front), policy: policy.path, renews };
    });
    return [{ candidate, text, tools: results.get(server.id)?.scanned.tools.map(({ name }) => name), jobs }];
  });
}

async function carryOutHere({ works, files }: InitPlan, setup: string, { ports, answers, results }: Running): Promise<CarriedOut> {
  const carried = await carryOut(works, files, {
    ...{ setup, kind: 'init', now: ports.now() },
    tryEntry: (entry, tools) => tryEntry(entry, tools, { ...ports, answers, cwd: folderOf(entry.job.place, ports.world) }),
    doing: ({ candidate }, state) => ports.progress(candidate.server.name, state === 'works' ? 'works behind Intercept' : state),
  });
  for (const { candidate } of works) {
    const result = results.get(candidate.server.id);
    if (result && candidate.server.start) rememberTools(ports.home, candidate.server.start, listedClasses(result), ports.now());
  }
  return carried;
}
