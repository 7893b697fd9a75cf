/** Makes commands of tables: help and parser both come from a command's flags, which are its rows. */
import { type Command, Option } from 'commander';
import { EXIT, UsageError } from '../../core/fault.ts';
import { didYouMean } from '../../policy/nearest.ts';
import type { Terminal } from '../terminal.ts';
import { type Flags, longOf, type Values, valuesOf, type Written } from './flags.ts';
import { type Body, type Help, renderHelp } from './help.ts';

type Intersection<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;
/** The flags that stand in a help. */
export type FlagsIn<B extends Body> = Intersection<Exclude<B[number], string>>;

/** What a command runs with beside its flags. */
export interface Invocation {
  readonly terminal: Terminal;
  /** What follows `--`. */
  readonly server: readonly string[] | undefined;
  finish(status: number): void;
}

/** One command: its row in the table of commands. */
export interface CommandRow {
  readonly name: string;
  readonly help: string;
  declare(program: Command, invocation: Invocation): void;
}

export interface Row<B extends Body> extends Help<B> {
  readonly name: string;
  /** Where what a flag does begins in help. */
  readonly width?: number;
  /** As the parser writes it, such as `[files...]`. */
  readonly argument?: string;
  /** A server's command may follow. */
  readonly takesServer?: boolean;
  run(values: Values<FlagsIn<B>>, args: readonly string[], invocation: Invocation & { readonly program: Command }): Promise<number>;
}

/** A command of one word. */
export function command<const B extends Body>(row: Row<B>): CommandRow {
  const { name, argument, takesServer, run } = row;
  const help = renderHelp(row, row.width);
  return {
    name,
    help,
    declare(program, invocation) {
      const declared = declareBelow(program, name, help);
      if (argument !== undefined) declared.argument(argument);
      const flags = flagsIn(row.body);
      addFlags(declared, flags);
      declared.action(async (...given: unknown[]) => {
        if (!takesServer) refuseServer(name, invocation);
        const args = argument === undefined ? [] : (given[0] as readonly string[]);
        invocation.finish(await run(valuesOf(flags, declared.opts()) as Values<FlagsIn<B>>, args, { ...invocation, program }));
      });
    },
  };
}

/** A command below a program or a command, which prints this help. */
export function declareBelow(parent: Command, name: string, help: string): Command {
  const declared = parent.command(name).helpOption('-h, --help').showSuggestionAfterError(false);
  declared.helpInformation = () => help;
  return declared;
}

/** Throws where a server follows a command that takes none. */
export function refuseServer(name: string, { server }: Invocation): void {
  if (server) throw new UsageError(`"${name}" takes no server command`, 'remove "--" and what follows');
}

/** Adds what a table has. */
export function addFlags(target: Command, flags: Flags): void {
  for (const [key, { short, value, parse }] of Object.entries(flags)) {
    const option = new Option(`${short === undefined ? '' : `${short}, `}${longOf(key)}${value === undefined ? '' : ` <${value}>`}`);
    if (parse) option.argParser((text: string, before: unknown) => parse(text, before));
    target.addOption(option);
  }
}

/** All flags that stand in a help. */
export function flagsIn<B extends Body>(body: B): FlagsIn<B> & Flags {
  return Object.assign({}, ...body.filter((part) => typeof part !== 'string'));
}

/** One of the second words of a command. */
export interface Part {
  readonly name: string;
  /** Its line in the help that all parts share. */
  readonly line: string;
  declare(group: Command, invocation: Invocation): void;
}

export interface PartRow<F extends Flags> {
  readonly name: string;
  /** What help calls its argument, where it takes one. */
  readonly argument?: string;
  readonly about: string;
  readonly flags: F;
  run(values: Values<F>, invocation: Invocation, argument: string): Promise<number>;
}

/** A part of a group. */
export function part<F extends Flags>({ name, argument, about, flags, run }: PartRow<F>): Part {
  return {
    name,
    line: `  ${(argument === undefined ? name : `${name} ${argument}`).padEnd(PART_WIDTH)}${about}`,
    declare(group, invocation) {
      const declared = declareBelow(group, name, group.helpInformation());
      addFlags(declared, flags);
      if (argument !== undefined) declared.argument('<id>');
      declared.action(async (given: unknown) => {
        const values = valuesOf(flags, declared.opts() as Written<F>);
        invocation.finish(await run(values, invocation, argument === undefined ? '' : String(given)));
      });
    },
  };
}

const PART_WIDTH = 18;

/** A command that is the first of two words; alone it prints its help. */
export function group({ name, parts, ...row }: Help<Body> & { readonly name: string; readonly parts: readonly Part[] }): CommandRow {
  const names = parts.map((each) => each.name);
  const help = renderHelp({ ...row, body: ['Commands', ...parts.map(({ line }) => line), 'Flags', ...row.body] }, PART_WIDTH);
  return {
    name,
    help,
    declare(program, invocation) {
      const declared = declareBelow(program, name, help).argument('[words...]').helpCommand(false);
      declared.hook('preSubcommand', () => refuseServer(name, invocation));
      declared.action(([word]: readonly string[]) => {
        if (word !== undefined)
          throw new UsageError(`unknown command "${name} ${word}"`, didYouMean(word, names) ?? `see "intercept ${name} --help"`);
        invocation.terminal.err(help);
        invocation.finish(EXIT.usage);
      });
      for (const each of parts) each.declare(declared, invocation);
    },
  };
}
