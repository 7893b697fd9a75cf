/** Looks after the disk (cli.md §2): on a full one no record can be written, and no call passes. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pruneEvents } from '../audit/evidence/retention.ts';
import { isAlive } from './instances.ts';
import type { RunOptions } from './parts.ts';

const LEAST = 512 * 1024 ** 2;
const EVERY = 60_000;

/** Old audit files are looked for once the start is over, ms. */
const PRUNE_AFTER = 5_000;

export interface SpaceOptions {
  readonly folders: readonly string[];
  readonly warn: (text: string) => void;
  /** Bytes that are free for this user where the folder is. */
  readonly free?: (folder: string) => Promise<number>;
}

/** Removes audit files that are old enough, once; looks for free space now and once a minute, until it is stopped. */
export function watchDisk(options: RunOptions, warn: (text: string) => void): { stop(): void } {
  const { home, auditRetention, state } = options;
  const events = join(home, 'events');
  const failed = (error: unknown) => warn(`old audit files could not be looked for: ${String(error)}`);
  setTimeout(() => void pruneEvents(events, auditRetention, Date.now(), isAlive).catch(failed), PRUNE_AFTER).unref();
  const look = () => void warnOfSpace({ folders: [events, ...state.folders], warn });
  const timer = setInterval(look, EVERY);
  timer.unref();
  look();
  return { stop: () => clearInterval(timer) };
}

/** Warns of each folder whose disk is nearly full. Never rejects. */
export async function warnOfSpace({ folders, warn, free = freeBytes }: SpaceOptions): Promise<void> {
  for (const folder of new Set(folders)) {
    const bytes = await free(folder).catch(() => undefined);
    if (bytes === undefined || bytes >= LEAST) continue;
    const left = `${Math.floor(bytes / 1024 ** 2)} MiB are free in ${JSON.stringify(folder)}`;
    warn(
      `${left}: make room before calls are denied because no record can be written; older audit files go sooner with a shorter --audit-retention`,
    );
    return;
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
