/** `intercept log`: the audit of all processes in order of time, as lines for people or as the records (cli.md §1). */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EventReader, openEventReader, type ReadFault } from '../audit/evidence/merge.ts';
import { openSelection, type RecordSelection, type SelectedLine, type Wanted } from '../audit/evidence/select.ts';
import { EXIT } from '../core/fault.ts';
import { didYouMean } from '../policy/nearest.ts';
import { openLogLines } from './log-lines.ts';
import { ENDING } from './screen.ts';
import { timeOf } from './spans.ts';
import type { Terminal } from './terminal.ts';

export interface LogOptions extends Wanted {
  readonly home: string;
  /** Epoch ms. */
  readonly since: number | undefined;
  readonly follow: boolean;
  readonly why: boolean;
  readonly json: boolean;
}

/** Files are looked at for more so often, ms. */
const LOOK = 250;
/** Lines that are printed together. INVARIANT I11: no more wait for whoever reads them. */
const TOGETHER = 256;

/** Prints what is asked for, and goes on with what comes where that is asked. */
export async function showLog(options: LogOptions, terminal: Terminal): Promise<number> {
  const dir = join(options.home, 'events');
  let isWhole = true;
  const reader = openEventReader(dir, {
    since: options.since,
    onFault(fault) {
      isWhole &&= fault.line !== undefined;
      terminal.err(`intercept: ${renderFault(fault)}`);
      if (fault.line === undefined) terminal.err(`help: see "ls -l ${dir}"`);
    },
  });
  const selection = openSelection(options);
  const render = options.json ? ({ text }: SelectedLine) => [text] : openLogLines(terminal, options.why);
  const left = new AbortController();
  const print = () => printNew(reader, selection, render, terminal, left.signal);
  await (options.follow ? follow(print, selection, dir, terminal, left) : print());
  if (isWhole || selection.seen() > 0) conclude(options, selection, dir, terminal);
  return isWhole ? EXIT.done : EXIT.failed;
}

async function follow(
  print: () => Promise<void>,
  { seen }: RecordSelection,
  dir: string,
  terminal: Terminal,
  left: AbortController,
): Promise<void> {
  const leave = () => left.abort();
  for (const signal of ENDING) process.once(signal, leave);
  try {
    await print();
    if (seen() === 0) terminal.err(`no records in ${JSON.stringify(dir)} yet: those that come are shown (Ctrl-C ends it)`);
    while (!left.signal.aborted && terminal.isRead()) {
      await sleep(LOOK, undefined, { signal: left.signal }).catch(() => undefined);
      await print();
    }
  } finally {
    for (const signal of ENDING) process.removeListener(signal, leave);
  }
}

async function printNew(
  reader: EventReader,
  selection: RecordSelection,
  render: (line: SelectedLine) => readonly string[],
  terminal: Terminal,
  left: AbortSignal,
): Promise<void> {
  let lines: string[] = [];
  let read = 0;
  const flush = async () => {
    if (lines.length > 0) terminal.out(lines.join('\n'));
    lines = [];
    await terminal.flush();
  };
  for await (const line of reader.next()) {
    const selected = selection.take(line);
    if (selected) lines.push(...render(selected));
    if (++read % TOGETHER !== 0 && lines.length < TOGETHER) continue;
    await flush();
    if (left.aborted || !terminal.isRead()) return;
  }
  await flush();
}

/** Prints the sums for people; prints for all that nothing was found. */
function conclude({ since, ...options }: LogOptions, { counts, seen, names }: RecordSelection, dir: string, terminal: Terminal): void {
  const from = since === undefined ? '' : ` since ${timeOf(since)}`;
  if (counts.records > 0) {
    if (terminal.isErrTty) terminal.err(sumOf(counts) + from);
    return;
  }
  if (options.follow && seen() === 0) return;
  if (seen() === 0) {
    terminal.err(`no records${from} in ${JSON.stringify(dir)}`);
    terminal.err(
      `help: ${since === undefined ? 'no proxy has run with this home yet; INTERCEPT_HOME names another' : 'look further back with "--since 7d"'}`,
    );
    return;
  }
  const [of, glob] = options.tool === undefined ? (['agent', options.agent] as const) : (['tool', options.tool] as const);
  terminal.err(`no record matches: ${seen()} were read${from}`);
  const help = glob === undefined || options.json ? undefined : didYouMean(glob, names(of));
  if (help !== undefined) terminal.err(`help: ${help}`);
}

function sumOf({ calls, methodsDenied, messagesRefused }: RecordSelection['counts']): string {
  const all = calls.allowed + calls.denied + calls.approval_required + calls.replayed;
  const parts = [
    [calls.allowed, 'allowed'],
    [calls.denied, 'denied'],
    [calls.approval_required, 'held'],
    [calls.replayed, 'replayed'],
  ] as const;
  const shares = parts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`])).join(', ');
  return [
    `${counted(all, 'call')}${shares && `: ${shares}`}`,
    ...(methodsDenied === 0 ? [] : [`${counted(methodsDenied, 'method')} denied`]),
    ...(messagesRefused === 0 ? [] : [`${counted(messagesRefused, 'message')} refused`]),
  ].join('; ');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function renderFault({ file, line, why }: ReadFault): string {
  if (line === undefined) return `${JSON.stringify(file)} cannot be read: ${why}`;
  return `${JSON.stringify(file)}: line ${line} is passed over: ${why}; so is all like it in this file, see "intercept log --verify"`;
}
