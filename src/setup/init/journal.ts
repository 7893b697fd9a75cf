/**
 * The journal of what was written (setup.md §3, clients.md §6.6): a folder for each run, with copies of the files as they
 * were, and a line for each step. A line is with the disk before the step that it announces.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { VERSION } from '../../process/version.ts';
import type { ClientLock } from '../clients/locks.ts';
import type { EntryRecord, FileFormat } from '../clients/types.ts';
import { syncFolder } from './replace.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const LINES = 'journal.jsonl';
const RUN = /^\d{8}T\d{9}Z-[0-9a-f]{8}$/;
/** INVARIANT I11: characters of one journal that are read. */
const MOST_CHARACTERS = 64 * 1024 ** 2;

export type RunKind = 'init' | 'update' | 'undo';

/** One server's entry in a client's file, before and after. */
export interface JournalEntry {
  readonly record: EntryRecord;
  readonly policy: string;
  /** The program that was written, with the words that belong to it. */
  readonly program: readonly string[];
  /** It was wrapped already, and is wrapped anew: what was written then is over. */
  readonly renews?: EntryKey | undefined;
}

/** Names an entry of an earlier run. */
export interface EntryKey {
  readonly run: string;
  readonly n: number;
  readonly entry: number;
}

/** A client's file: by whom it is read, and what has to be heeded when it is written. */
export interface Target {
  readonly path: string;
  readonly clients: readonly string[];
  readonly format: FileFormat;
  readonly lock?: ClientLock | undefined;
  /** The folder of the project that it belongs to, and must not lead out of. */
  readonly project?: string | undefined;
}

/** A file is about to be replaced. */
export interface Intent extends Target {
  readonly type: 'intent';
  readonly n: number;
  readonly real: string;
  readonly hash_before: string;
  readonly hash_after: string;
  /** Names in the run's folder, and in the file's. */
  readonly backup: string;
  readonly temporary: string;
  readonly entries: readonly JournalEntry[];
}

export type JournalLine =
  | { readonly type: 'run'; readonly kind: RunKind; readonly at: string; readonly intercept: string; readonly format: 1 }
  /** A policy is used for the server that `identityOf` names so (as a hash). `wrote`: it is new, and by this run. */
  | { readonly type: 'policy'; readonly path: string; readonly server: string; readonly wrote?: boolean }
  | Intent
  /** The file is written over where it is, by what `copy` holds: a crash leaves the beginning of that. */
  | { readonly type: 'in_place'; readonly n: number; readonly copy: string }
  | { readonly type: 'done'; readonly n: number }
  /** An entry that an earlier run wrote no longer stands. */
  | ({ readonly type: 'undone' } & EntryKey);

/** A run that is being written. */
export interface RunJournal {
  readonly id: string;
  /** Appends a line, and returns once it is with the disk. */
  add(line: JournalLine): void;
  /** Keeps a copy under a new name, which it returns. */
  backUp(bytes: Uint8Array): string;
  /** Announces that a file will be replaced, and returns the number of that. */
  intend(intent: Omit<Intent, 'type' | 'n'>): number;
}

/** Begins a run. Throws where its folder cannot be made. */
export function openJournal(setup: string, kind: RunKind, now: number): RunJournal {
  const at = new Date(now).toISOString();
  const id = `${at.replaceAll(/[-:.]/g, '')}-${randomBytes(4).toString('hex')}`;
  const folder = join(setup, id);
  fs.mkdirSync(setup, { recursive: true, mode: FOLDER_MODE });
  fs.mkdirSync(folder, { mode: FOLDER_MODE });
  const add = (line: JournalLine) => append(join(folder, LINES), line);
  add({ type: 'run', kind, at, intercept: VERSION, format: 1 });
  syncFolder(folder);
  syncFolder(setup);
  let copies = 0;
  let intents = 0;
  return {
    id,
    add,
    backUp(bytes) {
      const name = `${copies++}.backup`;
      fs.writeFileSync(join(folder, name), bytes, { flag: 'wx', mode: FILE_MODE, flush: true });
      syncFolder(folder);
      return name;
    },
    intend(intent) {
      const n = intents++;
      add({ type: 'intent', n, ...intent });
      return n;
    },
  };
}

