/**
 * A cheap look at a text that may name a file of Intercept's own (policy.md §5.1): most texts do not, and need no other.
 * No spelling that a server undoes gets past it.
 */
import { foldName } from './names.ts';
import { withoutEscapes } from './path-readings.ts';

/** What URL parsers leave out, also as JSON writes it. */
const ONE_LEFT_OUT = '(?:\\\\[tnr]|[\\0-\\x1f\\x7f])';
const LEFT_OUT = `${ONE_LEFT_OUT}*`;
const NOT_ASCII = /\P{ASCII}/u;
/** How often escapes may be escaped. */
const ROUNDS = 3;

/** The longest part of a name that JSON, URLs and case leave as it is; the empty one is in every text. */
function anchorOf(name: string): string {
  return (name.match(/[a-z0-9_][a-z0-9._~ -]*/g) ?? []).reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

/** The names that a path of ours cannot do without. */
export interface Hint {
  /** As they stand in a text in lower case of which nothing is left out: the platform's own search finds them. */
  readonly plain: readonly string[];
  /** As they stand in any. */
  readonly spelt: RegExp;
}

/** It is in every text. */
export const EVERY: Hint = { plain: [''], spelt: /(?:)/ };

/** Readies the hint for these names, in lower case. */
export function hintOf(names: readonly string[]): Hint {
  const anchors = names.map(anchorOf);
  const leading = `(?:${spelt('proc')}|${spelt('dev')})${LEFT_OUT}[/\\\\]`;
  return {
    plain: [...new Set([...anchors, 'proc/', 'proc\\', 'dev/', 'dev\\'])],
    spelt: new RegExp([...anchors.map(spelt), leading].join('|'), 'i'),
  };
}

function spelt(name: string): string {
  return Array.from(name, (one) => one.replace(/[.]/, '\\.')).join(LEFT_OUT);
}

/** A cheap look: linear, and most of it is the platform's own search. What is not ASCII may show nothing, and is left out. */
export function mayName(text: string, hint: Hint): boolean {
  let plain = NOT_ASCII.test(text) ? foldName(text).replace(BEYOND, '') : text;
  if (says(plain, hint)) return true;
  for (let round = 0; round < ROUNDS && plain.includes('%'); round++) {
    const next = withoutEscapes(plain);
    if (next === plain) return false;
    plain = next.replace(BEYOND, '');
    if (says(plain, hint)) return true;
  }
  return false;
}

const BEYOND = /\P{ASCII}+/gu;
const ANY_LEFT_OUT = new RegExp(ONE_LEFT_OUT);

function says(text: string, { plain, spelt: any }: Hint): boolean {
  if (ANY_LEFT_OUT.test(text)) return any.test(text);
  const lower = text.toLowerCase();
  return plain.some((name) => lower.includes(name));
}
