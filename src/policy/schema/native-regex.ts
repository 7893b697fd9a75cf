/**
 * Patterns so simple that the engine of the language itself reads them as RE2 does, and in linear time; it is many
 * times faster. Everything else is RE2's.
 *
 * SECURITY: no groups, no alternation, no `.`, no flags, ASCII only; at most one unbounded repetition, and then only
 * behind `^`, so that there is one place to start from and nothing to backtrack into; few optional atoms.
 */
const ATOM = String.raw`[A-Za-z0-9 _\-@:/,;=~!#%&<>"']|\\[.+*?^$(){}|[\]/\\dw]`;
const CLASS = String.raw`\[\^?(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9 _@:/,;=~!#%<>"'.+*?$(){}|]|\\[.\-\]\\/dw])+-?\]`;
const SIMPLE = new RegExp(String.raw`^\^?(?:(?:${CLASS}|${ATOM})[*+?]?)+\$?$`);
const PIECES = new RegExp(`(?:${CLASS}|${ATOM})([*+?]?)`, 'g');

const MAX_PATTERN = 200;
const MAX_OPTIONAL = 3;

/** A test for the pattern, where the two engines cannot differ; else undefined. RE2 has accepted the pattern before. */
export function nativeTest(pattern: string): ((text: string) => boolean) | undefined {
  if (pattern.length > MAX_PATTERN || !SIMPLE.test(pattern) || !isLinear(pattern)) return undefined;
  try {
    const compiled = new RegExp(pattern, 'u');
    return (text) => compiled.test(text);
  } catch {
    return undefined;
  }
}

function isLinear(pattern: string): boolean {
  const repeats = [...pattern.replace(/^\^/, '').matchAll(PIECES)].map(([, repeat]) => repeat);
  const unbounded = repeats.filter((repeat) => repeat === '*' || repeat === '+').length;
  const optional = repeats.filter((repeat) => repeat === '?').length;
  return optional <= MAX_OPTIONAL && (unbounded === 0 || (unbounded === 1 && pattern.startsWith('^')));
}
