/** A client's file with an entry that is rewritten as init does it, for tests of writing and undoing alone. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryRecord } from '../../../src/setup/clients/types.ts';
import type { JournalEntry, RunJournal, Target } from '../../../src/setup/init/journal.ts';
import type { Unwrapper } from '../../../src/setup/init/undo.ts';
import { type WriteOutcome, writeTarget } from '../../../src/setup/init/write.ts';

export interface Place extends Disposable {
  readonly folder: string;
  readonly setup: string;
  /** Writes a file below the folder. */
  put(name: string, text: string): string;
  text(path: string): string;
}

/** A folder of its own, with a setup folder in it. Use with `using`. */
export function openPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'intercept-init-'));
  return {
    folder,
    setup: join(folder, 'home/setup'),
    put(name, text) {
      const path = join(folder, name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    text: (path) => readFileSync(path, 'utf8'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The file of some client. */
export function targetAt(path: string, more: Partial<Target> = {}): Target {
  return { path, clients: ['cursor'], format: 'json', ...more };
}

/** An entry whose text `was` becomes `is`. */
export function entryOf(name: string, was: string, is: string): JournalEntry {
  const stretch = (text: string) => ({ text, lead: 0, trail: text.length });
  const record: EntryRecord = {
    name,
    at: ['mcpServers', name],
    shape: 'plain',
    how: 'wrap',
    was,
    is,
    before: stretch(was),
    after: stretch(is),
    undo: [],
  };
  return { record, policy: `/p/${name}.yaml`, program: ['/bin/intercept'] };
}

/** Writes the entries into the file, as a run of init does. */
export function wrapTexts(target: Target, entries: readonly JournalEntry[], run: RunJournal): Promise<WriteOutcome> {
  return writeTarget(
    target,
    ({ bytes }) => {
      let text = Buffer.from(bytes).toString('utf8');
      for (const { record } of entries) text = text.replace(record.was, () => record.is);
      return { bytes: Buffer.from(text), entries };
    },
    run,
  );
}

/** Finds the text as it was left, or what somebody made of it: `is` with other words behind it. */
export const unwrapText: Unwrapper = ({ bytes }, { was, is }) => {
  const text = Buffer.from(bytes).toString('utf8');
  const at = text.indexOf(is);
  if (at >= 0) return unwrapAt(text, at, is.length, was, 'exact');
  if (text.includes(was)) return { kind: 'nothing', why: 'it is as it was' };
  const edited = text.indexOf(is.slice(0, -1));
  return edited < 0 ? { kind: 'nothing', why: 'it is gone' } : unwrapAt(text, edited, is.length - 1, was.slice(0, -1), 'changed');
};

function unwrapAt(text: string, start: number, length: number, was: string, certainty: 'exact' | 'changed') {
  const end = start + length;
  const bytes = Buffer.from(`${text.slice(0, start)}${was}${text.slice(end)}`);
  return { kind: 'unwrap', bytes, splices: [{ start, end, text: was }], certainty } as const;
}
