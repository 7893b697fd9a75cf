/** Regular expressions in RE2: linear time, whatever pattern and text. Loaded only where a policy or schema has some. */

import type { RE2JS } from 're2js';
import { type Newest, openNewest } from '../../core/newest.ts';
import { patternSize } from './pattern-size.ts';

/** A pattern that can be used. */
export interface Matcher {
  readonly ok: true;
  /** Finds the pattern in a text; undefined where that takes too much work. */
  readonly matches: (text: string) => boolean | undefined;
  /** The same within a budget. Throws `UnjudgeableError`. */
  readonly matchesWithin: (text: string, work: Work) => boolean;
}

/** A compiled pattern, or why RE2 refuses it. */
export type Regex = Matcher | { readonly ok: false; readonly why: string };

/** Compiles a pattern; `folded`, without regard to case. */
export type RegexCompiler = (pattern: string, folded?: boolean) => Regex;

/** SECURITY: RE2 bounds time per character of the text by the size of the pattern, so that is bounded too. */
const MAX_PATTERN = 10_000;
/** Of compiled patterns, the newest are kept: so many, and so many instructions (each is some 700 bytes). */
const KEPT = 256;
const KEPT_SIZE = 100_000;
/** Bytes of states, as RE2 counts them, that a pattern keeps from one text to the next. */
const KEPT_STATES = 2 * 1024 * 1024;

/** Loads RE2. What was compiled lately is not compiled again. */
export async function loadRegexCompiler(): Promise<RegexCompiler> {
  const re2 = await import('re2js');
  const known: Newest<Regex> = openNewest(KEPT, KEPT_SIZE);
  return (pattern, folded = false) => {
    const key = `${folded ? 'i' : ''}/${pattern}`;
    const found = known.get(key);
    if (found) return found;
    const made = compile(pattern, folded, re2);
    known.set(key, made, patternSize(pattern, folded));
    return made;
  };
}

function compile(pattern: string, folded: boolean, re2: typeof import('re2js')): Regex {
  if (pattern.length > MAX_PATTERN) return { ok: false, why: `the pattern is over ${MAX_PATTERN} characters` };
  if (patternSize(pattern, folded) > MAX_PATTERN) return { ok: false, why: `its repeats ask for more than ${MAX_PATTERN} steps` };
  try {
    return matcherOf(re2.RE2JS.compile(pattern, folded ? re2.RE2JS.CASE_INSENSITIVE : 0));
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error) };
  }
}

function matcherOf(compiled: RE2JS): Matcher {
  let automaton: Automaton | undefined;
  const matchesWithin = (text: string, work: Work) => {
    automaton ??= compiled.re2Input.dfa;
    return run(automaton, text, work);
  };
  const matches = (text: string) => {
    try {
      return matchesWithin(text, openWork());
    } catch (error) {
      if (error instanceof UnjudgeableError) return undefined;
      throw error;
    }
  };
  return { ok: true, matches, matchesWithin };
}

/** RE2's own automaton, which it builds while it reads texts. A state knows the next one for each class of characters that it has met. */
type Automaton = Pick<RE2JS['re2Input']['dfa'], 'latin1Class' | 'numClasses' | 'clearCache' | 'stateBudget' | 'memBudget'> & {
  start(input: { context(): number }, at: number): State | null;
  step(state: State, characters: number, character: number, anchor: number): State | null;
  runeClass(character: number): number;
};

interface State {
  readonly isMatch: boolean;
  readonly nfaStates: readonly number[];
  readonly next: readonly (State | null)[] | null;
}

/** Of RE2: the text begins here; a match may begin anywhere; the text ends. */
const BEGIN = { context: () => 4 };
const UNANCHORED = 0;
const END_TEXT = -1;
/** A step that is not known yet costs this much, in characters that are read: for each instruction of both states, and for so many more. */
const INSTRUCTION = 7;
const FEW = 20;

/**
 * Finds the pattern. SECURITY: reading costs little for each character, but a text can be made so that nearly each one
 * asks for a state that is not there yet (hundreds of microseconds for some patterns), and RE2 then reads the rest
 * another way, no faster. So states are charged for, and the text is given up where they are too many.
 */
function run(automaton: Automaton, text: string, work: Work): boolean {
  work.charge(5 + text.length);
  if (automaton.stateBudget - automaton.memBudget > KEPT_STATES) automaton.clearCache();
  const { latin1Class, numClasses } = automaton;
  let state = automaton.start(BEGIN, 0);
  for (let at = 0; at < text.length; at++) {
    if (state === null || state.isMatch) break;
    const code = text.charCodeAt(at);
    const character: number = code >= 0xd800 && code < 0xdc00 ? (text.codePointAt(at) ?? code) : code;
    if (character > 0xffff) at++;
    const characters = character < 256 ? (latin1Class[character] ?? 0) : automaton.runeClass(character);
    const next: State | null | undefined = state.next === null ? null : state.next[characters];
    state = next ? next : build(automaton, state, characters, character, work);
  }
  if (state !== null && !state.isMatch) state = state.next?.[numClasses] ?? build(automaton, state, numClasses, END_TEXT, work);
  if (state === null) throw new UnjudgeableError('the pattern takes too many steps');
  return state.isMatch;
}

/** Takes a step that is not known yet, to a state that may be new. */
function build(automaton: Automaton, state: State, characters: number, character: number, work: Work): State | null {
  const next = automaton.step(state, characters, character, UNANCHORED);
  work.charge(INSTRUCTION * (FEW + state.nfaStates.length + (next?.nfaStates.length ?? 0)));
  return next;
}

/** A value that cannot be judged; the call is denied. */
export class UnjudgeableError extends Error {
  readonly code = 'unjudgeable';
}

/** A check may cost this much: about 50 ms. SECURITY: a schema is a stranger's and the value another's; together they end after so much work: one for the visit of a value, for a few characters of text, for a member of a list. */
const MAX_WORK = 1_000_000;
/** Schemas that lead from one to the next without an end. */
const MAX_DEPTH = 1_500;

export interface Work {
  /** Charges for work that is about to be done. Throws `UnjudgeableError` where that is too much. */
  charge(amount: number): void;
  enter(): void;
  leave(): void;
}

/** Opens a budget. */
export function openWork(): Work {
  let left = MAX_WORK;
  let depth = 0;
  return {
    charge(amount) {
      left -= amount;
      if (left < 0) throw new UnjudgeableError('the schema takes too many steps');
    },
    enter() {
      if (++depth > MAX_DEPTH) throw new UnjudgeableError('the schema takes too many steps: its references lead too deep');
    },
    leave() {
      depth--;
    },
  };
}
