/**
 * Checks that Intercept's folders and keys are this user's alone (cli.md §2). SECURITY: whoever can write there decides on
 * held calls, and a token or key that somebody else put there is known to them.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, renameSync, rmSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError, ELSEWHERE, EXIT, UsageError } from '../core/fault.ts';
import type { StateLocation } from '../state/open.ts';
import { interceptHome } from './home.ts';
import { type StateFlags, stateLocation } from './state-location.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const WRITE = 0o022;
const READ = 0o044;
const GROUP = 0o070;

/** Where Intercept keeps what is its own. */
export interface OwnPlaces {
  readonly home: string;
  readonly state: StateLocation;
}

/** Throws `CommandError` where one of them stands and is not ours alone. Not on systems without such owners. */
export function checkFolders({ home, state }: OwnPlaces, env: Environment): void {
  const user = process.getuid?.();
  if (user === undefined) return;
  const group = groupOf(env);
  checkFolder('home', home, user);
  // Before what stands in it, which may not be seen where it belongs to somebody else.
  checkOwner('home', home, user);
  for (const folder of state.folders) checkFolder('state folder', folder, user);
  for (const [what, path] of [
    ['home', home],
    ...state.folders.map((folder) => ['state folder', folder] as const),
    ['admin token', tokenIn(home)],
    ['key', keyIn(home)],
  ] as const)
    checkPlace(what, path, user, group);
  for (const [what, path] of [
    ['audit folder', join(home, 'events')],
    ['folder of tool lists', join(home, 'tools')],
    ...state.files.map((file) => ['state file', file] as const),
  ] as const)
    checkOwner(what, path, user);
}

/** The home and the state folder that a command was given, once it is known that they are ours alone. */
export function ownPlaces(flags: StateFlags, env: Environment): OwnPlaces {
  const places = { home: interceptHome(env), state: stateLocation(flags, env) };
  checkFolders(places, env);
  return places;
}

/** Where the admin token is. */
export function tokenIn(home: string): string {
  return join(home, 'admin.token');
}

/** Where this machine's key is. */
export function keyIn(home: string): string {
  return join(home, 'machine.key');
}

/** Takes a token or key away that others could read, so that a new one is made. `warn` says so. */
export function dropExposed(what: string, path: string, env: Environment, warn: (text: string) => void): void {
  if (process.getuid === undefined) return;
  const group = groupOf(env);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found || bitsOf(found, READ, group) === 0) return;
  const away = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  if (!moved(path, away)) return;
  // Another process that starts now may have been here first: then this is its new one.
  const exposed = bitsOf(statSync(away), READ, group) !== 0;
  if (!exposed) putBack(away, path);
  rmSync(away, { force: true });
  if (exposed)
    warn(`others could read the ${what} ${JSON.stringify(path)} (mode ${modeOf(found)}): it is replaced; restart what still runs with it`);
}

function checkPlace(what: string, path: string, user: number, group: number | undefined): void {
  const found = checkOwner(what, path, user);
  const open = found ? bitsOf(found, WRITE, group) : 0;
  if (!found || open === 0) return;
  const who = [...(open & 0o020 ? [`its group (${found.gid})`] : []), ...(open & 0o002 ? ['everybody'] : [])].join(' and ');
  throw new CommandError(
    `${who} can write the ${what} ${JSON.stringify(path)} (mode ${modeOf(found)})`,
    EXIT.failed,
    `look at what is in it, then run "chmod go-w ${quoted(path)}"${found.isDirectory() ? '' : ', or remove it to get a new one'}`,
  );
}

function checkOwner(what: string, path: string, user: number): Stats | undefined {
  const found = look(what, path, statSync);
  if (found && found.uid !== user) throw foreign(what, path, found.uid, user);
  return found;
}

/** SECURITY: whoever owns a link on the way could lead it elsewhere as soon as it was looked at; root may, it could in any case. */
function checkFolder(what: string, path: string, user: number): void {
  const [link, found] = [look(what, path, lstatSync), look(what, path, statSync)];
  if (link?.isSymbolicLink() && link.uid !== user && link.uid !== 0) throw foreign(`link to the ${what}`, path, link.uid, user, '-h ');
  if (!link || found?.isDirectory()) return;
  throw new CommandError(
    found ? `the ${what} ${JSON.stringify(path)} is no folder` : `the ${what} ${JSON.stringify(path)} is a link to nothing`,
    EXIT.failed,
    `move it away, or name another folder: ${ELSEWHERE}`,
  );
}

function foreign(what: string, path: string, owner: number, user: number, flag = ''): CommandError {
  return new CommandError(
    `cannot read the ${what} ${JSON.stringify(path)}: it belongs to another user (${owner}), and this is user ${user}`,
    EXIT.failed,
    `run it as that user, set INTERCEPT_HOME to a folder of your own, or, if it is yours, run "chown ${flag}${user} ${quoted(path)}"`,
  );
}

/** Undefined where nothing is there. */
function look(what: string, path: string, stat: typeof statSync): Stats | undefined {
  try {
    return stat(path, { throwIfNoEntry: false });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EACCES' ? closedBy(path) : (WHYS.get(code ?? '') ?? message);
    throw new CommandError(`cannot read the ${what} ${JSON.stringify(path)}: ${why}`, EXIT.failed, `name another folder: ${ELSEWHERE}`);
  }
}

const WHYS: ReadonlyMap<string, string> = new Map([
  ['ENOTDIR', 'a file stands where a folder on the way to it would be'],
  ['ELOOP', 'links on the way to it lead in a circle'],
]);

/** The nearest folder on the way that can be looked at is the one that nobody else may enter. */
function closedBy(path: string): string {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      return `${JSON.stringify(folder)} belongs to another user (${statSync(folder).uid}), who lets nobody else in`;
    } catch {
      // It stands behind the one that is looked for.
    }
  }
  return 'this user may not enter a folder on the way to it';
}

/** Bits of the group that the operator named are not looked at: Kubernetes sets them at every start of a volume. */
function bitsOf({ mode, gid }: Stats, bits: number, group: number | undefined): number {
  return mode & bits & (gid === group ? ~GROUP : ~0);
}

function groupOf({ INTERCEPT_HOME_GROUP: text }: Environment): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,10}$/.test(text))
    throw new UsageError(
      `INTERCEPT_HOME_GROUP is ${JSON.stringify(text)}, which is no group`,
      'write the number of the group, as "id -g" prints it',
    );
  return Number(text);
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function putBack(away: string, path: string): void {
  try {
    linkSync(away, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
