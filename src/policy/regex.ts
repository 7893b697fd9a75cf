/** Regular expressions in RE2: linear time, whatever pattern and text. Loaded only where a policy or schema has some. */

import { nativeTest } from './native-regex.ts';

/** A compiled pattern, or why RE2 refuses it. */
type Regex = { readonly ok: true; readonly matches: (text: string) => boolean } | { readonly ok: false; readonly why: string };
export type RegexCompiler = (pattern: string) => Regex;

/** SECURITY: RE2 bounds time per character of the text by the size of the pattern, so that is bounded too. */
const MAX_PATTERN = 10_000;

/** Loads RE2. Patterns are compiled once per loaded compiler. */
export async function loadRegexCompiler(): Promise<RegexCompiler> {
  const { RE2JS } = await import('re2js');
  const known = new Map<string, Regex>();
  return (pattern) => {
    const found = known.get(pattern);
    if (found) return found;
    const made = attempt(() => {
      const compiled = RE2JS.compile(pattern);
      return nativeTest(pattern) ?? ((text: string) => compiled.test(text));
    }, pattern);
    known.set(pattern, made);
    return made;
  };
}

function attempt(compile: () => (text: string) => boolean, pattern: string): Regex {
  if (pattern.length > MAX_PATTERN) return { ok: false, why: `the pattern is over ${MAX_PATTERN} characters` };
  try {
    return { ok: true, matches: compile() };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error) };
  }
}
