/** `intercept scan --clients`: every server in every MCP client's configuration (setup.md §2). */
import { join } from 'node:path';
import { CommandError, EXIT } from '../../core/fault.ts';
import { startOf } from '../../setup/clients/start.ts';
import { shownStart } from '../../setup/init/candidates.ts';
import { listedClasses, scanResultOf } from '../../setup/init/drafts.ts';
import { type Finding, findingsIn, inventoryOf } from '../../setup/init/inventory.ts';
import { readRuns, standingOf } from '../../setup/init/journal.ts';
import { rememberTools } from '../../setup/init/listing.ts';
import { surveyHere } from '../../setup/init/run.ts';
import { scanStart } from '../../setup/init/scan-start.ts';
import { fewAtATime } from '../../setup/init/scans.ts';
import { folderOf, type MachineServer, type Survey } from '../../setup/init/survey.ts';
import type { LibraryEntry } from '../../setup/library/shape.ts';
import type { Risk } from '../../setup/risk/risk.ts';
import { askYes } from '../ask.ts';
import { type InitSurroundings, openPorts } from '../init/ports.ts';
import { createPaint, shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';
import { clientsJson, renderClients } from './clients-view.ts';

export interface ClientsFlags {
  readonly start: boolean;
  readonly yes: boolean;
  readonly project: boolean;
  readonly failOn: readonly Finding[];
  readonly timeout: number;
  readonly json: boolean;
  readonly home: string;
}

/** Errors of scans begin so; here the line says it already. */
const UNKNOWN = /^the server's tools are not known: /;

/** Prints the inventory of the machine. Nothing is started but what was asked for. */
export async function scanClients(flags: ClientsFlags, terminal: Terminal): Promise<number> {
  const surroundings = await openPorts(flags.home, terminal.env, 'suggested');
  const survey = await surveyHere(surroundings, standingOf(readRuns(join(flags.home, 'setup'))));
  const scans = flags.start ? await startAll(survey, flags, surroundings, terminal) : new Map<string, readonly Risk[] | string>();
  const files = inventoryOf(survey, { home: flags.home, entries: await libraryEntries(), scans });
  const found = findingsIn(files, flags.failOn);
  const beside = survey.map.beside.map(({ path, says }) => `${path}: ${says}`);
  if (flags.json) terminal.out(JSON.stringify(clientsJson(files, beside, found), null, 2));
  else for (const line of renderClients(files, beside, createPaint(terminal.colour))) terminal.out(line);
  if (found.length === 0) return EXIT.done;
  terminal.err(`${flags.failOn.join(', ')}: ${[...new Set(found.map(({ name }) => shown(name, 60)))].join(', ')}`);
  return EXIT.found;
}

async function libraryEntries(): Promise<readonly LibraryEntry[]> {
  try {
    return (await import('../../setup/library/library.ts')).openLibrary().entries;
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

/** Starts those that a person says yes to, a few at a time; all questions come first. */
async function startAll(
  survey: Survey,
  flags: ClientsFlags,
  surroundings: InitSurroundings,
  terminal: Terminal,
): Promise<ReadonlyMap<string, readonly Risk[] | string>> {
  const wanted: MachineServer[] = [];
  for (const server of survey.servers) if (isToStart(server, flags) && (await isAgreed(server, flags, terminal))) wanted.push(server);
  const scans = new Map<string, readonly Risk[] | string>();
  await fewAtATime(wanted, async (server) => void scans.set(server.id, await scanOne(server, flags, surroundings)));
  return scans;
}

/** A server that stands behind Intercept would show the tools that its policy shows, and what is switched off is not to run. */
function isToStart({ start, places }: MachineServer, { project }: ClientsFlags): boolean {
  return start !== undefined && places.some((place) => isOpen(place) && (project || place.project === undefined));
}

function isOpen({ coverage, server }: MachineServer['places'][number]): boolean {
  return coverage.kind === 'open' && !server.disabled;
}

/** SECURITY: values of the environment and of headers are not part of what is shown. */
function isAgreed({ name, start }: MachineServer, { yes }: ClientsFlags, terminal: Terminal): Promise<boolean> | boolean {
  return yes || askYes(`Start ${shown(name, 60)}: ${shown(shownStart(start), 300)}?`, terminal);
}

async function scanOne(server: MachineServer, flags: ClientsFlags, surroundings: InitSurroundings): Promise<readonly Risk[] | string> {
  const place = server.places.find((each) => isOpen(each) && (flags.project || each.project === undefined));
  if (!place || !server.start) return 'it stands nowhere';
  const cwd = folderOf(place, surroundings.world);
  const outcome = await scanStart(startOf(place.server, surroundings.world), { ...surroundings, timeout: flags.timeout, cwd });
  if (outcome.kind !== 'scanned') return (outcome.why.split('\n', 1)[0] ?? '').replace(UNKNOWN, '');
  const classes = listedClasses(scanResultOf(outcome.scanned));
  rememberTools(flags.home, server.start, classes, Date.now());
  return classes.map(({ risk }) => risk);
}
