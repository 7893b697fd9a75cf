/** Forgetting old audit files (`--audit-retention`, cli.md §2). */
import * as fs from 'node:fs/promises';
import { readLines } from './lines.ts';
import { listEventFiles, parseRecord, type StoredRecord } from './read.ts';

/** Deletes whole files that nothing was written to for `retentionMs` and that no process still writes; answers which. */
export async function pruneEvents(dir: string, retentionMs: number, now: number): Promise<readonly string[]> {
  const pruned: string[] = [];
  for (const file of await listEventFiles(dir)) {
    if (!(await isOlder(file, now - retentionMs))) continue;
    if (await forget(file)) pruned.push(file);
  }
  return pruned;
}

/** What cannot be read or deleted stays: it is another user's, or no file. */
async function forget(file: string): Promise<boolean> {
  try {
    if (await isOpen(file)) return false;
    await fs.rm(file, { force: true });
    return true;
  } catch {
    return false;
  }
}

async function isOlder(file: string, limit: number): Promise<boolean> {
  const stat = await fs.stat(file).catch(() => undefined);
  return stat !== undefined && stat.mtimeMs < limit;
}

/** Its first record names the process that writes it, its last says whether that ended in good order. */
async function isOpen(file: string): Promise<boolean> {
  let first: StoredRecord | undefined;
  let last: StoredRecord | undefined;
  for await (const { text } of readLines(file)) {
    last = parseRecord(text) ?? last;
    first ??= last;
  }
  return last?.type !== 'shutdown' && typeof first?.pid === 'number' && isAlive(first.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
