/** Reads the description of a tool: the verbs of the sentence that says what it does, and phrases of the table. */
import { isNounToo, kindOf, phrasesOf, verbOf, wordsOf } from './lookup.ts';
import type { FoundVerb } from './name.ts';
import { FOREIGN, LEADS, NAMES_ONLY, SIGNS, type Sign } from './words.ts';

/** INVARIANT I11: so much of a description is read, characters; the rest is doubt. */
const MAX_TEXT = 48 * 1024;
const MAX_SENTENCES = 8;
const MAX_HEADS = 12;

export interface FoundSign {
  readonly sign: Sign;
  readonly phrase: string;
}

export interface DescriptionReading {
  /** The verbs of the first sentence that has any; the first comes first. */
  readonly heads: readonly FoundVerb[];
  readonly signs: readonly FoundSign[];
  /** Every verb in it, for a tool that does as it is told. */
  readonly verbs: readonly FoundVerb[];
  readonly complete: boolean;
}

/** Reads a text in one pass. */
export function readDescription(text = ''): DescriptionReading {
  const tokens = tokensOf(text.slice(0, MAX_TEXT));
  return { heads: headsOf(tokens), signs: signsOf(tokens), verbs: verbsOf(tokens), complete: text.length <= MAX_TEXT };
}

const SCRIPT = new RegExp(Object.keys(FOREIGN).join('|'), 'g');
const END = '.';
const COMMA = ',';

/** Words in lower case; `.` ends a sentence, `,` stands for commas and slashes. */
function tokensOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .replace(SCRIPT, (word) => ` ${FOREIGN[word] ?? word} `)
    .replace(/[.!?:;\n。：，！(]+/g, ' . ')
    .replace(/[,/、|]+/g, ' , ')
    .replace(/\u2019/g, ' ')
    .split(/[^\p{L}\p{N}+\-.,]+/u)
    .map((token) => (token === END || token === COMMA ? token : token.replace(/^[.,-]+|[.,-]+$/g, '')))
    .filter((token) => token !== '');
}

const LEADING = wordsOf(LEADS);
const STOP = wordsOf(NAMES_ONLY);

function headsOf(tokens: readonly string[]): readonly FoundVerb[] {
  const heads: FoundVerb[] = [];
  let start = 0;
  for (let sentence = 0; sentence < MAX_SENTENCES && start < tokens.length; sentence++) {
    const end = tokens.indexOf(END, start);
    const stop = end < 0 ? tokens.length : end;
    heads.push(...headsIn(tokens.slice(start, stop)));
    if (heads.some(({ kind }) => kind !== 'Doubt')) break;
    start = stop + 1;
  }
  return heads.slice(0, MAX_HEADS);
}

/** The verb that begins the sentence, or follows `to` or `will`, and those that `and`, `or` or a comma joins to it. */
function headsIn(words: readonly string[]): readonly FoundVerb[] {
  const first = firstVerb(words);
  if (first === undefined) return [];
  const places = [first];
  for (let at = first + 1; at < words.length; at++) {
    if (JOINERS.has(words[at - 1] ?? '') && isVerb(words[at], false)) places.push(at);
  }
  return places.flatMap((at) => foundAt(words, at));
}

const JOINERS: ReadonlySet<string> = new Set(['and', 'or', 'then', COMMA]);
const BEFORE: ReadonlySet<string> = new Set(['to', 'will', 'can', 'that', 'which']);

function firstVerb(words: readonly string[]): number | undefined {
  let start = 0;
  while (start < words.length && LEADING.has(words[start] ?? '')) start++;
  if (isVerb(words[start], true)) return start;
  const found = words.findIndex((word, at) => BEFORE.has(words[at - 1] ?? '') && isVerb(word, false));
  return found < 0 ? undefined : found;
}

/** At the start of a sentence nouns that are verbs too count as verbs. */
function isVerb(word: string | undefined, isStart: boolean): boolean {
  if (word === undefined) return false;
  const verb = verbOf(word);
  if (verb === undefined) return false;
  return isStart ? !NEVER.has(word) : !isNounToo(verb) && !STOP.has(verb);
}

/** Words that begin a sentence, and are no verbs there. */
const NEVER: ReadonlySet<string> = new Set(['is', 'has', 'can', 'are', 'like', 'status', 'details', 'info', 'learn', 'help', 'see', 'use']);

function foundAt(words: readonly string[], at: number): readonly FoundVerb[] {
  const verb = verbOf(words[at] ?? '');
  const kind = verb === undefined ? undefined : kindOf(verb);
  return verb === undefined || kind === undefined ? [] : [{ verb, kind }];
}

function verbsOf(tokens: readonly string[]): readonly FoundVerb[] {
  const found = new Map<string, FoundVerb>();
  for (const [at, token] of tokens.entries()) {
    if (!isVerb(token, false)) continue;
    for (const verb of foundAt(tokens, at)) found.set(verb.verb, verb);
  }
  return [...found.values()];
}

interface Phrase {
  readonly sign: Sign;
  readonly phrase: string;
  readonly words: readonly string[];
}

/** Phrases by their first words. */
const PHRASES: ReadonlyMap<string, readonly Phrase[]> = Map.groupBy(
  SIGNS.flatMap((sign) => phrasesOf(sign.phrases).map((phrase) => ({ sign, phrase, words: phrase.split(' ') }))),
  ({ words }) => words[0] ?? '',
);

function signsOf(tokens: readonly string[]): readonly FoundSign[] {
  const found = new Map<string, FoundSign>();
  for (const [at, token] of tokens.entries()) {
    for (const { sign, phrase, words } of PHRASES.get(token) ?? []) {
      if (words.every((word, offset) => tokens[at + offset] === word)) found.set(phrase, { sign, phrase });
    }
  }
  return [...found.values()];
}
