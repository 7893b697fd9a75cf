/** Whether an audit file is as it was written: each line names the hash of the line before (cli.md §2). */
import { hashLine, NO_LINE } from './chain-hash.ts';
import { readLines } from './lines.ts';
import { parseRecord, type StoredRecord } from './read.ts';

/**
 * `line` counts from 1. `torn`: the file ends in half a record, as a killed machine may leave it. `last` is the hash of the
 * last line: lines cut off at the end show only to who has noted it.
 */
export type ChainVerdict =
  | { readonly ok: true; readonly records: number; readonly last: string; readonly torn: boolean }
  | { readonly ok: false; readonly line: number; readonly why: string };

/** Follows a file's chain from its first line to its last. */
export async function verifyChain(file: string): Promise<ChainVerdict> {
  let records = 0;
  let last = NO_LINE;
  let seq: number | undefined;
  for await (const { text, whole } of readLines(file)) {
    if (!whole) return { ok: true, records, last, torn: true };
    const record = parseRecord(text);
    const why = breakOf(record, last, seq);
    if (why !== undefined) return { ok: false, line: records + 1, why };
    records++;
    seq = record?.seq as number;
    last = hashLine(text);
  }
  return { ok: true, records, last, torn: false };
}

function breakOf(record: StoredRecord | undefined, last: string, seq: number | undefined): string | undefined {
  if (!record) return 'the line is not a record';
  if (record.prev !== last) return last === NO_LINE ? 'the first record is missing' : 'the line before was changed, removed or moved';
  if (typeof record.seq !== 'number') return 'the record has no number';
  if (seq !== undefined && record.seq !== seq + 1) return `record ${seq + 1} is missing`;
  return undefined;
}
