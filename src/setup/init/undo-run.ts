/** `init --undo`: what stands of all runs is planned, asked about where somebody changed it, and taken back (setup.md §3). */
import fs from 'node:fs';
import { isRefused, readForeign, type Unusable } from './foreign.ts';
import {
  type EntryKey,
  leftoversOf,
  openJournal,
  type RunJournal,
  readRuns,
  type StandingWrap,
  standingOf,
  type Target,
} from './journal.ts';
import { asOnlyRun } from './lock.ts';
import { type UndoneEntry, type UndoneFile, type UndoWays, undoFile } from './undo.ts';
import { writeTarget } from './write.ts';

/** A file and what an undo makes of it. */
export interface FileUndo {
  readonly target: Target;
  readonly before: Uint8Array;
  readonly result: UndoneFile;
}

/** A file that cannot be read, or written. */
export interface FileLeft extends Unusable {
  readonly path: string;
}

export interface UndoReport {
  readonly files: readonly FileUndo[];
  readonly left: readonly FileLeft[];
}

export type UndoChoice = Omit<UndoWays, 'isAgreed'>;

/** Names an agreement: to unwrap this entry by exactly that. */
export function agreementOf({ run, n, entry }: EntryKey, signature: string): string {
  return `${run}/${n}/${entry}/${signature}`;
}

/** Plans the undo of all that stands, and writes nothing. */
export function planUndo(setup: string, choice: UndoChoice): UndoReport {
  const files: FileUndo[] = [];
  const left: FileLeft[] = [];
  for (const [path, standings] of groupsOf(standingOf(readRuns(setup)), choice)) {
    const file = readForeign(path);
    if (isRefused(file)) left.push({ path, ...file });
    else
      files.push({
        target: targetOf(standings),
        before: file.bytes,
        result: undoFile(file.bytes, standings, { ...choice, isAgreed: () => false }),
      });
  }
  return { files, left };
}

/** Undoes all that stands; what somebody changed only where `agreed` names it. */
export async function runUndo(setup: string, choice: UndoChoice, agreed: ReadonlySet<string>, now: number): Promise<UndoReport> {
  const ways: UndoWays = { ...choice, isAgreed: (key, signature) => agreed.has(agreementOf(key, signature)) };
  // Where nothing was ever written, nothing is: no folder either.
  if (readRuns(setup).length === 0) return { files: [], left: [] };
  return asOnlyRun(setup, async () => {
    const runs = readRuns(setup);
    for (const path of leftoversOf(runs)) fs.rmSync(path, { force: true });
    const groups = groupsOf(standingOf(runs), choice);
    const files: FileUndo[] = [];
    const left: FileLeft[] = [];
    if (groups.size === 0) return { files, left };
    const run = openJournal(setup, 'undo', now);
    for (const [path, standings] of groups) {
      const outcome = await undoTarget(standings, ways, run);
      if (isRefused(outcome)) left.push({ path, ...outcome });
      else files.push(outcome);
    }
    return { files, left };
  });
}

async function undoTarget(standings: readonly StandingWrap[], ways: UndoWays, run: RunJournal): Promise<FileUndo | Unusable> {
  const target = targetOf(standings);
  let planned: FileUndo | undefined;
  const written = await writeTarget(
    target,
    ({ bytes }) => {
      const result = undoFile(bytes, standings, ways);
      planned = { target, before: bytes, result };
      return { bytes: result.bytes, entries: [] };
    },
    run,
  );
  if (written.kind === 'refused') return written;
  if (!planned) return { refused: 'was not read' };
  // A crash before these lines costs nothing: the next undo finds the entries as they were.
  for (const { key, outcome } of planned.result.entries) if (isOver(outcome)) run.add({ type: 'undone', ...key });
  return planned;
}

function isOver(outcome: UndoneEntry['outcome']): boolean {
  return outcome === 'restored' || outcome === 'agreed' || outcome === 'nothing';
}

function groupsOf(standings: readonly StandingWrap[], { isMeant }: UndoChoice): ReadonlyMap<string, readonly StandingWrap[]> {
  const groups = new Map<string, StandingWrap[]>();
  for (const standing of standings) {
    const { intent, open, torn } = standing;
    const hasMeant = open.some((place) => isMeant(intent.entries[place] as (typeof intent.entries)[number], standing));
    if (!hasMeant && torn === undefined) continue;
    groups.set(intent.path, [...(groups.get(intent.path) ?? []), standing]);
  }
  return groups;
}

/** The newest run knows best by whom the file is read. */
function targetOf([newest]: readonly StandingWrap[]): Target {
  const { path, clients, format, lock, project } = (newest as StandingWrap).intent;
  return { path, clients, format, lock, project };
}
