/** The store's file: that it exists, is private, is on this host, and still is the one that was opened. */
import { accessSync, chmodSync, closeSync, constants, mkdirSync, openSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../../core/store.ts';

/** Distinguishes one file from another that later stands at the same path. */
export interface Identity {
  readonly dev: number;
  readonly ino: number;
}

/** Linux `statfs` types of file systems whose locks or shared memory may not reach every host that writes. */
const NETWORK_TYPES = new Map<number, string>([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x65735546, 'FUSE (sshfs and others)'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
]);

/** The name of a network file system by its `statfs` type, or undefined for a local one. */
export function networkFileSystem(type: number): string | undefined {
  return NETWORK_TYPES.get(type >>> 0);
}

/** Makes the file where it may and must be made, keeps it private, and says which file it is. */
export function prepareFile(path: string, create: boolean): Identity {
  const folder = dirname(path);
  if (create) mkdirSync(folder, { recursive: true, mode: 0o700 });
  refuseNetwork(folder);
  if (create) createFile(path);
  const identity = identify(path);
  if (!identity) throw new StoreError(`the state file "${path}" is gone; put it back, or restart to begin with an empty one`);
  requireWritable(path);
  if (process.platform !== 'win32' && (identity.mode & 0o077) !== 0) chmodSync(path, identity.mode & 0o700);
  return identity;
}

/** The file at the path now; undefined where there is none. */
export function identify(path: string): Stats | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isFile())
    throw new StoreError(`the state path "${path}" is not a file; move it away, or name another folder with --state-dir`);
  return found;
}

/** True while the file at the path is still this one. */
export function isSameFile(path: string, known: Identity): boolean {
  const found = identify(path);
  return found !== undefined && found.dev === known.dev && found.ino === known.ino;
}

function createFile(path: string): void {
  try {
    // SECURITY: born private. Only a file made this instant may be closed here: closing any other descriptor of a
    // database would drop the locks that this process holds on it.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Found out before SQLite opens it: a log made beside a read-only file would be read-only too, and stay so. */
function requireWritable(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new StoreError(`the state file "${path}" cannot be read and written by this user`, {
      cause: error,
      help: `run "chmod u+rw ${path}"`,
    });
  }
}

function refuseNetwork(folder: string): void {
  if (process.platform !== 'linux') return;
  const kind = networkFileSystem(statfsSync(folder).type);
  if (kind === undefined) return;
  throw new StoreError(
    `the state folder "${folder}" is on a network file system (${kind}), where SQLite's locks do not hold; use a local folder or Redis`,
  );
}
