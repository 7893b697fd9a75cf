/** Judges whether a pattern on a path or host says where in the text it matches (policy.md §14). */

const PATHS = new Set('path paths file files filename filepath dir directory folder cwd root'.split(' '));
const HOSTS = new Set('host hostname url uri domain endpoint origin'.split(' '));

/** Guesses from an argument's name what it holds. */
export function placeOf(name: string): 'path' | 'host' | undefined {
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/);
  const last = words.at(-1) ?? '';
  if (PATHS.has(last)) return 'path';
  return HOSTS.has(last) ? 'host' : undefined;
}

/** A path is known by its start, a host by both ends; in every alternative. */
export function isAnchored(pattern: string, place: 'path' | 'host'): boolean {
  return splitAlternatives(pattern.replace(/^\(\?[a-zA-Z]+\)/, '')).every(
    (one) => startsAnchored(one) && (place === 'path' || endsAnchored(one)),
  );
}

function startsAnchored(pattern: string): boolean {
  return /^(?:\((?:\?:)?)*(?:\^|\\A)/.test(pattern);
}

function endsAnchored(pattern: string): boolean {
  const ends = /(\\*)(?:\$|\\z)\)*$/.exec(pattern);
  return ends !== null && (ends[1] ?? '').length % 2 === 0;
}

/** `a|(b|c)` is `a` and `(b|c)`: only the outermost bars part the pattern. */
function splitAlternatives(pattern: string): readonly string[] {
  const parts: string[] = [''];
  let depth = 0;
  let inClass = false;
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern.charAt(index);
    const taken = char === '\\' ? pattern.slice(index, ++index + 1) : char;
    if (taken === '[') inClass = true;
    else if (taken === ']') inClass = false;
    else if (taken === '(' && !inClass) depth++;
    else if (taken === ')' && !inClass) depth--;
    if (taken === '|' && depth === 0 && !inClass) parts.push('');
    else parts[parts.length - 1] += taken;
  }
  return parts;
}
