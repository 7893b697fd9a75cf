/** Marks beside the class: it returns secrets, it is one of many small steps, it takes the name of another tool. */
import { playsRole } from './arguments.ts';
import type { Risk } from './classes.ts';
import type { DescriptionReading } from './description.ts';
import { wordsOf } from './lookup.ts';
import type { FoundVerb } from './name.ts';
import type { Argument } from './schema.ts';
import { NOT_SECRET, SECRET_NOUNS, STEP_NOUNS } from './words.ts';

const SECRETS = wordsOf(SECRET_NOUNS);
const HARMLESS = wordsOf(NOT_SECRET);
const EDITED = wordsOf(STEP_NOUNS);

/** Verbs that hand out what they name. */
const HANDING: ReadonlySet<string> = new Set(
  'get show read fetch retrieve describe view display find list export download create generate mint issue rotate reveal add'.split(' '),
);

/** True where the answer holds secrets: by the nouns of the name, or as the description says. */
export function handsOutSecrets(words: readonly string[], verbs: readonly FoundVerb[], { signs }: DescriptionReading): boolean {
  if (words.includes('reveal') || signs.some(({ sign }) => sign.kind === 'secret')) return true;
  const hands = verbs.length === 0 || verbs.some(({ verb }) => HANDING.has(verb));
  return hands && words.some((word) => SECRETS.has(word)) && !words.some((word) => HARMLESS.has(word));
}

/** True for a browser's steps, edits of local files and notes, and queries. */
export function isStep(risk: Risk, words: readonly string[], args: readonly Argument[], isBrowser: boolean): boolean {
  if (risk === 'Execute') return isBrowser || args.some((argument) => playsRole(argument, 'statement') || isQuery(argument, words));
  if (risk !== 'Write' || !words.some((word) => EDITED.has(word))) return false;
  const isFile = words.some((word) => FILES.has(word));
  const near = args.filter(({ depth }) => depth === 1);
  return !isFile || (near.some((argument) => playsRole(argument, 'path')) && !near.some((argument) => playsRole(argument, 'remote')));
}

const FILES: ReadonlySet<string> = new Set(['file', 'files', 'block', 'lines', 'text', 'cell', 'cells']);

function isQuery(argument: Argument, words: readonly string[]): boolean {
  return playsRole(argument, 'query') && words.some((word) => word === 'query' || word === 'sql' || word === 'cypher');
}

/** Names of tools that call others. */
const CALLER = /(?:^|[_.\-/])(?:call|invoke|execute|exec|run|use|dispatch|proxy)[_-]?(?:mcp[_-]?)?tools?$/i;

/** True where another tool's name is an argument, or the name says that it calls one. */
export function callsOthers(name: string, risk: Risk, args: readonly Argument[]): boolean {
  if (CALLER.test(name)) return true;
  // A reading tool filters by it.
  return (
    risk !== 'Read' &&
    args.some((argument) => argument.depth === 1 && argument.values.length === 0 && playsRole(argument, 'tool') && takesText(argument))
  );
}

function takesText({ types }: Argument): boolean {
  return types.length === 0 || types.includes('string');
}
