/** Reads the name of a tool, or a value of an argument that chooses an action: its words, and the verbs among them. */
import { compoundOf, isFiller, isNounToo, kindOf } from './lookup.ts';
import { REFINEMENTS, type VerbKind } from './words.ts';

/** Names are short; what is longer is not read to its end. */
export const MAX_NAME = 512;

export interface FoundVerb {
  readonly verb: string;
  readonly kind: VerbKind;
}

export interface NameReading {
  readonly words: readonly string[];
  readonly verbs: readonly FoundVerb[];
}

/** The words of a name: split at marks and at camel case, versions left out, nouns of two words joined. */
export function splitName(name: string): readonly string[] {
  const spaced = name
    .slice(0, MAX_NAME)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase();
  return joinCompounds(spaced.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '' && !/^v?\d+$/.test(word)));
}

/** Joins the nouns of two words. */
export function joinCompounds(words: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const compound = compoundOf(words[at] ?? '', words[at + 1] ?? '');
    joined.push(compound ?? words[at] ?? '');
    if (compound) at++;
  }
  return joined;
}

/** The words that begin most names of a server, as its product's name does. A verb is never one. */
export function sharedPrefix(names: readonly (readonly string[])[]): readonly string[] {
  const prefix: string[] = [];
  let rest = names;
  while (rest.length >= MIN_SHARING && prefix.length < MAX_PREFIX) {
    const word = mostCommon(rest.map((words) => words[prefix.length] ?? ''));
    const sharing = rest.filter((words) => words[prefix.length] === word && words.length > prefix.length + 1);
    if (sharing.length * 2 <= names.length || word === '' || kindOf(word) !== undefined) break;
    prefix.push(word);
    rest = sharing;
  }
  return prefix;
}

const MIN_SHARING = 3;
const MAX_PREFIX = 4;

function mostCommon(words: readonly string[]): string {
  const counts = new Map<string, number>();
  let best = '';
  for (const word of words) {
    const count = (counts.get(word) ?? 0) + 1;
    counts.set(word, count);
    if (count > (counts.get(best) ?? 0)) best = word;
  }
  return best;
}

/** The words of a name without the server's prefix. */
export function withoutPrefix(words: readonly string[], prefix: readonly string[]): readonly string[] {
  let at = 0;
  while (at < prefix.length && at < words.length - 1 && words[at] === prefix[at]) at++;
  return words.slice(at);
}

/** Finds the verbs of a name: the one that leads it, else those within. */
export function readName(words: readonly string[]): NameReading {
  const start = Math.max(
    0,
    words.findIndex((word) => !isFiller(word)),
  );
  const lead = words[start] ?? '';
  const places = kindOf(lead) === undefined ? placesWithin(words) : placesAfter(words, start);
  const verbs = places.map((place) => refineVerb(words[place] ?? '', words.toSpliced(place, 1)));
  return { words, verbs };
}

/** The verb that leads, those that `and` or `or` joins to it, and one at the end where the first may be a noun. */
function placesAfter(words: readonly string[], start: number): readonly number[] {
  const places = [start];
  for (let at = start + 2; at < words.length; at++) {
    const isJoined = JOINERS.has(words[at - 1] ?? '') && (isSure(words[at]) || kindOf(words[at] ?? '') === 'Financial');
    if (isJoined) places.push(at);
  }
  const mayEnd = isNounToo(words[start] ?? '') ? endsActing(words, start) : isFinal(words.at(-1));
  if (words.length > start + 1 && mayEnd) places.push(words.length - 1);
  return [...new Set(places)];
}

/** A name that begins with what may be a noun (`list`, `report`) may end with its verb. */
function endsActing(words: readonly string[], start: number): boolean {
  const last = words.at(-1) ?? '';
  const kind = kindOf(last);
  const isMoney = kind === 'Financial' && isNounToo(last);
  const first = words[start] ?? '';
  return kind !== undefined && !isMoney && (isSure(last) || (kindOf(first) === 'Read' && !LISTING.has(first) && kind === 'Execute'));
}

const JOINERS: ReadonlySet<string> = new Set(['and', 'or', 'then', 'with']);

/** Noun first: the first verb that is no noun, and one at the end; else the first that may be a noun. */
function placesWithin(words: readonly string[]): readonly number[] {
  const verbs = [...words.keys()].filter((at) => kindOf(words[at] ?? '') !== undefined);
  const first = verbs.find((at) => isSure(words[at]));
  if (first === undefined && LISTING.has(words.at(-1) ?? '')) return [words.length - 1];
  if (first === undefined) return verbs.filter((at) => kindOf(words[at] ?? '') !== 'Read' || LISTING.has(words[at] ?? '')).slice(0, 1);
  const last = words.length - 1;
  const isReading = kindOf(words[first] ?? '') === 'Read' && !isFinal(words[last]);
  return !isReading && last !== first && isSure(words[last]) ? [first, last] : [first];
}

/** Of verbs that may be nouns, those that speak of reading within a name; `profile` or `status` alone do not. */
const LISTING: ReadonlySet<string> = new Set(['list', 'search', 'query', 'view', 'lookup', 'check']);

/** Verbs that destroy count at the end of any name. */
function isFinal(word: string | undefined): boolean {
  return isSure(word) && kindOf(word ?? '') === 'Destructive';
}

function isSure(word: string | undefined): boolean {
  return word !== undefined && kindOf(word) !== undefined && !isNounToo(word);
}

/** The class of the verb with the words beside it. */
export function refineVerb(verb: string, others: readonly string[]): FoundVerb {
  const row = REFINED.find(
    ({ verbs, nouns }) =>
      verbs.has(verb) && (nouns.has('*') || others.some((word) => nouns.has(word) || word.split('_').some((part) => nouns.has(part)))),
  );
  return { verb, kind: row?.kind ?? kindOf(verb) ?? 'Doubt' };
}

const REFINED = REFINEMENTS.map(({ verbs, nouns, kind }) => ({
  verbs: new Set(verbs.split(/\s+/)),
  nouns: new Set(nouns.split(/\s+/)),
  kind,
}));
