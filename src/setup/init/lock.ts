/** Locks: the client's own, where it is known how it takes one (clients.md §4), and ours, so that one run writes at a time. */
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, EXIT, isSystem, reasonOf, remedyOf } from '../../core/fault.ts';
import type { ClientLock } from '../clients/locks.ts';

/** A client's lock is waited for so long; one that nobody renewed for so long was left behind, ms. */
const PATIENCE = 10_000;
const STALE = 10_000;
const POLL = 50;

/** Does the work under the client's lock. Where links lead elsewhere, beside both names. Rejects with `CommandError` where it stays taken. */
export async function underLock<T>(
  names: readonly string[],
  kind: ClientLock | undefined,
  work: () => Promise<T>,
  patience = PATIENCE,
): Promise<T> {
  const folders = kind === undefined ? [] : [...new Set(names)].map((name) => `${name}.lock`);
  const taken: string[] = [];
  try {
    for (const folder of folders) {
      await takeFolder(folder, patience);
      taken.push(folder);
      if (kind === 'owner-folder') fs.writeFileSync(join(folder, `owner.${process.pid}`), '');
    }
    return await work();
  } finally {
    for (const folder of taken) fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function takeFolder(folder: string, patience: number): Promise<void> {
  for (const until = Date.now() + patience; ; await sleep(POLL)) {
    try {
      return fs.mkdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (isStale(folder)) fs.rmSync(folder, { recursive: true, force: true });
    else if (Date.now() > until)
      throw new CommandError(`${folder} is there: a client is writing the file`, EXIT.failed, 'close the client, and run it again');
  }
}

function isStale(folder: string): boolean {
  const found = fs.lstatSync(folder, { throwIfNoEntry: false });
  // SECURITY: a link in its place is not ours to empty.
  return found?.isDirectory() === true && Date.now() - found.mtimeMs > STALE;
}

/** Does the work while no other run of ours writes. Rejects with `CommandError` where one does, or nothing can be written down. */
export async function asOnlyRun<T>(setup: string, work: () => Promise<T>): Promise<T> {
  try {
    return await alone(setup, work);
  } catch (error) {
    if (!isSystem(error)) throw error;
    const path = (error as NodeJS.ErrnoException).path ?? setup;
    throw new CommandError(`${path} cannot be written: it ${reasonOf(error)}`, EXIT.failed, remedyOf(error, path));
  }
}

async function alone<T>(setup: string, work: () => Promise<T>): Promise<T> {
  const path = join(setup, 'running');
  fs.mkdirSync(setup, { recursive: true, mode: 0o700 });
  for (let attempt = 0; !isTaken(path); attempt++) {
    const holder = Number(readText(path));
    if (attempt > 2 || isAlive(holder))
      throw new CommandError(
        `another "intercept init" runs (process ${holder})`,
        EXIT.failed,
        `wait for it to end; if none does, remove ${path}`,
      );
    fs.rmSync(path, { force: true });
  }
  try {
    return await work();
  } finally {
    fs.rmSync(path, { force: true });
  }
}

function isTaken(path: string): boolean {
  try {
    fs.writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A file that was made and not yet written names nobody: its maker died, or is about to write. */
function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
