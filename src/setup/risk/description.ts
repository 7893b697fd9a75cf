/** Reads the description of a tool: the verbs of the sentence that says what it does, and phrases of the table. */
import { isNounToo, kindOf, phrasesOf, verbOf, wordsOf } from './lookup.ts';
import { type FoundVerb, joinCompounds, refineVerb } from './name.ts';
import { CHECKERS, FOREIGN, IN_PROSE, LEADS, NAMES_ONLY, SIGNS, type Sign } from './words.ts';

/** INVARIANT I11: so much of a description is read, characters; the rest is doubt. */
const MAX_TEXT = 48 * 1024;
const MAX_SENTENCES = 8;
const MAX_HEADS = 12;
/** Words among which it must say what the tool does. */
const MAX_LEAD = 400;

export interface FoundSign {
  readonly sign: Sign;
  readonly phrase: string;
  /** The number of words before it. */
  readonly at: number;
}

export interface DescriptionReading {
  /** The verbs of the first sentence that has any; the first comes first. */
  readonly heads: readonly FoundVerb[];
  readonly signs: readonly FoundSign[];
  /** It speaks of a check, a scan or a report in its first words. */
  readonly checks: boolean;
  readonly complete: boolean;
}

/** Reads a text in one pass. The nouns of the tool's name decide what its verbs mean. */
export function readDescription(text = '', nouns: readonly string[] = []): DescriptionReading {
  const tokens = tokensOf(text.slice(0, MAX_TEXT));
  const heads = headsOf(joinCompounds(tokens.slice(0, MAX_LEAD)));
  return {
    heads: heads.map((verb) => refineVerb(verb, nouns)),
    signs: signsOf(tokens),
    checks: tokens.slice(0, MAX_CHECK).some((token) => CHECKING.has(token)),
    complete: text.length <= MAX_TEXT,
  };
}

const OURS: ReadonlyMap<string, string> = new Map(
  phrasesOf(FOREIGN).map((pair) => {
    const [theirs = '', ours = ''] = pair.split(' ');
    return [theirs, ours];
  }),
);
const SCRIPT = new RegExp([...OURS.keys()].join('|'), 'g');
const END = '.';
const COMMA = ',';

/** Words in lower case; `.` ends a sentence, `,` stands for commas and slashes. */
function tokensOf(text: string): readonly string[] {
  const lower = text.toLowerCase();
  const isPlain = !/\P{ASCII}/u.test(lower);
  const marked = (isPlain ? lower : translate(lower)).replace(/[.!?:;\n(]+/g, ' . ').replace(/[,/|]+/g, ' , ');
  return marked
    .split(isPlain ? /[^a-z0-9+\-.,]+/ : /[^\p{L}\p{N}+\-.,]+/u)
    .map((token) => (token === END || token === COMMA ? token : token.replace(/^[.,-]+|[.,-]+$/g, '')))
    .filter((token) => token !== '');
}

/** Verbs of other scripts become ours: the first begins a sentence, and the others join it. */
function translate(text: string): string {
  let count = 0;
  return text
    .replace(/[。：！？]/g, ' . ')
    .replace(/[、，]/g, ' , ')
    .replaceAll('\u2019', ' ')
    .replace(SCRIPT, (word) => `${count++ === 0 ? ' . ' : ' , '}${OURS.get(word) ?? word} `);
}

const CHECKING = wordsOf(CHECKERS);
const MAX_CHECK = 20;
const LEADING = wordsOf(LEADS);
const STOP = wordsOf(NAMES_ONLY);

function headsOf(tokens: readonly string[]): readonly string[] {
  const heads: string[] = [];
  let start = 0;
  for (let sentence = 0; sentence < MAX_SENTENCES && start < tokens.length; sentence++) {
    const end = tokens.indexOf(END, start);
    const stop = end < 0 ? tokens.length : end;
    if (SECTIONS.has(tokens[start] ?? '')) break;
    heads.push(...headsIn(tokens.slice(start, stop)));
    if (heads.some((verb) => kindOf(verb) !== 'Doubt')) break;
    start = stop + 1;
  }
  return heads.slice(0, MAX_HEADS);
}

/** Headings after which it is told how, and no longer what. */
const SECTIONS: ReadonlySet<string> = new Set(['args', 'arguments', 'parameters', 'params', 'example', 'examples', 'usage']);

/** The verb that begins the sentence, or follows `to` or `will`, and those that `and`, `or` or a comma joins to it. */
function headsIn(words: readonly string[]): readonly string[] {
  const first = firstVerb(words);
  if (first === undefined) return [];
  const places = [first];
  for (let at = first + 1; at < words.length; at++) {
    if (JOINERS.has(words[at - 1] ?? '') && isVerb(words[at], places.at(-1) === at - 2)) places.push(at);
  }
  return places.flatMap((at) => MILDER.get(verbOf(words[at] ?? '') ?? '') ?? verbOf(words[at] ?? '') ?? []);
}

const MILDER: ReadonlyMap<string, string> = new Map(Object.entries(IN_PROSE));
const JOINERS: ReadonlySet<string> = new Set(['and', 'or', 'then', COMMA]);
const BEFORE: ReadonlySet<string> = new Set(['to', 'will', 'can', 'that', 'which']);

function firstVerb(words: readonly string[]): number | undefined {
  let start = 0;
  while (start < words.length && LEADING.has(words[start] ?? '')) start++;
  if (isVerb(words[start], true)) return start;
  const found = words.findIndex((word, at) => BEFORE.has(words[at - 1] ?? '') && isVerb(word, words[at - 1] === 'to'));
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
const NEVER: ReadonlySet<string> = new Set([
  'is',
  'has',
  'can',
  'are',
  'like',
  'status',
  'details',
  'info',
  'learn',
  'help',
  'see',
  'use',
  'step',
  'accept',
  'accepts',
  'support',
  'supports',
  'require',
  'requires',
  'tip',
]);

/** Every verb in a text, for a tool that does as it is told. */
export function verbsIn(text: string, nouns: readonly string[]): readonly FoundVerb[] {
  const tokens = joinCompounds(tokensOf(text.slice(0, MAX_TEXT)));
  const verbs = tokens.flatMap((token) => (isVerb(token, false) ? (verbOf(token) ?? []) : []));
  return [...new Set(verbs)].map((verb) => refineVerb(verb, nouns));
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
      if (!found.has(phrase) && words.every((word, offset) => tokens[at + offset] === word)) found.set(phrase, { sign, phrase, at });
    }
  }
  return [...found.values()];
}
