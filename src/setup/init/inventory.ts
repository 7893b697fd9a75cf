/** The servers of this machine and what they can do: client, file, server, tools by class (setup.md §2). Starts and writes nothing. */
import type { ClientFile } from '../clients/types.ts';
import { matchCommand } from '../library/match.ts';
import type { LibraryEntry } from '../library/shape.ts';
import type { Risk } from '../risk/risk.ts';
import { shownStart } from './candidates.ts';
import { recallClasses } from './listing.ts';
import type { EntryPlace, MachineServer, Survey } from './survey.ts';

/** The classes of a server's tools, and where they are known from. */
export interface KnownTools {
  readonly from: 'scan' | 'listing' | 'library';
  readonly classes: readonly Risk[];
}

/** One entry of a file. */
export interface InventoriedServer {
  readonly name: string;
  /** Without secrets. */
  readonly command: string;
  readonly state: 'covered' | 'weak' | 'open';
  /** Why it is not covered, where more can be said. */
  readonly why: string | undefined;
  readonly policy: string | undefined;
  readonly disabled: boolean;
  readonly project: string | undefined;
  /** Undefined where nobody knows. */
  readonly tools: KnownTools | undefined;
  /** Why it was not scanned, where it was to be. */
  readonly failed: string | undefined;
}

/** One real file, with all clients that read it. */
export interface InventoriedFile {
  readonly path: string;
  readonly clients: readonly string[];
  readonly scopes: readonly string[];
  readonly unreadable: string | undefined;
  readonly servers: readonly InventoriedServer[];
}

export interface InventorySources {
  readonly home: string;
  /** Of the policy library; none where the program came without it. */
  readonly entries: readonly LibraryEntry[];
  /** The answer that a scan gave now, by the id of a server: its classes, or why it failed. */
  readonly scans: ReadonlyMap<string, readonly Risk[] | string>;
}

/** Sums up what a survey found. */
export function inventoryOf({ map, servers }: Survey, sources: InventorySources): readonly InventoriedFile[] {
  const places = servers.flatMap((server) => server.places.map((place) => ({ server, place })));
  return map.files.map((file): InventoriedFile => {
    const own = places.filter(({ place }) => place.file === file);
    return {
      path: file.path,
      clients: namesOf(file),
      scopes: [...new Set(file.readers.map(({ scope }) => scope))],
      unreadable: file.unreadable,
      servers: own.map(({ server, place }) => serverOf(server, place, sources)),
    };
  });
}

/** The clients that read it: of those on this machine, where there are any. */
function namesOf({ readers }: ClientFile): readonly string[] {
  const here = readers.filter(({ installed }) => installed);
  return [...new Set((here.length > 0 ? here : readers).map(({ name }) => name))];
}

function serverOf(
  server: MachineServer,
  { coverage, server: entry, leave, project }: EntryPlace,
  sources: InventorySources,
): InventoriedServer {
  const scanned = sources.scans.get(server.id);
  return {
    name: entry.name,
    command: shownStart(server.start),
    state: coverage.kind,
    why: coverage.kind === 'weak' ? coverage.why : coverage.kind === 'open' ? leave : undefined,
    policy: coverage.kind === 'open' ? undefined : coverage.policy,
    disabled: entry.disabled,
    project,
    tools: typeof scanned === 'object' ? { from: 'scan', classes: scanned } : knownTools(server, sources),
    failed: typeof scanned === 'string' ? scanned : undefined,
  };
}

/** The last listing is the server's own; the library knows what the package had. */
function knownTools({ start }: MachineServer, { home, entries }: InventorySources): KnownTools | undefined {
  if (!start) return undefined;
  const listed = recallClasses(home, start);
  if (listed) return { from: 'listing', classes: listed };
  if (start.kind !== 'local') return undefined;
  const match = matchCommand(entries, [start.command, ...start.args], Object.fromEntries(start.env));
  return match.kind === 'found' ? { from: 'library', classes: match.entry.tools.map(({ risk }) => risk) } : undefined;
}

/** Findings of a check in CI: servers that nothing stands before, tools that nobody knows, or tools of a class. */
export type Finding = Lowercase<Risk> | 'unknown' | 'open';

/** The servers that nothing covers and of which one of the findings holds. */
export function findingsIn(files: readonly InventoriedFile[], findings: readonly Finding[]): readonly InventoriedServer[] {
  const has = ({ tools }: InventoriedServer, finding: Finding) => {
    if (finding === 'open') return true;
    return finding === 'unknown' ? tools === undefined : tools?.classes.some((risk) => risk.toLowerCase() === finding) === true;
  };
  const open = files.flatMap(({ servers }) => servers).filter(({ state }) => state !== 'covered');
  return open.filter((server) => findings.some((finding) => has(server, finding)));
}
