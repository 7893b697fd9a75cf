/** Finds out whether audit files are as they were written: each line names the hash of the line before (cli.md §2). */
import { basename } from 'node:path';
import { hashLine, NO_LINE } from '../chain.ts';
import { parseRecord, placeOf, readLines, type StoredRecord } from './read.ts';

/**
 * `line` counts from 1. `torn`: the file ends in half a record, as a killed machine may leave it. `last` is the hash of the
 * last line: lines cut off at the end show only to who has noted it. `begins` is the number of the first record: over 1
 * where older files of the chain have ended (`--audit-retention`).
 */
export type ChainVerdict =
  | { readonly ok: true; readonly begins: number; readonly records: number; readonly last: string; readonly torn: boolean }
  | { readonly ok: false; readonly file: string; readonly line: number; readonly why: string };

/** Follows a chain from its first line to its last, through the files that follow each other, in order. */
export async function verifyChain(...files: readonly string[]): Promise<ChainVerdict> {
  let records = 0;
  let begins = 1;
  let last = isFirst(files[0] ?? '') ? NO_LINE : undefined;
  let seq: number | undefined;
  let torn = false;
  for (const file of files) {
    let line = 0;
    for await (const { text, whole } of readLines(file)) {
      line++;
      torn = !whole;
      if (torn && file === files.at(-1)) break;
      const record = parseRecord(text);
      const why = breakOf(record, last, seq);
      if (why !== undefined) return { ok: false, file, line, why };
      seq = record?.seq as number;
      if (records === 0) begins = seq;
      records++;
      last = hashLine(text);
    }
  }
  return { ok: true, begins, records, last: last ?? NO_LINE, torn };
}

/** A later file of a chain may be the oldest that is left; then the record before its first one is not known. */
function isFirst(file: string): boolean {
  return placeOf(basename(file)).number === 0;
}

function breakOf(record: StoredRecord | undefined, last: string | undefined, seq: number | undefined): string | undefined {
  if (!record) return 'the line is not a record';
  if (last !== undefined && record.prev !== last)
    return last === NO_LINE ? 'the first record is missing' : 'the line before was changed, removed or moved';
  if (typeof record.seq !== 'number') return 'the record has no number';
  if (seq !== undefined && record.seq !== seq + 1) return `record ${seq + 1} is missing`;
  return undefined;
}
