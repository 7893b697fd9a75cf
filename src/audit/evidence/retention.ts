/** Forgetting old audit files (`--audit-retention`, cli.md §2). */
import * as fs from 'node:fs/promises';
import { basename } from 'node:path';
import { listEventFiles, parseRecord, placeOf, type StoredRecord } from './read.ts';

type IsAlive = (pid: number) => boolean;

/** Deletes whole files that nothing was written to for `retentionMs` and that no process still writes; answers which. */
export async function pruneEvents(dir: string, retentionMs: number, now: number, isAlive: IsAlive): Promise<readonly string[]> {
  const pruned: string[] = [];
  const files = await listEventFiles(dir);
  for (const [i, file] of files.entries()) {
    if (!(await isOlder(file, now - retentionMs))) continue;
    const chain = files.filter((other) => startOf(other) === startOf(file));
    if (await forget(file, startOf(files[i + 1] ?? '') === startOf(file), chain[0] ?? file, isAlive)) pruned.push(file);
  }
  return pruned;
}

function startOf(file: string): string {
  return placeOf(basename(file)).start;
}

/** Leaves what it cannot read or delete: it is another user's, or no file. One that is followed is written to no more. */
async function forget(file: string, isFollowed: boolean, first: string, isAlive: IsAlive): Promise<boolean> {
  try {
    if (!isFollowed && (await isOpen(file, first, isAlive))) return false;
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

/** The chain's first record names the process that writes it, the file's last says whether that ended in good order. */
async function isOpen(file: string, first: string, isAlive: IsAlive): Promise<boolean> {
  const { last } = await readEnds(file);
  if (last?.type === 'shutdown') return false;
  const begun = (await readEnds(first)).first;
  const pid = begun?.pid;
  return typeof pid === 'number' && isAlive(pid);
}

/** No record is longer. Files are up to 256 MiB, and only their ends are looked at. */
const LONGEST = 262_144;

async function readEnds(file: string): Promise<{ readonly first: StoredRecord | undefined; readonly last: StoredRecord | undefined }> {
  const handle = await fs.open(file);
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, LONGEST);
    const head = await handle.read(Buffer.alloc(length), 0, length, 0);
    const tail = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const lines = (text: string) => text.split('\n').flatMap((line) => parseRecord(line) ?? []);
    const [first] = lines(head.buffer.toString('utf8', 0, head.bytesRead));
    return { first, last: lines(tail.buffer.toString('utf8', 0, tail.bytesRead)).at(-1) };
  } finally {
    await handle.close();
  }
}
