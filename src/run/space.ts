/** Says in time that the disk fills up (cli.md §2): on a full one no record can be written, and no call passes. */
import { statfs } from 'node:fs/promises';

const LEAST = 512 * 1024 ** 2;
const EVERY = 60_000;

export interface SpaceOptions {
  readonly folders: readonly string[];
  readonly warn: (text: string) => void;
  /** Bytes that are free for this user where the folder is. */
  readonly free?: (folder: string) => Promise<number>;
}

/** Looks once a minute, from now on, until it is stopped. */
export function watchSpace(options: SpaceOptions): { stop(): void } {
  const timer = setInterval(() => void warnOfSpace(options), EVERY);
  timer.unref();
  void warnOfSpace(options);
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
