/** Reading the audit files back (cli.md §2). */
import { createReadStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, EXIT } from '../../core/fault.ts';

/** A record as it was written; whatever else a newer version writes is there too. */
export type StoredRecord = Readonly<Record<string, unknown>> & { readonly ts: string; readonly type: string };

/** A record with its text: numbers in `record` are doubles, those in `text` are what the agent sent. */
export interface StoredLine {
  readonly record: StoredRecord;
  readonly text: string;
  readonly file: string;
}

export interface ReadOptions {
  /** Epoch ms: leaves out what is older. */
  readonly since?: number | undefined;
}

/** The folder's audit files, oldest first. A folder that does not exist has none. */
export async function listEventFiles(dir: string): Promise<readonly string[]> {
  const names = await fs.readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unreadable('audit folder', dir, error);
  });
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .sort(byStart)
    .map((name) => join(dir, name));
}

/** What to say of a file or folder that is there and may not be read. */
export function unreadable(what: string, path: string, error: NodeJS.ErrnoException): CommandError {
  const isClosed = error.code === 'EACCES' || error.code === 'EPERM';
  const why = isClosed ? 'it belongs to another user, or its permissions were taken away' : error.message;
  const help = isClosed ? `see "ls -ld ${path}"` : undefined;
  return new CommandError(`cannot read the ${what} ${JSON.stringify(path)}: ${why}`, EXIT.failed, help, { cause: error });
}

/** Files that follow each other have numbers behind one name: `x.jsonl`, `x.1.jsonl`, … `x.10.jsonl`. */
const NUMBERED = /^(.*?)(?:\.(\d{1,9}))?\.jsonl$/;

/** The name that a file shares with those it follows, and its number among them. */
export function placeOf(name: string): { readonly start: string; readonly number: number } {
  const [, start = name, number = '0'] = NUMBERED.exec(name) ?? [];
  return { start, number: Number(number) };
}

function byStart(a: string, b: string): number {
  const [one, other] = [placeOf(a), placeOf(b)];
  return one.start === other.start ? one.number - other.number : one.start < other.start ? -1 : 1;
}

/** Every record of every file, file by file in the order of their starts. */
export async function* readEvents(dir: string, options: ReadOptions = {}): AsyncGenerator<StoredRecord> {
  for await (const { record } of readEventLines(dir, options)) yield record;
}

/** The same, with the text of each. What is no record, such as the torn end of a killed process, is passed over. */
export async function* readEventLines(dir: string, options: ReadOptions = {}): AsyncGenerator<StoredLine> {
  const since = options.since ?? -Infinity;
  for (const file of await listEventFiles(dir)) {
    if (await endedBefore(file, since)) continue;
    for await (const { text } of readLines(file)) {
      const record = parseRecord(text);
      if (record && !(Date.parse(record.ts) < since)) yield { record, text, file };
    }
  }
}

/** The record that a line holds, or undefined. */
export function parseRecord(text: string): StoredRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is StoredRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'ts' in value &&
    typeof value.ts === 'string' &&
    'type' in value &&
    typeof value.type === 'string'
  );
}

async function endedBefore(file: string, since: number): Promise<boolean> {
  const stat = await fs.stat(file).catch(() => undefined);
  return stat === undefined || stat.mtimeMs < since;
}

interface FileLine {
  readonly text: string;
  /** A line feed ended it; a torn last line has none. */
  readonly whole: boolean;
}

/** Reads the lines of a file that may still be growing, split at line feeds alone. A file that is gone has none. */
export async function* readLines(file: string): AsyncGenerator<FileLine> {
  let parts: string[] = [];
  try {
    for await (const chunk of createReadStream(file, 'utf8')) {
      const pieces = (chunk as string).split('\n');
      parts.push(pieces[0] ?? '');
      for (const piece of pieces.slice(1)) {
        yield { text: parts.join(''), whole: true };
        parts = [piece];
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable('audit file', file, error as NodeJS.ErrnoException);
  }
  const rest = parts.join('');
  if (rest !== '') yield { text: rest, whole: false };
}
