/** Rule (self), policy.md §5.1: an agent may not reach Intercept's own files through the server's tools. */
import { isArray, isObject, type Json } from './json.ts';
import { isAbsolute, isBelow, normalise } from './within.ts';

/**
 * The first string in the arguments, at any depth, that names a path at or below one of `own` (normalised absolute
 * paths). `folder` is where the server reads relative paths from, where that is known.
 */
export function ownPathIn(value: Json, own: readonly string[], folder?: string): string | undefined {
  if (typeof value === 'string') return namesOwn(value, own, folder) ? value : undefined;
  if (isArray(value)) return firstOf(value, own, folder);
  return isObject(value) ? (firstOf(value.keys(), own, folder) ?? firstOf(value.values(), own, folder)) : undefined;
}

function firstOf(values: Iterable<Json>, own: readonly string[], folder: string | undefined): string | undefined {
  for (const value of values) {
    const found = ownPathIn(value, own, folder);
    if (found !== undefined) return found;
  }
  return undefined;
}

function namesOwn(text: string, own: readonly string[], folder: string | undefined): boolean {
  if (!/[/\\~%]/.test(text)) return folder !== undefined && standsIn(folder, text.trim(), own);
  return spellings(text.trim()).some((path) =>
    own.some((mine) => isBelow(normalise(path).toLowerCase(), mine.toLowerCase()) || endsInside(path, mine) || leadsTo(path, mine, folder)),
  );
}

/** A bare name in the server's folder: `policy.yaml`. Most strings are bare, so none is joined that has not the right length. */
function standsIn(folder: string, name: string, own: readonly string[]): boolean {
  const base = folder === '/' ? '' : folder;
  return own.some((mine) => mine.length === base.length + 1 + name.length && mine.toLowerCase() === `${base}/${name}`.toLowerCase());
}

/** A relative path, read from the server's folder. Where that folder itself is ours, only the very path is meant: every text would lie in it. */
function leadsTo(path: string, mine: string, folder: string | undefined): boolean {
  if (folder === undefined || isAbsolute(path)) return false;
  const full = normalise(`${folder}/${path}`).toLowerCase();
  const target = mine.toLowerCase();
  return full === target || (isBelow(full, target) && !isBelow(folder.toLowerCase(), target));
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
