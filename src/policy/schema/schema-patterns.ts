/** The patterns of one schema, compiled once each and bounded together. */
import { patternSize } from './pattern-size.ts';
import type { Regex, RegexCompiler } from './regex.ts';

/** SECURITY: a schema may hold hundreds of patterns, and each may ask for thousands of instructions. */
const MAX_SIZE = 50_000;
/** Compiling a pattern costs this however short it is, in instructions. */
const EACH = 80;
/** Longer ones are refused, and need not be spelt out. */
const MAX_LENGTH = 10_000;

/** These are `\s` in ECMA-262, which JSON Schema refers to; RE2 knows the blanks of ASCII only. */
const BLANK = String.raw`\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const NO_BLANK = String.raw`\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`;
const NO_LINE_END = String.raw`[^\n\r\x{2028}\x{2029}]`;
/** An escape, a class of names inside a class, a class that begins with `]`, and what else opens or ends one. */
const TOKEN = /\\.|\[:\^?[a-z]{1,10}:\]|\[\^?\]|[[\].]/gsu;

/** The pattern with those parts spelt out that RE2 reads differently from ECMA-262. What only RE2 has stays as it is. */
function spellOut(pattern: string): string {
  if (pattern.includes('\\Q')) return pattern;
  const keepsDot = /\(\?[a-zA-Z]*s/.test(pattern);
  let inClass = false;
  return pattern.replace(TOKEN, (token) => {
    if (token === '\\s') return inClass ? BLANK : `[${BLANK}]`;
    if (token === '\\S') return inClass ? NO_BLANK : `[^${BLANK}]`;
    if (token === '.') return inClass || keepsDot ? token : NO_LINE_END;
    if (token === '[') inClass = true;
    else if (token === ']') inClass = false;
    else if (token === '[]' || token === '[^]') inClass = !inClass;
    return token;
  });
}

export interface Patterns {
  readonly compile: RegexCompiler;
  /** About how many instructions all of them have. */
  size(): number;
}

const TOO_MUCH: Regex = { ok: false, why: `the patterns of the schema ask for more than ${MAX_SIZE} steps` };

/** Opens the patterns of one schema; beyond the bound nothing is compiled any more. */
export function openPatterns(regex: RegexCompiler): Patterns {
  const known = new Map<string, Regex>();
  let size = 0;
  const compile: RegexCompiler = (pattern, folded = false) => {
    const key = `${folded ? 'i' : ''}/${pattern}`;
    const found = known.get(key);
    if (found) return found;
    if (size > MAX_SIZE) return TOO_MUCH;
    const spelt = pattern.length > MAX_LENGTH ? pattern : spellOut(pattern);
    size += EACH + patternSize(spelt, folded);
    const made: Regex = size > MAX_SIZE ? TOO_MUCH : regex(spelt, folded);
    known.set(key, made);
    return made;
  };
  return { compile, size: () => size };
}
