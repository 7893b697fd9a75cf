/** Proxies of this machine, as far as this user can see them, whatever state they use (policy.md §11). */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { realPath } from './home.ts';

/** One process that runs as a proxy. What this user may not see of it is undefined. */
export interface SeenProxy {
  readonly pid: number;
  /** The number of the user whom it belongs to. */
  readonly user: number;
  /** The policy file, as it was written. */
  readonly config: string;
  readonly home: string | undefined;
  readonly state: string | undefined;
}

/** `sight` says whose processes could be seen at all. */
export interface Surroundings {
  readonly sight: 'everyone' | 'own' | 'none';
  readonly proxies: readonly SeenProxy[];
}

/** Where the kernel lists processes; other systems have none. */
const PROC = '/proc';
/** A program or script of ours: the binary, npm's link to the script, or the script in its package. */
const OURS = /(?:^|\/)intercept(?:\.exe|\/dist\/cli\.js)?$/;
const RUNTIME = /^(?:node|bun)/;

/** Looks at the processes of this machine, but for this one. Never throws. */
export function lookAround(): Surroundings {
  const pids = listPids();
  if (pids.length === 0) return { sight: 'none', proxies: [] };
  const proxies = pids.filter((pid) => pid !== process.pid).flatMap((pid) => proxyOf(pid) ?? []);
  return { sight: tried(() => statSync(join(PROC, '1'))) ? 'everyone' : 'own', proxies };
}

function listPids(): readonly number[] {
  return (tried(() => readdirSync(PROC)) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
}

function proxyOf(pid: number): SeenProxy | undefined {
  const folder = join(PROC, String(pid));
  const command = tried(() => readFileSync(join(folder, 'cmdline'), 'utf8').split('\0'));
  const cwd = tried(() => readlinkSync(join(folder, 'cwd')));
  const flags = command && flagsOf(command, cwd);
  const config = flags && flagValue(flags, '--config', '-c');
  const owner = tried(() => statSync(folder));
  if (!flags || config === undefined || !owner) return undefined;
  const env = tried(() => readFileSync(join(folder, 'environ'), 'utf8'));
  const home = env === undefined ? undefined : homeIn(env.split('\0'), cwd);
  const written = flagValue(flags, '--state-dir');
  const state = written === undefined ? home && join(home, 'state') : placed(written, cwd);
  return { pid, user: owner.uid, config, home, state };
}

/** The flags of a proxy; undefined where it is another program, or another command of ours. */
function flagsOf(command: readonly string[], cwd: string | undefined): readonly string[] | undefined {
  const [program = '', ...rest] = command;
  const script = RUNTIME.test(basename(program)) ? rest.findIndex((word) => !word.startsWith('-')) : -1;
  const isOurs = script < 0 ? OURS.test(program) : isOurScript(rest[script] ?? '', cwd);
  const words = rest.slice(script + 1);
  // A command of ours begins with its name, and the proxy has none.
  if (!isOurs || !words[0]?.startsWith('-')) return undefined;
  const end = words.indexOf('--');
  return end < 0 ? words : words.slice(0, end);
}

function isOurScript(script: string, cwd: string | undefined): boolean {
  const own = process.argv[1];
  const path = placed(script, cwd);
  return OURS.test(script) || (own !== undefined && path !== undefined && realPath(path) === realPath(own));
}

function flagValue(flags: readonly string[], long: string, short?: string): string | undefined {
  const at = flags.findLastIndex((word) => word === long || word === short || word.startsWith(`${long}=`));
  if (at < 0) return undefined;
  const word = flags[at];
  return word?.includes('=') ? word.slice(word.indexOf('=') + 1) : flags[at + 1];
}

function homeIn(variables: readonly string[], cwd: string | undefined): string | undefined {
  const variable = (name: string) => variables.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  const [own, user] = [variable('INTERCEPT_HOME'), variable('HOME')];
  if (own) return placed(own, cwd);
  return user ? join(user, '.intercept') : undefined;
}

function placed(path: string, cwd: string | undefined): string | undefined {
  if (isAbsolute(path)) return path;
  return cwd === undefined ? undefined : resolve(cwd, path);
}

function tried<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
