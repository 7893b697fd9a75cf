/**
 * Brings the program into the home where it stands in a folder that does not stay (setup.md §5): what npx downloaded is
 * emptied some day. Versions stand side by side, since proxies that run still load parts of theirs.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { VERSION } from '../../process/version.ts';
import { launcherOf } from './launcher.ts';
import { syncFolder } from './replace.ts';

/** The package's command, and the folder with its parts beside it. */
const PACKAGE = ['cli.js', 'cli'] as const;

export interface ProgramSource {
  /** The package's command, or the binary. */
  readonly path: string;
  readonly isPackage: boolean;
  /** By a name that stays, where there is one. */
  readonly node: string;
}

/** True where a script is the command of the package, with its parts beside it. */
export function isPackaged(script: string): boolean {
  return basename(script) === PACKAGE[0] && fs.existsSync(join(dirname(script), PACKAGE[1]));
}

/** True where it stands in this home already. */
export function isBrought(path: string, home: string): boolean {
  return path.startsWith(join(fs.existsSync(home) ? fs.realpathSync(home) : home, 'bin') + sep);
}

/** Copies the program to `bin/<version>`, then lets `bin/intercept` lead there. Safe to repeat, and at the same time. */
export function bringProgram(source: ProgramSource, home: string, platform: NodeJS.Platform): void {
  const bin = join(home, 'bin');
  fs.mkdirSync(bin, { recursive: true, mode: 0o700 });
  const target = join(bin, VERSION);
  if (!fs.existsSync(target)) copyWhole(source, target);
  const { name, text } = launcherOf({ ...source, path: join(target, nameIn(source)) }, home, platform);
  const path = join(bin, name);
  if (isFileWith(path, text)) return;
  const temporary = temporaryOf(path);
  fs.writeFileSync(temporary, text, { flag: 'wx', mode: 0o755, flush: true });
  fs.renameSync(temporary, path);
  syncFolder(bin);
}

function nameIn({ path, isPackage }: ProgramSource): string {
  return isPackage ? PACKAGE[0] : basename(path).endsWith('.exe') ? 'intercept.exe' : 'intercept';
}

/** Under another name first: the folder is there whole, or not at all. */
function copyWhole(source: ProgramSource, target: string): void {
  const temporary = temporaryOf(target);
  try {
    fs.mkdirSync(temporary, { mode: 0o700 });
    if (source.isPackage) {
      for (const part of PACKAGE) fs.cpSync(join(dirname(source.path), part), join(temporary, part), { recursive: true });
      // Node.js asks the nearest package.json what kind of module a `.js` file is.
      fs.writeFileSync(join(temporary, 'package.json'), '{"type":"module"}\n');
    } else fs.cpSync(source.path, join(temporary, nameIn(source)));
    syncAll(temporary);
    fs.renameSync(temporary, target);
  } catch (error) {
    // Another run was faster.
    if (!fs.existsSync(target)) throw error;
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

function syncAll(folder: string): void {
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = fs.openSync(join(entry.parentPath, entry.name), 'r+');
    fs.fsyncSync(file);
    fs.closeSync(file);
  }
}

function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
}

function isFileWith(path: string, text: string): boolean {
  return fs.existsSync(path) && fs.readFileSync(path, 'utf8') === text;
}
