/** Parts of a text, and which of them may be hidden. */

/** `sure`: it is a credential by its own shape. Else its surroundings say so, and those are whoever's who wrote the text. */
export interface HiddenSpan {
  readonly start: number;
  readonly end: number;
  readonly sure: boolean;
  /** It is one of our own secrets. */
  readonly known?: true;
}

/** Characters that guesses may still hide of one text. */
export interface Budget {
  left: number;
}

/**
 * SECURITY: INVARIANT I12: whoever writes a text chooses what looks like a secret in it. Of what is hidden for its
 * surroundings alone, no more than this many characters.
 */
export const MOST_HIDDEN = 200;

/** Secrets are made of these. Other characters of passwords (`@!#%^`) join such runs, and are shown. */
const RUN = /[\w.~+/=-]+/y;
const JOINT = /[@!#%^]+(?=[\w.~+/=-])/y;
const STARTING_JOINT = /[@!#%^]*(?=[\w.~+/=-])/y;

/** A text that is one such token whole. */
export const TOKEN = /^[@!#%^]*[\w.~+/=-]+(?:[@!#%^]+[\w.~+/=-]+)*[@!#%^]*$/;

/** The runs of the token that begins at `at`; none where none does. */
export function readToken(text: string, at: number): readonly HiddenSpan[] {
  const spans: HiddenSpan[] = [];
  for (let joint = STARTING_JOINT, start = at; ; joint = JOINT) {
    start = endOf(joint, text, start) ?? text.length;
    const end = endOf(RUN, text, start);
    if (end === undefined) return spans;
    spans.push({ start, end, sure: isRandom(text.slice(start, end)) });
    start = end;
  }
}

/** Where a sticky pattern ends that matches at `at`. */
export function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

const SHORTEST_RANDOM = 20;

/**
 * Answers whether letters and digits follow each other as only a generator mixes them: nothing to be read, or run, is
 * spelled so.
 * SECURITY: `dRoP+tAbLe+uSeRs` changes as often, but has the marks of words between its letters, and few digits.
 */
export function isRandom(text: string): boolean {
  if (text.length < SHORTEST_RANDOM) return false;
  const { digits, marks, changes } = countKinds(text);
  return changes * 4 >= text.length && digits * 16 >= text.length && marks * 8 <= text.length;
}

function countKinds(text: string): { readonly digits: number; readonly marks: number; readonly changes: number } {
  let [digits, marks, changes, before] = [0, 0, 0, kindAt(text, 0)];
  for (let i = 0; i < text.length; i++) {
    const kind = kindAt(text, i);
    if (kind === 1) digits++;
    if (kind === 4) marks++;
    if (kind !== before) changes++;
    before = kind;
  }
  return { digits, marks, changes };
}

function kindAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  if (code >= 48 && code <= 57) return 1;
  if (code >= 65 && code <= 90) return 2;
  return code >= 97 && code <= 122 ? 3 : 4;
}

/** In order and without overlaps; guesses as far as the budget goes. */
export function allowed(spans: readonly HiddenSpan[], budget: Budget): readonly HiddenSpan[] {
  const result: HiddenSpan[] = [];
  let from = 0;
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const start = Math.max(span.start, from);
    const end = span.sure ? span.end : Math.min(span.end, start + budget.left);
    if (end <= start) continue;
    if (!span.sure) budget.left -= end - start;
    result.push({ ...span, start, end });
    from = end;
  }
  return result;
}
