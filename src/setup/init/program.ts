/** Names the program that clients' files are to start (setup.md §5): a path that stays, whatever becomes of this run. */
import fs from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { CommandError, EXIT } from '../../core/fault.ts';
import { VERSION } from '../../process/version.ts';

export interface OwnProgram {
  readonly path: string;
  /** Arguments that stand before our own. */
  readonly before: readonly string[];
  /** Why the path may soon lead nowhere; undefined where it stays. */
  readonly passing: string | undefined;
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
/** Folders that are emptied, or renamed at the next update. */
const PASSING = /[\\/](?:node_modules|_npx|\.nvm|fnm_multishells|Cellar|Downloads|te?mp)[\\/]/i;

/** The launcher that a run through npx leaves (setup.md §5), the binary by its stable name, or how this very run was started. */
export function ownProgram({ executable, script, home, env }: ProgramPlace): OwnProgram {
  const isBinary = script === undefined || IN_BINARY.test(script);
  if (isBinary) return withDoubt(stableName(executable, env), []);
  const launcher = join(home, 'bin', NAME);
  return fs.existsSync(launcher) ? { path: launcher, before: [], passing: undefined } : withDoubt(executable, [fs.realpathSync(script)]);
}

/** The first name on PATH that leads to the program: package managers keep it while what is behind it moves. */
function stableName(executable: string, { PATH = '' }: ProgramPlace['env']): string {
  const real = realOf(executable);
  const names = PATH.split(delimiter).filter((folder) => folder.startsWith('/') || /^[A-Za-z]:/.test(folder));
  return names.map((folder) => join(folder, NAME)).find((path) => real !== undefined && realOf(path) === real) ?? executable;
}

function withDoubt(path: string, before: readonly string[]): OwnProgram {
  const [passing] = [path, ...before].filter((each) => PASSING.test(each));
  return { path, before, passing: passing === undefined ? undefined : `${JSON.stringify(passing)} is in a folder that does not stay` };
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
