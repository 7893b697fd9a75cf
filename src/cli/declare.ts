/** What the declarations of commands share. */
import type { Command } from 'commander';
import { UsageError } from '../core/fault.ts';
import { HELP } from './help.ts';
import type { Terminal } from './terminal.ts';

export interface Invocation {
  readonly terminal: Terminal;
  /** What follows `--`. */
  readonly server: readonly string[] | undefined;
  finish(status: number): void;
}

/** A command below the program, with its help; only those that take a server may be followed by `--`. */
export function declare(program: Command, name: Exclude<keyof typeof HELP, 'intercept'>): Command {
  const command = program.command(name).helpOption('-h, --help').showSuggestionAfterError(false);
  command.helpInformation = () => HELP[name];
  return command;
}

/** Throws where a server follows a command that takes none. */
export function refuseServer(name: string, { server }: Invocation): void {
  if (server) throw new UsageError(`"${name}" takes no server command`, 'remove "--" and what follows');
}
