/** Forgetting old audit files (`--audit-retention`, cli.md §2). */
import * as fs from 'node:fs/promises';
import { readLines } from './lines.ts';
import { listEventFiles, parseRecord, type StoredRecord } from './read.ts';

/** Deletes whole files that nothing was written to for `retentionMs` and that no process still writes; answers which. */
export async function pruneEvents(dir: string, retentionMs: number, now: number): Promise<readonly string[]> {
  const pruned: string[] = [];
  for (const file of await listEventFiles(dir)) {
    if (!(await isOlder(file, now - retentionMs)) || (await isOpen(file))) continue;
    await fs.rm(file, { force: true });
    pruned.push(file);
  }
  return pruned;
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
