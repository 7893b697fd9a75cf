/** Regular expressions in RE2: linear time, whatever pattern and text. Loaded only where a policy or schema has some. */

import { type Newest, openNewest } from '../../core/newest.ts';
import { nativeTest } from './native-regex.ts';
import { patternSize } from './pattern-size.ts';

/** A pattern that can be used. */
export interface Matcher {
  readonly ok: true;
  readonly matches: (text: string) => boolean;
  /** What `matches` may cost for this text, as `work.ts` counts. */
  readonly work: (text: string) => number;
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

type Re2 = typeof import('re2js')['RE2JS'];

/** Loads RE2. What was compiled lately is not compiled again. */
export async function loadRegexCompiler(): Promise<RegexCompiler> {
  const { RE2JS } = await import('re2js');
  const known: Newest<Regex> = openNewest(KEPT, KEPT_SIZE);
  return (pattern, folded = false) => {
    const key = `${folded ? 'i' : ''}/${pattern}`;
    const found = known.get(key);
    if (found) return found;
    const made = compile(pattern, folded, RE2JS);
    known.set(key, made, patternSize(pattern, folded));
    return made;
  };
}

function compile(pattern: string, folded: boolean, RE2JS: Re2): Regex {
  if (pattern.length > MAX_PATTERN) return { ok: false, why: `the pattern is over ${MAX_PATTERN} characters` };
  if (patternSize(pattern, folded) > MAX_PATTERN) return { ok: false, why: `its repeats ask for more than ${MAX_PATTERN} steps` };
  try {
    const compiled = RE2JS.compile(pattern, folded ? RE2JS.CASE_INSENSITIVE : 0);
    const native = folded ? undefined : nativeTest(pattern);
    if (native) return { ok: true, matches: native, work: (text) => 1 + (text.length >> 5) };
    const perCharacter = 2 + compiled.programSize() / 10;
    return { ok: true, matches: (text) => compiled.test(text), work: (text) => 5 + text.length * perCharacter };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error) };
  }
}
