/** Rule (self), policy.md §5.1: an agent may not reach Intercept's own files through the server's tools. */
import { isArray, isObject, type Json } from './json.ts';
import { isBelow, normalise } from './within.ts';

/** The first string in the arguments, at any depth, that names a path at or below one of `own` (normalised absolute paths). */
export function ownPathIn(value: Json, own: readonly string[]): string | undefined {
  if (typeof value === 'string') return namesOwn(value, own) ? value : undefined;
  if (isArray(value)) return firstOf(value, own);
  return isObject(value) ? (firstOf([...value.keys()], own) ?? firstOf([...value.values()], own)) : undefined;
}

function firstOf(values: readonly Json[], own: readonly string[]): string | undefined {
  for (const value of values) {
    const found = ownPathIn(value, own);
    if (found !== undefined) return found;
  }
  return undefined;
}

function namesOwn(text: string, own: readonly string[]): boolean {
  if (!/[/\\~%]/.test(text)) return false;
  return spellings(text.trim()).some((path) =>
    own.some((folder) => isBelow(normalise(path).toLowerCase(), folder.toLowerCase()) || endsInside(path, folder)),
  );
}

/** The ways a server may read the text as a path: as it is, as a `file:` URL, with escapes undone, `\` as `/`. */
function spellings(text: string): readonly string[] {
  const plain = withoutScheme(text);
  return [plain, unescaped(plain).replaceAll('\\', '/')];
}

/** SPEC: WHATWG URL — a `file:` URL may have one slash or a host, `\` for `/`, and tabs and line ends that count for nothing. */
function withoutScheme(text: string): string {
  const path = text.replaceAll('\\', '/');
  const rest = /^file:(?:\/\/[^/]*)?(\/.*)$/is.exec(path.replace(/[\t\n\r]/g, ''))?.[1];
  return rest ?? path;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A relative or `~` spelling whose tail is the last two names of one of our folders: `../u/.intercept/state`, `~/.intercept`. */
function endsInside(path: string, folder: string): boolean {
  if (path.startsWith('/')) return false;
  const home = folder.split('/').at(-1) ?? '';
  const names = path.split('/');
  return home.startsWith('.') && names.includes(home);
}
