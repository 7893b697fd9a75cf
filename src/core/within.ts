/** The `within` operator (policy.md §4): lexical containment of absolute paths, with no file system in sight. */
import type { Json } from './json.ts';

/** Characters of the longest path that any system has. A longer text is none (policy.md §4), and normalising it would take too long. */
export const LONGEST_PATH = 32_767;
const UNCERTAIN = /^file:|%[0-9A-Fa-f]{2}|\0/i;
const UNC = /^[\\/]{2}/;
const DRIVE = /^[A-Za-z]:[\\/]/;

/**
 * Answers whether an absolute path lies in one of the folders. Undefined where two readers could disagree on what the text
 * names: relative, `~`, `%`-escapes, NUL, `file:`, UNC, and back-slashes that change the answer.
 */
export function isWithin(path: string, folders: readonly string[]): boolean | undefined {
  if (path.length > LONGEST_PATH || UNCERTAIN.test(path) || UNC.test(path) || !isAbsolute(path)) return undefined;
  const split = lies(normalise(path.replaceAll('\\', '/')), folders);
  if (!path.includes('\\')) return split;
  // SECURITY: on one system `\` separates, on another it is part of a name; both readings have to lie inside.
  if (DRIVE.test(path)) return split;
  return lies(normalise(path), folders) === split ? split : undefined;
}

/** Says why nothing is known of where a path leads, and what would be judged. */
export function pathDoubt(value: Json): { readonly why: string; readonly advice: string } {
  const path = typeof value === 'string' ? value : '';
  const [why, instead = ''] = DOUBTS.find(([, , applies]) => applies(path)) ?? RELATIVE;
  return { why: `the path ${why}`, advice: `Send an absolute path${instead}.` };
}

const RELATIVE = ['is relative', ''] as const;

/** Each reason: what the path is, what the absolute one has to be besides, and when. The first that applies is the reason. */
const DOUBTS: readonly (readonly [why: string, instead: string, applies: (path: string) => boolean])[] = [
  ['is empty', '', (path) => path === ''],
  ['has a NUL character', ' without control characters', (path) => path.includes('\0')],
  ['is a file: URL', ' and no URL', (path) => /^file:/i.test(path)],
  ['is percent-encoded', ' without percent-encoding', (path) => UNCERTAIN.test(path)],
  ['begins with two slashes, as those of other machines do', ' with one slash at its beginning', (path) => UNC.test(path)],
  ['begins with "~", which servers may or may not expand', '', (path) => path.startsWith('~')],
  ['has back-slashes, which systems read differently', ' without back-slashes', isAbsolute],
];

/** True where `path` says from the root where it leads. */
export function isAbsolute(path: string): boolean {
  return path.startsWith('/') || DRIVE.test(path);
}

/** `.`, `..` and `//` resolved, lexically; never climbs above the root. */
export function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') climb(parts);
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** `C:` is a root, too. */
function climb(parts: string[]): void {
  if (parts.length === 1 && /^[A-Za-z]:$/.test(parts[0] ?? '')) return;
  parts.pop();
}

function lies(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => isBelow(path, normalise(folder.replaceAll('\\', '/'))));
}

/** True where a normalised path is the folder or below it. */
export function isBelow(path: string, folder: string): boolean {
  if (folder === '/') return true;
  return path === folder || path.startsWith(`${folder}/`);
}
