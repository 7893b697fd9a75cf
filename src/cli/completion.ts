/** `intercept completion`: what a shell offers at the Tab key, made from the commands and flags that there are (cli.md §1). */
import type { Command, Option } from 'commander';
import { EXIT, UsageError } from '../core/fault.ts';
import { didYouMean } from '../policy/nearest.ts';
import type { Terminal } from './terminal.ts';

const SHELLS = { bash: renderBash, zsh: renderZsh, fish: renderFish } as const;
/** Words that are no commands of their own. */
const MORE_WORDS = ['help', 'version'];

/** Prints the script of a shell. */
export function printCompletion(words: readonly string[], program: Command, terminal: Terminal): number {
  const [shell = '', more] = words;
  const known = Object.keys(SHELLS);
  if (!isShell(shell) || more !== undefined)
    throw new UsageError(
      words.length === 0 ? 'for which shell?' : `there is no completion for ${JSON.stringify(words.join(' '))}`,
      didYouMean(shell, known) ?? `write "intercept completion" and ${known.join(', ').replace(/, (?=\w+$)/, ' or ')}`,
    );
  terminal.out(SHELLS[shell](placesIn(program)).join('\n'));
  return EXIT.done;
}

function isShell(text: string): text is keyof typeof SHELLS {
  return Object.hasOwn(SHELLS, text);
}

/** One command, and what may follow its words. */
interface Place {
  /** `approvals list`; empty for the proxy. */
  readonly path: string;
  readonly words: readonly string[];
  readonly options: readonly Option[];
}

function placesIn(program: Command): readonly Place[] {
  const below = (command: Command, path: string): Place[] => [
    { path, words: path === 'completion' ? Object.keys(SHELLS) : command.commands.map((each) => each.name()), options: command.options },
    ...command.commands.flatMap((each) => below(each, `${path} ${each.name()}`.trim())),
  ];
  const [root, ...others] = below(program, '');
  return [{ path: '', options: root?.options ?? [], words: [...(root?.words ?? []), ...MORE_WORDS] }, ...others];
}

function namesOf({ short, long }: Option): readonly string[] {
  return [short, long].filter((name) => name !== undefined);
}

function takesFile({ flags }: Option): boolean {
  return /<(file|folder|json)>/.test(flags);
}

/** Where nothing is offered, the shell offers files: values, and all that follows `--`, which is the server's. */
function renderBash(places: readonly Place[]): readonly string[] {
  const moves = places.filter(({ path }) => path !== '').map(({ path }) => `      ${quoteAll([spaced(path)])}) at='${path}' ;;`);
  const values = places.flatMap(({ path, options }) =>
    options
      .filter(({ required }) => required)
      .map((option) => {
        const patterns = namesOf(option).map((name) => `${path}|${name}`);
        return `    ${quoteAll(patterns)}) words='${option.argChoices?.join(' ') ?? ''}'; isValue=1 ;;`;
      }),
  );
  const words = places.map(
    ({ path, words, options }) => `      '${path}') words='${words.join(' ')}' flags='${longNames(options).join(' ')}' ;;`,
  );
  return [
    '# Completion of intercept. In bash: source <(intercept completion bash)',
    '_intercept() {',
    `  local cur="${wordAt('COMP_CWORD')}" prev="${wordAt('COMP_CWORD-1')}" at="" words="" flags="" isValue="" word i`,
    '  COMPREPLY=()',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    `    word="${wordAt('i')}"`,
    '    if [ "$word" = "--" ]; then return; fi',
    '    case "$at $word" in',
    ...moves,
    '    esac',
    '  done',
    '  case "$at|$prev" in',
    ...values,
    '  esac',
    '  if [ -z "$isValue" ]; then',
    '    case "$at" in',
    ...words,
    '    esac',
    '    case "$cur" in -*) words="$flags" ;; esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    'complete -o default -F _intercept intercept',
  ];
}

function renderZsh(places: readonly Place[]): readonly string[] {
  const [, ...rest] = renderBash(places);
  return [
    '#compdef intercept',
    '# Completion of intercept. In zsh, after compinit: source <(intercept completion zsh)',
    'autoload -U +X bashcompinit && bashcompinit',
    ...rest,
  ];
}

function renderFish(places: readonly Place[]): readonly string[] {
  const first = places[0]?.words.join(' ') ?? '';
  const lines = places.flatMap(({ path, words, options }) => {
    const seen = path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
    const when = path === '' ? `not __fish_seen_subcommand_from ${first}` : seen.join('; and ');
    // Of the words of a group, one is enough.
    const still = path === '' || words.length === 0 ? when : `${when}; and not __fish_seen_subcommand_from ${words.join(' ')}`;
    const offered = words.map((word) => `complete -c intercept -f -n '${still}' -a ${word}`);
    return [...offered, ...options.map((option) => renderFishOption(option, when))];
  });
  return ['# Completion of intercept. In fish: intercept completion fish | source', ...lines];
}

function renderFishOption(option: Option, when: string): string {
  const { short, long, required, argChoices, description } = option;
  const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long?.slice(2)}`;
  const value = !required ? '' : argChoices ? ` -x -a '${argChoices.join(' ')}'` : takesFile(option) ? ' -r -F' : ' -x';
  return `complete -c intercept -n '${when}'${names}${value}${description ? ` -d '${description.replaceAll("'", "\\'")}'` : ''}`;
}

function longNames(options: readonly Option[]): readonly string[] {
  return [...options.flatMap(({ long }) => long ?? []), '--help'];
}

/** One word of what is typed, in the shell's own writing. */
function wordAt(index: string): string {
  return `$\{COMP_WORDS[${index}]}`;
}

/** `approvals list` is reached from `approvals` by `list`. */
function spaced(path: string): string {
  return path.includes(' ') ? path : ` ${path}`;
}

function quoteAll(patterns: readonly string[]): string {
  return patterns.map((pattern) => `'${pattern}'`).join('|');
}
