/** Makes commands of tables: help and parser both come from a command's flags, which are its rows. */
import { type Command, Option } from 'commander';
import { EXIT, UsageError } from '../../core/fault.ts';
import { didYouMean } from '../../policy/nearest.ts';
import type { Terminal } from '../terminal.ts';
import { type Flags, longOf, type Values, valuesOf, type Written } from './flags.ts';
import { type Help, type HelpBody, renderHelp } from './help.ts';

type Intersection<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;
/** The flags that stand in a help. */
export type FlagsIn<B extends HelpBody> = Intersection<Exclude<B[number], string>>;

/** A command runs with these beside its flags. */
export interface Invocation {
  readonly terminal: Terminal;
  /** The words after `--`. */
  readonly server: readonly string[] | undefined;
  finish(status: number): void;
}

/** One command: its row in the table of commands. */
export interface CommandRow {
  readonly name: string;
  readonly help: string;
  /** Further pages of help, by what `intercept help` calls them. */
  readonly pages?: Readonly<Record<string, string>>;
  declare(program: Command, invocation: Invocation): void;
}

export interface CommandSource<B extends HelpBody> extends Help<B> {
  readonly name: string;
  /** Where what a flag does begins in help. */
  readonly width?: number;
  /** Its words, such as `[files...]`, where it takes any. */
  readonly argument?: string;
  /** A server's command may follow. */
  readonly takesServer?: boolean;
  run(values: Values<FlagsIn<B>>, args: readonly string[], invocation: Invocation & { readonly program: Command }): Promise<number>;
}

/** A command of one word. */
export function command<const B extends HelpBody>(row: CommandSource<B>): CommandRow {
  const { name, argument, takesServer, run } = row;
  const help = renderHelp(row, row.width);
  return {
    name,
    help,
    declare(program, invocation) {
      const declared = declareBelow(program, name, help).argument('[words...]');
      const flags = flagsIn(row.body);
      addFlags(declared, flags);
      declared.action(async (args: readonly string[]) => {
        if (!takesServer) refuseServer(name, invocation);
        if (argument === undefined) refuseWords(name, args, flags);
        const written = writtenOf(program, declared, flags, name);
        invocation.finish(await run(valuesOf(flags, written as Written<Flags>) as Values<FlagsIn<B>>, args, { ...invocation, program }));
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

function refuseWords(name: string, [word]: readonly string[], flags: Flags): void {
  if (word === undefined) return;
  const help = 'config' in flags ? `a policy is named with "-c": intercept ${name} -c policy.yaml` : `see "intercept ${name} --help"`;
  throw new UsageError(`"${name}" takes no ${JSON.stringify(word)}`, help);
}

/** All that was written, also before the command's name: a flag without effect would look as if it had one. */
export function writtenOf(program: Command, declared: Command, flags: Flags, name: string): Record<string, unknown> {
  const [before, own] = [program.opts(), declared.opts()];
  for (const key of Object.keys(before)) {
    if (!(key in flags)) throw new UsageError(`${longOf(key)} is no flag of "${name}"`, `remove it; see "intercept ${name} --help"`);
    if (own[key] !== undefined) throw givenTwice(key);
  }
  return { ...before, ...own };
}

function givenTwice(key: string): UsageError {
  return new UsageError(`${longOf(key)} is given twice`, 'remove one of them');
}

/** Adds what a table has. */
export function addFlags(target: Command, flags: Flags): void {
  for (const [key, { short, value, about, parse, choices, isRepeatable }] of Object.entries(flags)) {
    const option = new Option(
      `${short === undefined ? '' : `${short}, `}${longOf(key)}${value === undefined ? '' : ` <${value}>`}`,
      about ?? '',
    );
    // `--no-scan` is a flag of its own, and no way to take `--scan` back.
    option.negate = false;
    if (choices) option.choices(choices);
    if (parse) option.argParser((text: string, before: unknown) => parse(text, before));
    target.addOption(option);
    let isWritten = false;
    target.on(`option:${option.name()}`, () => {
      // The last of two would win in silence.
      if (isWritten && !isRepeatable) throw givenTwice(key);
      isWritten = true;
    });
  }
}

/** All flags that stand in a help. */
export function flagsIn<B extends HelpBody>(body: B): FlagsIn<B> & Flags {
  return Object.assign({}, ...body.filter((part) => typeof part !== 'string'));
}

/** One of the second words of a command. */
export interface Part {
  readonly name: string;
  /** Its line in the help that all parts share. */
  readonly line: string;
  /** A server's command may follow. */
  readonly takesServer: boolean;
  declare(group: Command, invocation: Invocation): void;
}

export interface PartRow<F extends Flags> {
  readonly name: string;
  /** The name of its argument in help, where it takes one; in brackets where it may be left out. */
  readonly argument?: string;
  readonly takesServer?: boolean;
  readonly about: string;
  readonly flags: F;
  run(values: Values<F>, invocation: Invocation, argument: string): Promise<number>;
}

/** A part of a group. */
export function part<F extends Flags>({ name, argument, takesServer = false, about, flags, run }: PartRow<F>): Part {
  const words = [name, ...(argument === undefined ? [] : [argument]), ...(takesServer ? ['-- COMMAND…'] : [])];
  return {
    name,
    line: `  ${words.join(' ').padEnd(PART_WIDTH)}${about}`,
    takesServer,
    declare(group, invocation) {
      const declared = declareBelow(group, name, group.helpInformation());
      addFlags(declared, flags);
      declared.argument('[words...]');
      declared.action(async (words: readonly string[]) => {
        const whole = `${group.name()} ${name}`;
        const word = argument === undefined ? refuseWords(whole, words, flags) : oneOf(whole, argument, words);
        const written = writtenOf(group.parent ?? group, declared, flags, whole);
        invocation.finish(await run(valuesOf(flags, written as Written<F>), invocation, word ?? ''));
      });
    },
  };
}

function oneOf(name: string, argument: string, words: readonly string[]): string | undefined {
  const [word, more] = words;
  if (word === undefined && argument.startsWith('[')) return undefined;
  if (word === undefined) throw new UsageError(`"${name}" needs the ${argument}`, `write "intercept ${name} ${argument}"`);
  if (more !== undefined) throw new UsageError(`"${name}" takes one ${argument}, and got ${words.length}`, 'write one after the other');
  return word;
}

const PART_WIDTH = 18;

/** A command that is the first of two words; alone it prints its help. */
export function group({ name, parts, ...row }: Help<HelpBody> & { readonly name: string; readonly parts: readonly Part[] }): CommandRow {
  const names = parts.map((each) => each.name);
  const help = renderHelp({ ...row, body: ['Commands', ...parts.map(({ line }) => line), 'Flags', ...row.body] }, PART_WIDTH);
  return {
    name,
    help,
    declare(program, invocation) {
      const declared = declareBelow(program, name, help).argument('[words...]').helpCommand(false);
      declared.hook('preSubcommand', (_, called) => {
        if (!parts.some((each) => each.takesServer && each.name === called.name())) refuseServer(name, invocation);
      });
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
