/** The command line (cli.md §1): which command, with which flags. Each command's module is loaded when it runs. */
import { Command, CommanderError } from 'commander';
import { CommandError, EXIT, UsageError } from '../core/fault.ts';
import { didYouMean } from '../policy/nearest.ts';
import { VERSION } from '../process/version.ts';
import { SINGLE } from './declare/commands.ts';
import type { Invocation } from './declare/declare.ts';
import { GROUPS } from './declare/groups.ts';
import { LOG } from './declare/log.ts';
import { PROXY } from './declare/proxy.ts';
import type { Terminal } from './terminal.ts';

/** All commands. What each does is loaded when it runs. */
export const COMMANDS = [PROXY, ...SINGLE, LOG, ...GROUPS];

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
    await program.parseAsync([...own], { from: 'user' });
    return status;
  } catch (error) {
    const isDebug = own.includes('--log-level=debug') || own[own.indexOf('--log-level') + 1] === 'debug';
    return report(error, program, terminal, isDebug);
  }
}

function report(error: unknown, program: Command, terminal: Terminal, debug: boolean): number {
  if (error instanceof CommanderError) return reportUsage(error, program, terminal);
  const { message, help } = error as { message?: string; help?: string };
  terminal.err(`intercept: ${message ?? String(error)}`);
  if (help !== undefined) terminal.err(`help: ${help}`);
  if (debug && error instanceof Error) terminal.err(error.stack ?? '');
  if (error instanceof UsageError) return EXIT.usage;
  return error instanceof CommandError ? error.status : EXIT.failed;
}

/** The parser's own errors, in our words; help and version come this way too, and are none. */
function reportUsage(error: CommanderError, program: Command, terminal: Terminal): number {
  if (error.exitCode === 0) return EXIT.done;
  const text = error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean[^)]*\)/, '')
    .replace(/\.$/, '');
  terminal.err(`intercept: ${text.replace(/'([^']*)'/g, '"$1"')}`);
  const unknown = /^unknown option '([^'=]*)/.exec(text)?.[1];
  const flags = [program, ...program.commands].flatMap(({ options }) => options.map(({ long }) => long ?? ''));
  terminal.err(`help: ${(unknown && didYouMean(unknown, new Set(flags))) ?? 'see "intercept --help"'}`);
  return EXIT.usage;
}
