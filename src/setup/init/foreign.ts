/** Files of other programs (setup.md §3): read whole, and refused where they must not be written. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { reasonOf } from '../../core/fault.ts';

/** Bytes of a configuration file (clients.md §6). */
const MOST_BYTES = 20 * 1024 ** 2;
/** SECURITY: a pipe is opened without waiting for a writer, and a link that came after it was resolved is not followed. */
const READ = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0) | (fs.constants.O_NOFOLLOW ?? 0);
const OWNER_WRITES = 0o200;
const PERMISSIONS = 0o7777;

/** A file as it was when it was read. */
export interface ForeignFile {
  /** As its client names it. */
  readonly path: string;
  /** Where links lead. */
  readonly real: string;
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names that the file has on its disk. */
  readonly names: number;
}

/** Something is left alone; `refused` says why, after its name. */
export interface Unusable {
  readonly refused: string;
  /** Nothing is there. */
  readonly isGone?: boolean;
}

/** Narrows to what was refused. */
export function isRefused(value: object): value is Unusable {
  return 'refused' in value;
}

/** The SHA-256 of bytes. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads a file. Never throws, waits for nobody, and reads no more than a configuration can be. */
export function readForeign(path: string): ForeignFile | Unusable {
  let fd: number | undefined;
  try {
    const real = fs.realpathSync(path);
    fd = fs.openSync(real, READ);
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return { refused: 'is no regular file' };
    if (stat.size > MOST_BYTES) return { refused: `has ${stat.size} bytes, more than a configuration can have` };
    const bytes = fs.readFileSync(fd);
    return {
      path,
      real,
      bytes,
      hash: hashOf(bytes),
      mode: stat.mode & PERMISSIONS,
      uid: stat.uid,
      gid: stat.gid,
      names: stat.nlink,
    };
  } catch (error) {
    return { refused: reasonOf(error), isGone: (error as NodeJS.ErrnoException).code === 'ENOENT' };
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** The hash of what stands at a path now; undefined where nothing can be read there. */
export function hashNow(path: string): string | undefined {
  const file = readForeign(path);
  return isRefused(file) ? undefined : file.hash;
}

/** Says why a file must not be written; undefined where it may. `project`: the folder that it must not lead out of. */
export function refuseWriting(file: ForeignFile, project?: string): string | undefined {
  const user = process.getuid?.();
  if (user !== undefined && file.uid !== user) return `belongs to another user (${file.uid}): run init as that user`;
  if ((file.mode & OWNER_WRITES) === 0) return 'is read-only: change it where it is made, or make it writable';
  if (file.real.startsWith('/nix/store/')) return 'is made by Nix: change it where it is declared';
  if (file.names > 1) return `has ${file.names} names on this disk (hard links), of which only one would change`;
  if (project !== undefined && !leadsInto(file.real, project)) return `leads out of the project, to ${JSON.stringify(file.real)}`;
  return refuseFolder(dirname(file.real));
}

function refuseFolder(folder: string): string | undefined {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    return undefined;
  } catch (error) {
    return `cannot be replaced: its folder ${reasonOf(error)}`;
  }
}

/**
 * True where a path, by its links, lies in a folder. What is not there yet lies where its nearest folder that is there
 * does. SECURITY: of a project anything may be a link.
 */
export function leadsInto(path: string, folder: string): boolean {
  const [real, root] = [realOf(path), realOf(folder)];
  return real !== undefined && root !== undefined && (real === root || real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`));
}

function realOf(path: string): string | undefined {
  try {
    return fs.realpathSync(path);
  } catch (error) {
    // A link to nothing is there, and leads nobody knows where.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || fs.lstatSync(path, { throwIfNoEntry: false })) return undefined;
    const parent = dirname(path);
    const above = parent === path ? undefined : realOf(parent);
    return above === undefined ? undefined : join(above, path.slice(parent.length));
  }
}
