/** The table of words, ready to be looked up in: built once, read only. */
import { COMPOUNDS, FILLERS, NOUNS_TOO, VERBS, type VerbKind } from './words.ts';

/** Splits a row of the table. */
export function wordsOf(row: string): ReadonlySet<string> {
  return new Set(row.split(/\s+/).filter((word) => word !== ''));
}

/** Splits a row of phrases, parted by commas. */
export function phrasesOf(row: string): readonly string[] {
  return row.split(',').map((phrase) => phrase.trim().replace(/\s+/g, ' '));
}

const ORDER: readonly VerbKind[] = ['Read', 'Doubt', 'Write', 'Execute', 'Financial', 'Destructive'];

const KINDS: ReadonlyMap<string, VerbKind> = new Map(ORDER.flatMap((kind) => Array.from(wordsOf(VERBS[kind]), (verb) => [verb, kind])));
const NOUNISH = wordsOf(NOUNS_TOO);
const FILLING = wordsOf(FILLERS);
const SECONDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Array.from(
    Map.groupBy(phrasesOf(COMPOUNDS), (phrase) => phrase.split(' ')[0] ?? ''),
    ([first, phrases]) => [first, new Set(phrases.map((phrase) => phrase.split(' ')[1] ?? ''))],
  ),
);

/** The class of a verb by itself; undefined where the word is none. */
export function kindOf(word: string): VerbKind | undefined {
  return KINDS.get(word);
}

/** True for verbs that are as often nouns. */
export function isNounToo(word: string): boolean {
  return NOUNISH.has(word);
}

/** True for words that say nothing before a verb. */
export function isFiller(word: string): boolean {
  return FILLING.has(word);
}

/** The noun that two words are together; undefined where they are none. */
export function compoundOf(first: string, second: string): string | undefined {
  return SECONDS.get(first)?.has(second) ? `${first}_${second}` : undefined;
}

/** The verb that a form in prose belongs to (`deletes`, `deleting`); undefined where it is none, or a participle. */
export function verbOf(form: string): string | undefined {
  if (KINDS.has(form)) return form;
  return /s$|ing$/.test(form) ? formsOf(form).find((word) => KINDS.has(word)) : undefined;
}

function formsOf(form: string): readonly string[] {
  const forms: string[] = [];
  if (form.endsWith('ies')) forms.push(`${form.slice(0, -3)}y`);
  if (form.endsWith('es')) forms.push(form.slice(0, -2));
  if (form.endsWith('s')) forms.push(form.slice(0, -1));
  if (form.endsWith('ing')) {
    const stem = form.slice(0, -3);
    forms.push(stem, `${stem}e`, stem.slice(0, -1));
  }
  return forms;
}
