/** `intercept init --undo`: shows and asks; what it does stands in `setup/init` (setup.md §3, Undo). */
import { join } from 'node:path';
import { EXIT } from '../../core/fault.ts';
import { isMeant } from '../../setup/init/candidates.ts';
import { readRuns, standingOf } from '../../setup/init/journal.ts';
import { purge } from '../../setup/init/purge.ts';
import { surveyHere } from '../../setup/init/run.ts';
import { openDiffMask, unifiedDiff } from '../../setup/init/shown.ts';
import type { UndoneEntry } from '../../setup/init/undo.ts';
import { agreementOf, planUndo, runUndo, type UndoChoice, type UndoReport } from '../../setup/init/undo-run.ts';
import { type UnrecordedEntry, unrecordedEntries, unwrapEntry } from '../../setup/init/unrecorded.ts';
import { askYes } from '../ask.ts';
import { createPaint } from '../paint.ts';
import type { Terminal } from '../terminal.ts';
import { type InitSurroundings, openPorts } from './ports.ts';
import { renderDiff, renderUndo, type UndoView } from './view-undo.ts';

export interface UndoFlags {
  readonly clients: readonly string[];
  readonly servers: readonly string[];
  readonly project: boolean;
  readonly user: boolean;
  readonly home: string;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly purge: boolean;
  readonly json: boolean;
}

/** Takes back what init wrote, and asks where somebody changed it since. */
export async function undoInit(flags: UndoFlags, terminal: Terminal): Promise<number> {
  const { home, dryRun } = flags;
  const setup = join(home, 'setup');
  const surroundings = await openPorts(home, terminal.env, 'suggested');
  const choice = choiceOf(flags);
  const planned = planUndo(setup, choice);
  const agreed = await agreements(planned, flags, terminal);
  const report = dryRun ? planned : await runUndo(setup, choice, agreed, Date.now());
  const others = dryRun ? [] : await undoUnrecorded(surroundings, flags, terminal);
  const purged = flags.purge && !dryRun ? await purge(setup, () => surveyHere(surroundings, standingOf(readRuns(setup)))) : [];
  const view = { report, others, purged, isDry: dryRun };
  if (flags.json) terminal.out(JSON.stringify(undoJson(view), null, 2));
  else for (const line of renderUndo(view, createPaint(terminal.colour))) terminal.out(line);
  return isWhole(view) ? EXIT.done : EXIT.failed;
}

function choiceOf({ clients, servers }: UndoFlags): UndoChoice {
  return {
    isMeant: ({ record }, { intent }) =>
      (servers.length === 0 || servers.includes(record.name)) &&
      (clients.length === 0 || intent.clients.some((client) => clients.includes(client))),
  };
}

/** Asks about each entry that was edited by hand. SECURITY: yes is to the very change that was shown. */
async function agreements({ files }: UndoReport, flags: UndoFlags, terminal: Terminal): Promise<ReadonlySet<string>> {
  const agreed = new Set<string>();
  for (const { target, result } of files)
    for (const { key, entry, asked } of result.entries) {
      if (!asked) continue;
      const diff = unifiedDiff(target.path, asked.before, asked.after, openDiffMask(target.format, asked.before, asked.after));
      const question = `${JSON.stringify(entry.record.name)} was edited by hand since. Unwrap it, and keep the edits?`;
      if (await isYes(question, diff, flags, terminal)) agreed.add(agreementOf(key, asked.signature));
    }
  return agreed;
}

async function isYes(question: string, diff: readonly string[], { yes, dryRun, json }: UndoFlags, terminal: Terminal): Promise<boolean> {
  if (!json) for (const line of renderDiff(diff, createPaint(terminal.colour))) terminal.err(line);
  if (yes || dryRun) return yes;
  return terminal.input.isTTY === true && askYes(question, terminal);
}

/** Entries without a journal. Those that somebody wrote by hand are only taken where the person says so. */
async function undoUnrecorded(surroundings: InitSurroundings, flags: UndoFlags, terminal: Terminal): Promise<UndoView['others']> {
  const setup = join(flags.home, 'setup');
  const results: { name: string; path: string; why: string | undefined }[] = [];
  for (;;) {
    const survey = await surveyHere(surroundings, standingOf(readRuns(setup)));
    const seen = new Set(results.map(({ name, path }) => `${name}\0${path}`));
    const [entry] = unrecordedEntries(survey, flags.home, (place) => isMeant(place, flags)).filter(
      ({ place }) => !seen.has(`${place.server.name}\0${place.file.path}`),
    );
    if (!entry) return results;
    results.push({ name: entry.place.server.name, path: entry.place.file.path, why: await undoOne(entry, setup, flags, terminal) });
  }
}

async function undoOne(entry: UnrecordedEntry, setup: string, flags: UndoFlags, terminal: Terminal): Promise<string | undefined> {
  if (entry.place.project !== undefined && !flags.project)
    return 'it stands in a file of a project, and no journal here has it: add --project';
  const question = `${JSON.stringify(entry.place.server.name)} stands behind Intercept, and no journal says how it was. Unwrap it so?`;
  const own = { ...flags, yes: flags.yes && entry.isOurs };
  if (!(await isYes(question, entry.diff, own, terminal)))
    return 'it was not wrapped by a run that is in the journal: unwrap it by hand, or agree on a terminal';
  return unwrapEntry(entry, setup, Date.now());
}

function isWhole({ report, others }: UndoView): boolean {
  const isDone = ({ outcome }: UndoneEntry) => outcome !== 'changed' && outcome !== 'kept';
  return (
    report.files.every(({ result }) => result.entries.every(isDone)) &&
    report.left.every(({ isGone }) => isGone === true) &&
    others.every(({ why }) => why === undefined)
  );
}

function undoJson({ report, others, purged, isDry }: UndoView): object {
  return {
    dry_run: isDry,
    entries: report.files.flatMap(({ target, result }) =>
      result.entries.map(({ entry, outcome, why }) => ({ name: entry.record.name, path: target.path, outcome, why: why ?? null })),
    ),
    others: others.map(({ name, path, why }) => ({ name, path, why: why ?? null })),
    left: report.left.map(({ path, refused }) => ({ path, why: refused })),
    purged,
  };
}