function append(path: string, line: JournalLine): void {
  fs.writeFileSync(path, `${JSON.stringify(line)}\n`, { flag: 'a', mode: FILE_MODE, flush: true });
}

/** A run that was. */
export interface PastRun {
  readonly id: string;
  readonly folder: string;
  readonly kind: RunKind;
  readonly at: string;
  readonly lines: readonly JournalLine[];
}

/** Reads all runs, the oldest first. A line that a crash cut off is left out: what it announced was not begun. */
export function readRuns(setup: string): readonly PastRun[] {
  if (!fs.existsSync(setup)) return [];
  const ids = fs.readdirSync(setup).filter((name) => RUN.test(name));
  return ids.toSorted().flatMap((id) => {
    const lines = readLines(join(setup, id, LINES));
    const [first] = lines;
    return first?.type === 'run' ? [{ id, folder: join(setup, id), kind: first.kind, at: first.at, lines }] : [];
  });
}

function readLines(path: string): readonly JournalLine[] {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > MOST_CHARACTERS) return [];
  return fs.readFileSync(path, 'utf8').split('\n').flatMap(readLine);
}

function readLine(text: string): readonly JournalLine[] {
  try {
    // The folder is this user's alone: nobody else writes lines of another shape.
    return text === '' ? [] : [JSON.parse(text) as JournalLine];
  } catch {
    return [];
  }
}

/** The bytes of a run's backup. Throws where it is gone. */
export function readBackup({ folder }: PastRun, name: string): Uint8Array {
  return fs.readFileSync(join(folder, name));
}

/** One file's entries by one run, as far as they still stand. */
export interface StandingWrap {
  readonly run: PastRun;
  readonly intent: Intent;
  /** Those that were not undone, by their places in the intent. */
  readonly open: readonly number[];
  /** The copy of what the file was being written over with, where the end of that is not in the journal. */
  readonly torn: string | undefined;
}

/** All that init wrote into clients' files and nothing took back, the newest first. */
export function standingOf(runs: readonly PastRun[]): readonly StandingWrap[] {
  const over = new Set(runs.flatMap(({ lines }) => lines.flatMap(endedBy)).map(keyOf));
  const all = runs.flatMap((run) => run.lines.flatMap((line) => (line.type === 'intent' ? [standing(run, line, over)] : [])));
  return all.filter(({ open, torn }) => open.length > 0 || torn !== undefined).reverse();
}

function standing(run: PastRun, intent: Intent, over: ReadonlySet<string>): StandingWrap {
  const { n } = intent;
  const places = intent.entries.map((_, entry) => entry).filter((entry) => !over.has(keyOf({ run: run.id, n, entry })));
  const begun = run.lines.find((line) => line.type === 'in_place' && line.n === n);
  const isDone = run.lines.some((line) => line.type === 'done' && line.n === n);
  const torn = begun?.type === 'in_place' && !isDone ? begun.copy : undefined;
  return { run, intent, open: run.kind === 'undo' ? [] : places, torn };
}

function endedBy(line: JournalLine): readonly EntryKey[] {
  return line.type === 'undone' ? [line] : [];
}

/** Files that a crash left beside clients' files, with what those were to hold. */
export function leftoversOf(runs: readonly PastRun[]): readonly string[] {
  return runs.flatMap(({ lines }) =>
    lines.flatMap((line) => {
      if (line.type !== 'intent') return [];
      const isDone = lines.some((other) => other.type === 'done' && other.n === line.n);
      return isDone ? [] : [join(dirname(line.real), line.temporary)];
    }),
  );
}

function keyOf({ run, n, entry }: EntryKey): string {
  return `${run}/${n}/${entry}`;
}
