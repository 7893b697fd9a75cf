/** The audit files of a home, and what a line of them is (cli.md §2). */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, EXIT } from '../../core/fault.ts';
import { readBlocks } from './lines.ts';

/** A record as it was written; whatever else a newer version writes is there too. */
export type StoredRecord = Readonly<Record<string, unknown>> & { readonly ts: string; readonly type: string };

/** The folder's audit files, oldest first. A folder that does not exist has none. Throws `CommandError` where it cannot be read. */
export async function listEventFiles(dir: string): Promise<readonly string[]> {
  const names = await fs.readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unreadable('audit folder', dir, whyUnread(error), error);
  });
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .sort(byStart)
    .map((name) => join(dir, name));
}

/** The error for a file or folder that is there and cannot be read. */
export function unreadable(what: string, path: string, why: string, cause?: unknown): CommandError {
  return new CommandError(`cannot read the ${what} ${JSON.stringify(path)}: ${why}`, EXIT.failed, `see "ls -ld ${path}"`, { cause });
}

/** Says in words why the system does not let a file or folder be read. */
export function whyUnread(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return WHYS.get(code ?? '') ?? message;
}

const WHYS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'it belongs to another user, or its permissions were taken away'],
  ['EPERM', 'it belongs to another user, or its permissions were taken away'],
  ['EISDIR', 'it is a folder'],
  ['ENOTDIR', 'it is no folder'],
  ['EIO', 'the disk fails'],
]);

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

/** Files by the chain that they are one part of, in order. */
export function chainsOf(files: readonly string[]): readonly (readonly string[])[] {
  const chains = new Map<string, string[]>();
  for (const file of files) {
    const { start } = placeOf(file);
    const chain = chains.get(start);
    if (chain) chain.push(file);
    else chains.set(start, [file]);
  }
  return [...chains.values()];
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

/** The record that a file begins with. */
export async function readFirst(file: string): Promise<StoredRecord | undefined> {
  try {
    for await (const [line] of readBlocks(file)) return line && !line.fault ? parseRecord(line.bytes.toString('utf8')) : undefined;
    return undefined;
  } catch (error) {
    throw unreadable('audit file', file, whyUnread(error), error);
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
