/** Policy files that a scan writes: new ones, and those of an author, of which every byte counts. */
import fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandError, EXIT, reasonOf } from '../core/fault.ts';

/** Throws `CommandError` where a file is there already: said before a server is started for nothing. */
export function refuseExisting(file: string): void {
  if (fs.existsSync(file)) throw exists(file);
}

/** Writes a policy; over one that is there only where that is meant. Throws `CommandError`. */
export function writePolicy(file: string, text: string, isForced: boolean): void {
  try {
    if (isForced && fs.existsSync(file)) replace(file, text);
    else fs.writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(file);
    throw new CommandError(`${file} ${reasonOf(error)}`, EXIT.failed, undefined, { cause: error });
  }
}

/** The file's whole text, a mark of byte order included: decoding and encoding it again gives the same bytes. Throws `CommandError`. */
export function readWhole(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fs.readFileSync(file));
  } catch (error) {
    const why = error instanceof TypeError ? 'is no UTF-8 text' : reasonOf(error);
    throw new CommandError(`${file} ${why}`, EXIT.failed, undefined, { cause: error });
  }
}

/** Puts a text in the place of a file, whole or not at all, with its mode; a link stays one. */
function replace(file: string, text: string): void {
  const real = fs.realpathSync(file);
  const stat = fs.statSync(real);
  // A pipe or device is no file that could be replaced.
  if (stat.isFile()) replaceFile(real, stat.mode & 0o777, text);
  else fs.writeFileSync(real, text);
}

function replaceFile(real: string, mode: number, text: string): void {
  const temporary = join(dirname(real), `.${basename(real)}.${process.pid}.tmp`);
  try {
    fs.writeFileSync(temporary, text, { flag: 'wx', mode });
    fs.chmodSync(temporary, mode);
    fs.renameSync(temporary, real);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

function exists(file: string): CommandError {
  const help = 'add --update to keep it and add what is new, or --force to write over it';
  return new CommandError(`${file} exists already`, EXIT.failed, help);
}
