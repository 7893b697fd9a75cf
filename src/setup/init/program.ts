/** Names the program that clients' files are to start (setup.md §5): a path that stays, whatever becomes of this run. */
import fs from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { CommandError, EXIT } from '../../core/fault.ts';
import { VERSION } from '../../process/version.ts';
import { bringProgram, isBrought, isPackaged, type ProgramSource } from './bring.ts';
import { launcherName } from './launcher.ts';

export interface OwnProgram {
  readonly path: string;
  /** Arguments that stand before our own. */
  readonly before: readonly string[];
  /** Why the path may soon lead nowhere; undefined where it stays. */
  readonly passing: string | undefined;
  /** Puts this version where the path leads to it; undefined where it is there already, or stays where it is. */
  readonly bring: (() => void) | undefined;
}

export interface ProgramPlace {
  /** `process.execPath` and `process.argv[1]`. */
  readonly executable: string;
  readonly script: string | undefined;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A binary knows its own sources by a path that no disk has. */
const IN_BINARY = /[\\/](?:\$bunfs|~BUN)[\\/]/;
const NAME = process.platform === 'win32' ? 'intercept.exe' : 'intercept';
const NODE = process.platform === 'win32' ? 'node.exe' : 'node';
/** Folders that are emptied, or renamed at the next update. */
const PASSING = /[\\/](?:node_modules|_npx|\.nvm|fnm_multishells|Cellar|Downloads|te?mp)[\\/]/i;

/** The launcher in the home for what came through npx or a download, the binary by its stable name, or how this very run was started. */
export function ownProgram({ executable, script, home, env }: ProgramPlace): OwnProgram {
  if (script === undefined || IN_BINARY.test(script)) {
    const path = stableName(executable, NAME, env);
    if (isBrought(path, home)) return launched({ path, isPackage: false, node: '' }, home, undefined);
    if (!PASSING.test(path)) return { path, before: [], passing: undefined, bring: undefined };
    return launched({ path: executable, isPackage: false, node: '' }, home, executable);
  }
  const real = fs.realpathSync(script);
  const node = stableName(executable, NODE, env);
  if (isPackaged(real)) return launched({ path: real, isPackage: true, node }, home, isBrought(real, home) ? undefined : real);
  const launcher = join(home, 'bin', NAME);
  return fs.existsSync(launcher) ? { path: launcher, before: [], passing: undefined, bring: undefined } : withDoubt(executable, [real]);
}

/** The launcher; `from` is what has to be copied first. */
function launched(source: ProgramSource, home: string, from: string | undefined): OwnProgram {
  const launcher = join(home, 'bin', launcherName(process.platform, source.isPackage));
  const isModule = launcher.endsWith('.mjs');
  return {
    path: isModule ? source.node : launcher,
    before: isModule ? [launcher] : [],
    passing: undefined,
    bring: from === undefined ? undefined : () => bringProgram(source, home, process.platform),
  };
}

/** The first name on PATH that leads to the program: package managers keep it while what is behind it moves. */
function stableName(executable: string, name: string, { PATH = '' }: ProgramPlace['env']): string {
  const real = realOf(executable);
  const names = PATH.split(delimiter).filter((folder) => folder.startsWith('/') || /^[A-Za-z]:/.test(folder));
  const found = names.map((folder) => join(folder, name)).filter((path) => real !== undefined && realOf(path) === real);
  return found.find((path) => !PASSING.test(path)) ?? found[0] ?? executable;
}

function withDoubt(path: string, before: readonly string[]): OwnProgram {
  const [passing] = [path, ...before].filter((each) => PASSING.test(each));
  const why = passing === undefined ? undefined : `${JSON.stringify(passing)} is in a folder that does not stay`;
  return { path, before, passing: why, bring: undefined };
}

/** True where an earlier run brought the program: what is set up is renewed by `--update` alone. */
export function isThere({ path, before }: OwnProgram): boolean {
  return [path, ...before].every((each) => fs.existsSync(each));
}

/** The form that works on every machine: npx, at this very version (setup.md §3.6). */
export function npxProgram(behindCmd: boolean): Pick<OwnProgram, 'path' | 'before'> {
  const words = ['npx', '-y', `@policylayer/intercept@${VERSION}`];
  const [path = '', ...before] = behindCmd ? ['cmd', '/c', ...words] : words;
  return { path, before };
}

/** Counts the words that are Intercept, from the first on: those of one of these programs, by where links lead. */
export function ownWordsBy(programs: readonly (readonly string[])[]): (words: readonly string[]) => number {
  const known = programs.map((program) => program.map((word) => realOf(word) ?? word));
  return (words) => {
    const longest = Math.max(0, ...known.map(({ length }) => length));
    const real = words.slice(0, longest).map((word) => realOf(word) ?? word);
    return Math.max(0, ...known.filter((program) => program.every((word, index) => real[index] === word)).map(({ length }) => length));
  };
}

/** Programs of this machine that are Intercept: this one, the one in the home, and those that earlier runs wrote. */
export function knownPrograms(own: OwnProgram, home: string, written: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [[own.path, ...own.before], [join(home, 'bin', NAME)], ...written];
}

/** Says what keeps a program from being started; undefined where nothing is seen. */
export function programFault(program: readonly string[]): string | undefined {
  const gone = program.find((word) => isAbsolute(word) && !fs.existsSync(word));
  return gone === undefined ? undefined : `its program ${JSON.stringify(gone)} is gone`;
}

function realOf(path: string): string | undefined {
  // A relative name means another program in every folder.
  if (!isAbsolute(path)) return undefined;
  try {
    return fs.realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Throws where what we would write in the home would not be this user's: `sudo` keeps HOME, and not who one is. */
export function refuseHome(home: string, userHome: string): void {
  if (!fs.existsSync(userHome) && !fs.existsSync(home))
    throw new CommandError(
      `the home ${JSON.stringify(userHome)} does not exist`,
      EXIT.failed,
      'set HOME, or INTERCEPT_HOME to a folder that is there',
    );
  const user = process.getuid?.();
  if (user === undefined) return;
  for (const folder of [userHome, home]) {
    const owner = fs.statSync(folder, { throwIfNoEntry: false })?.uid;
    if (owner === undefined || owner === user) continue;
    throw new CommandError(
      `the home ${JSON.stringify(folder)} belongs to another user (${owner}), and this is user ${user}`,
      EXIT.failed,
      'run it as that user, without sudo',
    );
  }
}
