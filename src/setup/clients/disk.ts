/** This machine, to be looked at: reads, and nothing else. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { reasonOf } from '../../core/fault.ts';
import type { Disk, Found, Platform, World } from './types.ts';

const DISK: Disk = {
  look,
  realPath: (path) => quiet(() => realpathSync(path)),
  read,
  list: (folder) => quiet(() => readdirSync(folder).sort()) ?? [],
};

/** The machine that this runs on, for a user with these variables. */
export function thisWorld(env: Readonly<Record<string, string | undefined>>, cwd: string): World {
  const platform: Platform = process.platform === 'win32' || process.platform === 'darwin' ? process.platform : 'linux';
  const home = (platform === 'win32' ? env.USERPROFILE : env.HOME) || homedir();
  return { platform, home, cwd, env, disk: DISK };
}

function look(path: string): Found | undefined {
  const found = quiet(() => statSync(path));
  if (!found) return undefined;
  return { kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other', size: found.size };
}

/** SECURITY: what stands at a path may change between two looks; a FIFO must never be waited for. */
function read(path: string, most: number): Uint8Array | string {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const found = fstatSync(file);
    if (!found.isFile()) return 'is no ordinary file';
    if (found.size > most) return `is larger than ${most / 1024 ** 2} MiB`;
    return readAll(file, found.size, most);
  } catch (error) {
    return reasonOf(error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A file may grow while it is read. */
function readAll(file: number, size: number, most: number): Uint8Array | string {
  const bytes = new Uint8Array(Math.min(size, most) + 1);
  let length = 0;
  for (;;) {
    const count = readSync(file, bytes, length, bytes.length - length, null);
    length += count;
    if (count === 0) return bytes.slice(0, length);
    if (length === bytes.length) return 'changes while it is read';
  }
}

function quiet<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}
