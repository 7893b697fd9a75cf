/** Finds out whether audit files are as they were written: each line names the hash of the line before (cli.md §2). */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { hashLine, NO_LINE } from '../chain.ts';
import { type RawLine, readBlocks } from './lines.ts';
import { chainsOf, listEventFiles, parseRecord, placeOf, whyUnread } from './read.ts';

/**
 * `line` counts from 1; a file that cannot be read has none. `torn`: the file ends in half a record, as a killed process may
 * leave it. `last` is the hash of the last line: lines cut off at the end show only to who has noted it. `begins` is the
 * number of the first record: over 1 where older files of the chain have ended (`--audit-retention`).
 */
export type ChainVerdict =
  | { readonly ok: true; readonly begins: number; readonly records: number; readonly last: string; readonly torn: boolean }
  | { readonly ok: false; readonly file: string; readonly line: number | undefined; readonly why: string };

export interface CheckedChain {
  readonly files: readonly string[];
  readonly verdict: ChainVerdict;
}

/** Follows every chain of the folder, one after the other. */
export async function* verifyFolder(dir: string): AsyncGenerator<CheckedChain> {
  for (const files of chainsOf(await listEventFiles(dir))) yield { files, verdict: await verifyChain(...files) };
}

interface Following {
  records: number;
  begins: number;
  /** The hash that the next record names; undefined where the record before it has ended. */
  last: string | undefined;
  seq: number | undefined;
  torn: boolean;
}

/** Follows a chain from its first line to its last, through the files that follow each other, in order. */
export async function verifyChain(...files: readonly string[]): Promise<ChainVerdict> {
  const following: Following = { records: 0, begins: 1, last: isFirst(files[0] ?? '') ? NO_LINE : undefined, seq: undefined, torn: false };
  for (const [i, file] of files.entries()) {
    const gap = gapBetween(files[i - 1], file);
    if (gap !== undefined) return { ok: false, file, line: undefined, why: gap };
    const fault = await followFile(following, file, i === files.length - 1);
    if (fault) return { ok: false, file, ...fault };
  }
  const { begins, records, last = NO_LINE, torn } = following;
  return { ok: true, begins, records, last, torn };
}

interface Fault {
  readonly line: number | undefined;
  readonly why: string;
}

async function followFile(following: Following, file: string, isLast: boolean): Promise<Fault | undefined> {
  let line = 0;
  try {
    // A pipe or a device would read as an empty file, and an empty file is no fault.
    if (!(await stat(file)).isFile()) return { line: undefined, why: 'it is no file' };
    for await (const lines of readBlocks(file)) {
      for (const each of lines) {
        line++;
        following.torn = each.fault === 'torn' && isLast;
        const why = following.torn ? undefined : followLine(following, each);
        if (why !== undefined) return { line, why };
      }
    }
    return undefined;
  } catch (error) {
    return { line: undefined, why: whyUnread(error) };
  }
}

/** Answers with what is wrong with the line, if anything is. */
function followLine(following: Following, { bytes, fault }: RawLine): string | undefined {
  if (fault === 'long') return 'the line is longer than any record';
  const { last, seq } = following;
  const record = parseRecord(bytes.toString('utf8'));
  if (!record) return 'the line is not a record';
  if (last !== undefined && record.prev !== last)
    return last === NO_LINE ? 'the first record is missing' : 'the line before was changed, removed or moved';
  if (typeof record.seq !== 'number') return 'the record has no number';
  if (seq !== undefined && record.seq !== seq + 1) return `record ${seq + 1} is missing`;
  if (following.records++ === 0) following.begins = record.seq;
  following.seq = record.seq;
  following.last = hashLine(bytes);
  return undefined;
}

/** A later file of a chain may be the oldest that is left; then the record before its first one is not known. */
function isFirst(file: string): boolean {
  return placeOf(basename(file)).number === 0;
}

function gapBetween(before: string | undefined, file: string): string | undefined {
  if (before === undefined) return undefined;
  const { start, number } = placeOf(basename(file));
  const missing = placeOf(basename(before)).number + 1;
  return missing === number ? undefined : `the file before it, ${JSON.stringify(`${start}.${missing}.jsonl`)}, is missing`;
}
