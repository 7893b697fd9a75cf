/** A file that one process appends whole lines to. */
import * as fs from 'node:fs';
import { join } from 'node:path';

export interface EventFile {
  /** Writes all of the bytes or throws; what was written of them is taken back, or the file is given up. */
  append(bytes: Uint8Array): void;
  /** Whether the file still stands in a folder and ends with a whole line. */
  attached(): boolean;
  close(): void;
}

export interface EventFileOptions {
  readonly dir: string;
  readonly instance: string;
  readonly clock: () => number;
}

const { O_APPEND, O_CREAT, O_EXCL, O_WRONLY } = fs.constants;

/** Creates a file of its own in `dir`, readable by its owner only; names sort by time. */
export function openEventFile(options: EventFileOptions): EventFile {
  fs.mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  closeToOthers(options.dir);
  const { fd, path } = createFile(options);
  let size = 0;
  let whole = true;

  function takeBack(): void {
    try {
      fs.ftruncateSync(fd, size);
    } catch {
      whole = false;
    }
  }

  return {
    append(bytes) {
      try {
        writeAll(fd, bytes);
      } catch (error) {
        takeBack();
        throw error;
      }
      size += bytes.length;
    },
    // A process may go on writing to a deleted file, and nobody would ever read it.
    // Asked before every write, so by the cheapest call there is: a stat builds an object with four dates.
    attached: () => whole && fs.existsSync(path),
    close() {
      try {
        fs.closeSync(fd);
      } catch {
        // All that was acknowledged is written; there is nothing left to lose.
      }
    },
  };
}

function createFile(options: EventFileOptions): { readonly fd: number; readonly path: string } {
  const time = new Date(options.clock()).toISOString().replaceAll(':', '-');
  const name = `${time}-${options.instance.replace(/[^\w.-]/g, '_').slice(0, 100)}`;
  for (let attempt = 0; ; attempt++) {
    const path = join(options.dir, `${name}${attempt === 0 ? '' : `.${attempt}`}.jsonl`);
    try {
      return { fd: fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600), path };
    } catch (error) {
      if (attempt === 99 || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** SECURITY: arguments are other people's data; a folder that stood already may be open to all. */
function closeToOthers(dir: string): void {
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
