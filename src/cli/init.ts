/** `intercept init`: asks and shows; what it does stands in `setup/init`. */
import { UsageError } from '../core/fault.ts';
import type { Preset } from '../setup/draft/model.ts';
import { isThere } from '../setup/init/program.ts';
import { diffsOf } from '../setup/init/report.ts';
import type { InitOptions, InitPlan, InitPorts, InitReport } from '../setup/init/run.ts';
import { runInit } from '../setup/init/run.ts';
import { askSecrets, askYes } from './ask.ts';
import { initJson } from './init/json.ts';
import { type InitSurroundings, openPorts } from './init/ports.ts';
import { openProgress } from './init/progress.ts';
import { renderReport } from './init/view.ts';
import { renderDiff } from './init/view-undo.ts';
import { createPaint } from './paint.ts';
import type { Terminal } from './terminal.ts';

export interface InitFlags {
  readonly clients: readonly string[];
  readonly servers: readonly string[];
  readonly project: boolean;
  readonly user: boolean;
  readonly preset: Preset;
  readonly agent: string | undefined;
  readonly shadow: boolean;
  readonly scan: boolean;
  readonly timeout: number;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly terminal: boolean;
  readonly json: boolean;
  readonly home: string;
}

const STATUS: Readonly<Record<InitReport['outcome'], 0 | 1>> = { done: 0, nothing: 0, dry_run: 0, declined: 1, cancelled: 1 };

/** Sets the machine up, and says what came of it. */
export async function initialise(flags: InitFlags, terminal: Terminal): Promise<number> {
  const isPerson = terminal.input.isTTY === true && terminal.isErrTty;
  if (!isPerson && !flags.yes && !flags.dryRun)
    throw new UsageError('no terminal to choose on', 'write "intercept init --yes" to take what is drafted, or --dry-run to see it first');
  const surroundings = await openPorts(flags.home, terminal.env, flags.preset);
  if (surroundings.program.passing !== undefined)
    terminal.err(`intercept: warning: ${surroundings.program.passing}: entries will name it; install intercept first`);
  const ports = portsOf(flags, isPerson, surroundings, terminal);
  const report = await runInit(optionsOf(flags, isPerson), ports);
  if (flags.json) terminal.out(JSON.stringify(initJson(report, surroundings.nextSteps), null, 2));
  else for (const line of renderReport(report, surroundings.nextSteps, createPaint(terminal.colour))) terminal.out(line);
  return hasFailed(report) ? 1 : STATUS[report.outcome];
}

function hasFailed({ carried }: InitReport): boolean {
  return carried !== undefined && (carried.failed.size > 0 || carried.files.some(({ refused }) => refused !== undefined));
}

/** Where nobody can be asked, a look at what would be written starts nothing. */
function optionsOf(flags: InitFlags, isPerson: boolean): InitOptions {
  const isLook = flags.dryRun && !flags.yes && !isPerson;
  return isLook ? { ...flags, yes: true, scan: false, isLook } : { ...flags, isLook };
}

function portsOf(flags: InitFlags, isPerson: boolean, surroundings: InitSurroundings, terminal: Terminal): InitPorts {
  const progress = openProgress(terminal);
  let isChoosing = false;
  return {
    ...surroundings,
    timeout: flags.timeout,
    progress(name, state) {
      // While the person chooses, the terminal is theirs, and shows it by itself.
      if (!isChoosing) progress.put(name, state);
    },
    async choose(servers, scan) {
      const { choose } = await import('./choose/choose.ts');
      const way = flags.terminal ? 'terminal' : 'page';
      isChoosing = true;
      try {
        return await choose(servers, { way, home: flags.home, platform: process.platform, scan }, terminal);
      } finally {
        isChoosing = false;
      }
    },
    async agree(plan) {
      progress.end();
      show(plan, flags, terminal);
      const isAgreed = flags.yes || flags.dryRun || (await askYes(questionOf(plan), terminal));
      // Entries are tried before they are written.
      if (isAgreed && !flags.dryRun && !isThere(surroundings.program)) surroundings.program.bring?.();
      return isAgreed;
    },
    async askSecret(question) {
      if (!isPerson || flags.yes) return undefined;
      return (await askSecrets([question], terminal))[0];
    },
  };
}

/** The changes; on stderr where stdout is for programs. */
function show(plan: InitPlan, { json, dryRun }: InitFlags, terminal: Terminal): void {
  const paint = createPaint(terminal.colour);
  const put = json || !dryRun ? terminal.err : terminal.out;
  if (json) return;
  for (const diff of diffsOf(plan)) for (const line of [...renderDiff(diff, paint), '']) put(line);
}

function questionOf({ works, files }: InitPlan): string {
  const policies = works.filter(({ text }) => text !== undefined).length;
  const count = (number: number, one: string, many: string) => `${number} ${number === 1 ? one : many}`;
  return `Write ${count(policies, 'policy', 'policies')}, and change ${count(files.length, 'file', 'files')}?`;
}
