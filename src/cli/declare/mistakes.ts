/** Mistakes on the command line in our words: what is wrong, and what to write instead (cli.md §1). */
import type { Command, CommanderError } from 'commander';
import { UsageError } from '../../core/fault.ts';
import { didYouMean } from '../../policy/nearest.ts';

/** Words that other programs have for what the proxy does without one. */
const STARTING = ['run', 'start', 'serve', 'proxy', 'listen'];

/** A word that is no command: a misspelt one, the second word of one, or a server's command without `--`. */
export function unknownWord(word: string, program: Command): UsageError {
  const names = program.commands.map((command) => command.name());
  const near = didYouMean(word, [...names, 'help', 'version']);
  const group = program.commands.find(({ commands }) => commands.some((part) => part.name() === word));
  return new UsageError(`unknown command ${JSON.stringify(word)}`, helpFor(word, near, group?.name()));
}

function helpFor(word: string, near: string | undefined, group: string | undefined): string {
  if (group !== undefined) return `did you mean "intercept ${group} ${word}"?`;
  if (STARTING.includes(word)) return 'the proxy needs no word: intercept -c policy.yaml -- COMMAND; see "intercept --help"';
  return near ?? dashesBefore(word);
}

/** SECURITY: not the rest of the line, which may hold secrets: clients keep what we print. */
function dashesBefore(word: string): string {
  return `a server's command stands after "--": intercept -c policy.yaml -- ${word.includes(' ') ? JSON.stringify(word) : word} …`;
}

/** A word after `scan` that is no flag. */
export function serverWord(word: string): UsageError {
  return new UsageError(`"scan" takes no ${JSON.stringify(word)}`, `a server's command stands after "--": intercept scan -- ${word} …`);
}

/** Says what the parser found wrong with these arguments. */
export function mistakeOf(error: CommanderError, program: Command, own: readonly string[]): UsageError {
  const { command, name, word } = commandIn(program, own);
  const seeHelp = `see "${name} --help"`;
  const text = error.message.replace(/^error: /, '');
  switch (error.code) {
    case 'commander.unknownOption': {
      const flag = /'([^'=]*)/.exec(text)?.[1] ?? '';
      // Where a word of the server's stands before it, it is the server's flag.
      if (command === program && word !== undefined) return unknownWord(word, program);
      if (command.name() === 'scan' && word !== undefined) return serverWord(word);
      return new UsageError(`unknown flag "${flag}"`, didYouMean(flag, flagsOf(command)) ?? didYouMean(flag, flagsOf(program)) ?? seeHelp);
    }
    case 'commander.optionMissingArgument':
      return new UsageError(`${flagIn(text)} needs a value`, `write "${/'(?:-\w, )?(--[^']*)'/.exec(text)?.[1] ?? flagIn(text)}"`);
    case 'commander.invalidArgument': {
      const [, value = '', help = seeHelp] = / argument '([\s\S]*)' is invalid\. ([\s\S]*)$/.exec(text) ?? [];
      return new UsageError(value === '' ? `${flagIn(text)} is empty` : `${flagIn(text)} cannot be ${JSON.stringify(value)}`, help);
    }
    default:
      return new UsageError(text.replace(/'([^']*)'/g, '"$1"').replace(/\.$/, ''), seeHelp);
  }
}

/** The long name of the flag that a message of the parser's is about. */
function flagIn(text: string): string {
  return /--[a-z][a-z-]*/.exec(text)?.[0] ?? 'the flag';
}

function flagsOf({ options }: Command): readonly string[] {
  return [...options.map(({ long }) => long ?? ''), '--help'];
}

interface CommandInLine {
  readonly command: Command;
  /** With the words before it. */
  readonly name: string;
  /** The first word that is neither a command nor a flag's value. */
  readonly word: string | undefined;
}

/** The command that arguments are for, as far as they can be read. */
function commandIn(program: Command, own: readonly string[]): CommandInLine {
  let [command, name] = [program, program.name()];
  for (let i = 0; i < own.length; i++) {
    const written = own[i] ?? '';
    if (written.startsWith('-')) {
      const option = command.options.find(({ short, long }) => written === short || written === long);
      if (option?.required) i++;
      if (!option && !written.includes('=')) return { command, name, word: undefined };
      continue;
    }
    const next = command.commands.find((each) => each.name() === written);
    if (!next) return { command, name, word: written };
    [command, name] = [next, `${name} ${written}`];
  }
  return { command, name, word: undefined };
}
