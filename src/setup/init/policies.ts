/** One policy for each server: its name, its file, and writing it (setup.md §3.3, §3.6). */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandError, EXIT, reasonOf } from '../../core/fault.ts';
import { leadsInto } from './foreign.ts';
import type { PastRun } from './journal.ts';
import { syncFolder } from './replace.ts';
import { freeSlug, slugOf } from './slug.ts';
import type { MachineServer } from './survey.ts';

/** The place of a server's policy. */
export interface PolicyPlace {
  readonly name: string;
  readonly path: string;
  /** As entries of a shared project name it; undefined where they name the path itself. */
  readonly relative: string | undefined;
  /** One for this server is there, and is used as it is. */
  readonly isThere: boolean;
}

const FOLDER = '.intercept';
/** Bytes. */
const MOST_SHOWN = 1_048_576;

/** The policies that earlier runs wrote or used, by the id of the server. The last one holds. */
export function knownPolicies(runs: readonly PastRun[]): ReadonlyMap<string, string> {
  return new Map(runs.flatMap(({ lines }) => lines.flatMap((line) => (line.type === 'policy' ? [[line.server, line.path] as const] : []))));
}

/** Gives each server a policy: the one that its entries name or an earlier run wrote, else a new one whose name is free. */
export function placePolicies(
  servers: readonly MachineServer[],
  home: string,
  known: ReadonlyMap<string, string>,
): ReadonlyMap<string, PolicyPlace> {
  const places = new Map<string, PolicyPlace>();
  const taken = new Set<string>();
  for (const server of servers) {
    const place = placePolicy(server, join(home, 'policies'), known, taken);
    taken.add(place.path);
    places.set(server.id, place);
  }
  return places;
}

function placePolicy(server: MachineServer, folder: string, known: ReadonlyMap<string, string>, taken: ReadonlySet<string>): PolicyPlace {
  const project = server.places.find(({ isShared }) => isShared)?.project;
  const own = project === undefined ? folder : join(project, FOLDER);
  const pathOf = (slug: string) => join(own, `${slug}.yaml`);
  const before = namedBy(server) ?? known.get(server.id);
  const isThere = before !== undefined && fs.existsSync(before);
  const slug = slugOf(server.name);
  const path =
    before !== undefined && (isThere || dirname(before) === own) ? before : pathOf(freeSlug(slug, (tried) => isFree(pathOf(tried), taken)));
  const file = basename(path, '.yaml');
  const name = project === undefined ? file : `${slugOf(basename(project))}-${file}`;
  return { name, path, relative: project === undefined ? undefined : `${FOLDER}/${basename(path)}`, isThere };
}

/** Reads the text of a policy that is there, for a person to look at; empty where it cannot be shown. */
export function textThere(path: string): string {
  try {
    const found = fs.statSync(path);
    return found.isFile() && found.size <= MOST_SHOWN ? fs.readFileSync(path, 'utf8') : '';
  } catch {
    return '';
  }
}

/** The policy that an entry of the server is behind already. */
function namedBy({ places }: MachineServer): string | undefined {
  const [policy] = places.flatMap(({ coverage }) => (coverage.kind === 'open' || coverage.policy === undefined ? [] : [coverage.policy]));
  return policy;
}

function isFree(path: string, taken: ReadonlySet<string>): boolean {
  // Windows and macOS take two names for one that differ in case; slugs have none.
  return !taken.has(path) && fs.lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

/** Writes a policy that is not there yet. Throws `CommandError`. */
export function writePolicy({ path }: PolicyPlace, text: string, project: string | undefined): void {
  const folder = dirname(path);
  if (project !== undefined && !leadsInto(folder, project))
    throw new CommandError(
      `${folder} leads out of the project: no policy is written there`,
      EXIT.failed,
      'make it a folder of the project',
    );
  const [folderMode, fileMode] = project === undefined ? [0o700, 0o600] : [0o755, 0o644];
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    fs.mkdirSync(folder, { recursive: true, mode: folderMode });
    fs.writeFileSync(temporary, text, { flag: 'wx', mode: fileMode, flush: true });
    // A link, unlike a renaming, never takes the place of a file that somebody wrote meanwhile.
    fs.linkSync(temporary, path);
    syncFolder(folder);
  } catch (error) {
    throw new CommandError(
      `the policy ${path} cannot be written: it ${reasonOf(error)}`,
      EXIT.failed,
      `see "ls -ld ${path}" and its folder`,
    );
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** The policy of a server of which nothing is known: it denies everything, until a scan says what there is. */
export function closedPolicy(name: string, date: string): string {
  return [
    `# Closed by "intercept init" on ${date}: the server was not scanned, and nothing of it can be called.`,
    '# To open it: intercept scan -o THIS-FILE --update -- COMMAND…',
    'version: "1"',
    `name: ${name}`,
    'default: deny',
    'methods:',
    '  "*": deny',
    'tools: {}',
    '',
  ].join('\n');
}

/** The policy as one that only records what it would deny. */
export function inShadow(text: string): string {
  return text.replace(/^default: .*$/m, (line) => `mode: shadow  # nothing is denied yet: "intercept status" shows what would be\n${line}`);
}
