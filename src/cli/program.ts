/** The command line (cli.md §1): which command, with which flags. Each command's module is loaded when it runs. */
import { Command, CommanderError } from 'commander';
import { CommandError, EXIT, reasonOf, UsageError } from '../core/fault.ts';
import { didYouMean } from '../policy/nearest.ts';
import { VERSION } from '../process/version.ts';
import { SINGLE } from './declare/commands.ts';
import type { Invocation } from './declare/declare.ts';
import { GROUPS } from './declare/groups.ts';
import { INIT } from './declare/init.ts';
import { LOG } from './declare/log.ts';
import { mistakeOf } from './declare/mistakes.ts';
import { POLICIES } from './declare/policies.ts';
import { PROXY } from './declare/proxy.ts';
import { SCAN } from './declare/scan.ts';
import { STATE_COMMAND } from './declare/state.ts';
import { openTerminal, type Terminal, type TerminalStreams } from './terminal.ts';

/** All commands. What each does is loaded when it runs. */
export const COMMANDS = [PROXY, INIT, SCAN, ...SINGLE, LOG, ...GROUPS, POLICIES, STATE_COMMAND];

/** Declares all of them. */
export function declareCommands(program: Command, invocation: Invocation): void {
  const { terminal } = invocation;
  program
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: () => undefined })
    .helpCommand(false)
    .version(VERSION, '-V, --version');
  for (const each of COMMANDS) each.declare(program, invocation);
}

/** Runs this process: reads its arguments, and ends it with the status. */
export async function main(process: TerminalStreams & Pick<NodeJS.Process, 'argv' | 'env' | 'exit'>): Promise<never> {
  const terminal = openTerminal(process);
  const status = await runProgram(process.argv.slice(2), terminal);
  await terminal.flush();
  return process.exit(status);
}

/** Runs what the arguments ask for and answers with the exit status. Prints faults; never rejects. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  const cut = argv.indexOf('--');
  const own = cut < 0 ? argv : argv.slice(0, cut);
  // What follows `--` is the server's, flags and words that name a command of ours included.
  const server = cut < 0 ? undefined : argv.slice(cut + 1);
  const program = new Command('intercept');
  let status: number = EXIT.done;
  declareCommands(program, { terminal, server, finish: (result) => (status = result) });
  try {
    if (own[0] === 'help') terminal.out(pageOf(own.slice(1)));
    else if (own[0] === 'version' && own.length === 1) terminal.out(VERSION);
    else await program.parseAsync([...own], { from: 'user' });
    return status;
  } catch (error) {
    const isDebug = own.includes('--log-level=debug') || own[own.indexOf('--log-level') + 1] === 'debug';
    // Help and version come this way too, and are no mistakes.
    if (!(error instanceof CommanderError)) return report(error, terminal, isDebug);
    return error.exitCode === 0 ? EXIT.done : report(mistakeOf(error, program, own), terminal, isDebug);
  }
}

/** A page of help by its name: a command's, or that of a part of the proxy's flags. Throws `UsageError`. */
function pageOf([name, second]: readonly string[]): string {
  const pages = new Map(COMMANDS.flatMap(({ name: of, help, pages }) => [[of, help] as const, ...Object.entries(pages ?? {})]));
  const found =
    pages.get(name === undefined || name === 'help' ? PROXY.name : name) ?? (second === undefined ? undefined : pages.get(second));
  if (found !== undefined) return found;
  throw new UsageError(
    `there is no help on ${JSON.stringify(name)}`,
    didYouMean(name ?? '', pages.keys()) ?? `there is on ${[...pages.keys()].join(', ')}`,
  );
}

function report(error: unknown, terminal: Terminal, debug: boolean): number {
  const { help } = error as { help?: string };
  terminal.err(`intercept: ${messageOf(error)}`);
  if (help !== undefined) terminal.err(`help: ${help}`);
  if (debug && error instanceof Error) terminal.err(error.stack ?? '');
  if (error instanceof UsageError) return EXIT.usage;
  return error instanceof CommandError ? error.status : EXIT.failed;
}

/** Puts the system's errors about files into words, with the file's name. */
function messageOf(error: unknown): string {
  const { code, path, message } = error as { readonly code?: unknown; readonly path?: unknown; readonly message?: string };
  const isSystem = typeof code === 'string' && /^E[A-Z]+$/.test(code);
  return isSystem && typeof path === 'string' ? `${path} ${reasonOf(error)}` : (message ?? String(error));
}
