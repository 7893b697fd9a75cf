/** The files that one process appends whole lines to, one after the other (cli.md §2). */
import * as fs from 'node:fs';
import { join } from 'node:path';

export interface EventFile {
  /** Writes all of the bytes or throws; what was written of them is taken back, or the file is given up. */
  append(bytes: Uint8Array): void;
  /** Answers whether the file still stands in a folder and ends with a whole line; one that has no line yet may not stand there. */
  attached(): boolean;
  /** Bytes that were written to it. */
  size(): number;
  /** A file with the next number in its name, to go on in. This one stays open. */
  next(): EventFile;
  close(): void;
}

export interface EventFileOptions {
  readonly dir: string;
  readonly instance: string;
  readonly clock: () => number;
}

const { O_APPEND, O_CREAT, O_EXCL, O_WRONLY } = fs.constants;

/**
 * A file of its own in `dir`, readable by its owner only; names sort by time. It is made with its first line: a command
 * that fails before it leaves none. Throws where the folder cannot be had or written to.
 */
export function openEventFile(options: EventFileOptions): EventFile {
  prepareFolder(options.dir);
  fs.accessSync(options.dir, fs.constants.W_OK | fs.constants.X_OK);
  const time = new Date(options.clock()).toISOString().replaceAll(':', '-');
  return eventFile(options.dir, `${time}-${options.instance.replace(/[^\w.-]/g, '_').slice(0, 100)}`, 0);
}

function eventFile(dir: string, name: string, from: number): EventFile {
  let file: Created | undefined;
  let size = 0;
  let whole = true;

  function create(): Created {
    prepareFolder(dir);
    file = createFile(dir, name, from);
    return file;
  }

  /** A file of which nothing is left is none: a full disk would gather them. */
  function takeBack({ fd, path }: Created): void {
    try {
      fs.ftruncateSync(fd, size);
      if (size > 0) return;
      file = undefined;
      fs.closeSync(fd);
      fs.rmSync(path, { force: true });
    } catch {
      whole = false;
    }
  }

  return {
    append(bytes) {
      const to = file ?? create();
      try {
        writeAll(to.fd, bytes);
      } catch (error) {
        takeBack(to);
        throw error;
      }
      size += bytes.length;
    },
    // A process may go on writing to a deleted file, and nobody would ever read it.
    // Asked before every write, so by the cheapest call there is: a stat builds an object with four dates.
    attached: () => whole && (file === undefined || fs.existsSync(file.path)),
    size: () => size,
    next: () => eventFile(dir, name, (file?.number ?? from) + 1),
    close() {
      try {
        if (file) fs.closeSync(file.fd);
      } catch {
        // All that was acknowledged is written; there is nothing left to lose.
      }
    },
  };
}

interface Created {
  readonly fd: number;
  readonly path: string;
  readonly number: number;
}

const ATTEMPTS = 100;

/** Where a number is taken, the next one is. */
function createFile(dir: string, name: string, from: number): Created {
  for (let number = from; ; number++) {
    const path = join(dir, `${name}${number === 0 ? '' : `.${number}`}.jsonl`);
    try {
      return { fd: fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600), path, number };
    } catch (error) {
      if (number - from === ATTEMPTS || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** SECURITY: arguments are other people's data; a folder that stood already may be open to all. */
function prepareFolder(dir: string): void {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  if ((fs.statSync(dir).mode & 0o077) !== 0) fs.chmodSync(dir, 0o700);
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    const count = fs.writeSync(fd, bytes, written, bytes.length - written);
    if (count === 0) throw new Error('the file takes no more bytes');
    written += count;
  }
}
