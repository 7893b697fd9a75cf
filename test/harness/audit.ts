/** The audit records that proxies under a home have written (cli.md §2). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './wait.ts';

export interface AuditRecord {
  readonly ts: string | number;
  readonly seq: number;
  readonly type: string;
  readonly tool?: string;
  readonly call?: string;
  readonly result?: string;
  readonly code?: string;
  readonly rule?: string;
  readonly message?: string;
  readonly [field: string]: unknown;
}

/** The lines of each event file under this home, by file name. A last line without LF is still being written and left out. */
export async function auditFiles(home: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const folder = join(home, 'events');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jsonl')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return new Map(names.map((name, i) => [name, (texts[i] as string).split('\n').slice(0, -1)]));
}

/** All records under this home, file by file, each file in its own order. */
export async function auditRecords(home: string): Promise<AuditRecord[]> {
  const files = await auditFiles(home);
  return [...files.values()].flat().map((line) => JSON.parse(line) as AuditRecord);
}

/** Waits until the records satisfy `enough` and returns them. */
export function untilRecords(home: string, what: string, enough: (records: readonly AuditRecord[]) => boolean): Promise<AuditRecord[]> {
  return until(`audit: ${what}`, async () => {
    const records = await auditRecords(home);
    return enough(records) ? records : undefined;
  });
}
