/** Replaces a file of another program by new bytes, whole or not at all (clients.md §6.5). */
import fs from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ForeignFile, hashNow } from './foreign.ts';

/** A file that somebody holds open is tried so often, so far apart, ms. */
const TRIES = 5;
const PAUSE = 100;
/** A renaming that fails with these may pass later, or never: a single file that is mounted cannot be renamed over. */
const BUSY: ReadonlySet<unknown> = new Set(['EBUSY', 'EPERM', 'EACCES']);
const PRIVATE = 0o600;

export interface Replacing {
  /** A new file in the folder of the one that is replaced. */
  readonly temporary: string;
  /** Called before the file itself is written over, which a crash could leave half done. */
  beforeInPlace(): void;
}

/** Puts bytes in the place of the file, with its mode and owner. Resolves with false where the file changed meanwhile. */
export async function replaceFile(file: ForeignFile, bytes: Uint8Array, { temporary, beforeInPlace }: Replacing): Promise<boolean> {
  const hasChanged = () => hashNow(file.real) !== file.hash;
  try {
    const isLike = writeLike(file, bytes, temporary);
    for (let attempt = 0; isLike && attempt < TRIES; attempt++) {
      if (hasChanged()) return false;
      if (isRenamed(temporary, file.real)) {
        syncFolder(dirname(file.real));
        return true;
      }
      await sleep(PAUSE);
    }
    if (hasChanged()) return false;
    beforeInPlace();
    overwrite(file.real, bytes);
    return true;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** Writes the new file; false where it cannot have the owner that the old one has. */
function writeLike({ mode, uid, gid }: ForeignFile, bytes: Uint8Array, path: string): boolean {
  const fd = fs.openSync(path, 'wx', PRIVATE);
  try {
    fs.writeFileSync(fd, bytes);
    const made = fs.fstatSync(fd);
    if (made.uid !== uid || made.gid !== gid) fs.fchownSync(fd, uid, gid);
    fs.fchmodSync(fd, mode);
    fs.fsyncSync(fd);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return false;
  } finally {
    fs.closeSync(fd);
  }
}

function isRenamed(from: string, to: string): boolean {
  try {
    fs.renameSync(from, to);
    return true;
  } catch (error) {
    if (!BUSY.has((error as NodeJS.ErrnoException).code)) throw error;
    return false;
  }
}

function overwrite(path: string, bytes: Uint8Array): void {
  const fd = fs.openSync(path, 'r+');
  try {
    fs.ftruncateSync(fd, 0);
    fs.writeFileSync(fd, bytes);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Makes names in a folder last beyond a power cut. Some systems open no folders. */
export function syncFolder(folder: string): void {
  try {
    const fd = fs.openSync(folder, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    // Where folders cannot be synced, renaming is as durable as it gets.
  }
}
