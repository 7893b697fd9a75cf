/** The patterns of one schema, compiled once each and bounded together. */
import { patternSize } from './pattern-size.ts';
import type { Regex, RegexCompiler } from './regex.ts';

/** SECURITY: a schema has room for hundreds of patterns, and each may ask for thousands of instructions. */
const MAX_SIZE = 50_000;

export interface Patterns {
  readonly compile: RegexCompiler;
  /** About how many instructions all of them have. */
  size(): number;
}

/** Opens the patterns of one schema; beyond the bound nothing is compiled any more. */
export function openPatterns(regex: RegexCompiler): Patterns {
  const known = new Map<string, Regex>();
  let size = 0;
  const compile: RegexCompiler = (pattern, folded = false) => {
    const key = `${folded ? 'i' : ''}/${pattern}`;
    const found = known.get(key);
    if (found) return found;
    size += patternSize(pattern, folded);
    const made: Regex =
      size > MAX_SIZE ? { ok: false, why: `the patterns of the schema ask for more than ${MAX_SIZE} steps` } : regex(pattern, folded);
    known.set(key, made);
    return made;
  };
  return { compile, size: () => size };
}
