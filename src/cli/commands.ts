/** Declares every command and its flags. A flag that does nothing yet is not declared. */
import type { Command } from 'commander';
import { didYouMean } from '../policy/nearest.ts';
import { UsageError } from './faults.ts';
import { choiceFlag, parseDurationFlag, parseSizeFlag, parseTextFlag } from './flags.ts';
import { HELP } from './help.ts';
import { EXIT, parseProxyOptions } from './options.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

export interface Invocation {
  readonly terminal: Terminal;
  /** What follows `--`. */
  readonly server: readonly string[] | undefined;
  finish(status: number): void;
}

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
  declareProxy(program, invocation);
}

function declareProxy(program: Command, { server, finish, terminal }: Invocation): void {
  program
    .helpOption('-h, --help')
    .argument('[words...]')
    .option('-c, --config <file>', '', parseTextFlag)
    .option('--shadow')
    .option('--agent <name>', '', parseTextFlag)
    .option('--state-dir <folder>', '', parseTextFlag)
    .option('--state-prefix <text>', '', parseTextFlag)
    .option('--state-fail-mode <mode>', '', choiceFlag('closed', 'open'))
    .option('--state-timeout <time>', '', parseDurationFlag)
    .option('--upstream-timeout <time>', '', parseDurationFlag)
    .option('--max-message <size>', '', parseSizeFlag)
    .option('--log-level <level>', '', choiceFlag('debug', 'info', 'warn', 'error'))
    .option('--audit-args <how>', '', choiceFlag('redacted', 'full', 'hash'))
    .option('--audit-retention <time>', '', parseDurationFlag)
    .option('--allow-self')
    .action(async (words: readonly string[], flags) => {
      const [word] = words;
      if (word !== undefined) throw unknownCommand(word, program);
      if (flags.config === undefined && server === undefined) {
        terminal.err(HELP.intercept);
        return finish(EXIT.usage);
      }
      const options = parseProxyOptions(flags, terminal.env);
      if (!server?.length) throw new UsageError('no server to put the policy before', 'write its command after "--"');
      const { runProxy } = await import('./proxy.ts');
      finish(await runProxy(options, server));
    });
  program.helpInformation = () => HELP.intercept;
}

function unknownCommand(word: string, program: Command): UsageError {
  const names = program.commands.map((command) => command.name());
  return new UsageError(
    `unknown command ${JSON.stringify(word)}`,
    didYouMean(word, names) ?? 'a server\'s command stands after "--"; see "intercept --help"',
  );
}
