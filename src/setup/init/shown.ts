/** Shows a change before it is made: a unified diff without secrets (setup.md §3.5). */
import { hideSecrets, maskCommand, openMask } from '../../audit/mask.ts';
import { isSecretName } from '../../audit/secrets.ts';
import { isArray, isObject, type Json } from '../../core/json.ts';
import { FORMATS } from '../clients/format/formats.ts';
import { decodeText } from '../clients/format/text.ts';
import { valueIn } from '../clients/format/tree.ts';
import type { FileFormat } from '../clients/types.ts';
import { refusing } from '../clients/wrap.ts';
import { diffLines, type Hunk, linesOf } from './lines.ts';

/** Lines around a change. */
const CONTEXT = 2;
/** Members of entries whose values are nobody's business. */
const HIDDEN_MEMBERS: ReadonlySet<string> = new Set([
  'env',
  'envs',
  'environment',
  'headers',
  'http_headers',
  'requestOptions',
  'oauth',
  'auth',
]);
/** A value that only names where the secret is. */
const REFERENCE = /^(?:(?:Bearer|Basic|token) )?(?:\$\{[^{}]*\}|\$\{\{[^{}]*\}\}|\{env:[^{}]*\}|\$\w+|%\w+%)$/;
/** In files secrets stand as JSON, TOML or YAML write them. */
const ESCAPES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => text.replaceAll("'", "''"),
];

/** A mask for the text of a file with these entries: the values of their environments, headers and logins, and what looks like a secret. */
export function openFileMask(entries: readonly Json[]): (text: string) => string {
  const secrets = entries.flatMap((entry) => secretsIn(entry, false));
  const spelt = secrets.flatMap((secret) => ESCAPES.map((spell) => spell(secret)));
  const mask = openMask(spelt);
  return (text) => hideSecrets(mask(text), Infinity);
}

/** The same for whole files, by all that stands in them. One that cannot be read hides only what looks like a secret. */
export function openDiffMask(format: FileFormat, ...files: readonly Uint8Array[]): (text: string) => string {
  return openFileMask(files.flatMap((bytes) => valuesOf(format, bytes)));
}

function valuesOf(format: FileFormat, bytes: Uint8Array): readonly Json[] {
  const value = refusing(() => valueIn(FORMATS[format].parse(decodeText(bytes).text)));
  return typeof value === 'object' && value !== null && 'kind' in value ? [] : [value];
}

function secretsIn(value: Json, isHidden: boolean): readonly string[] {
  if (typeof value === 'string') return isHidden && !REFERENCE.test(value) ? [value, ...wordsOf(value)] : [];
  if (isArray(value)) return [...(isHidden ? [] : secretWords(value)), ...value.flatMap((each) => secretsIn(each, isHidden))];
  if (!isObject(value)) return [];
  return [...value].flatMap(([key, member]) => secretsIn(member, isHidden || HIDDEN_MEMBERS.has(key) || isSecretName(key)));
}

/** The token in `Bearer TOKEN` by itself, too. */
function wordsOf(value: string): readonly string[] {
  return value.includes(' ') ? value.split(' ').slice(1) : [];
}

/** The words of a command of which `maskCommand` would take something out. */
function secretWords(words: readonly Json[]): readonly string[] {
  return words.filter((word, index): word is string => {
    const before = words[index - 1];
    if (typeof word !== 'string') return false;
    return typeof before === 'string' ? maskCommand([before, word]) !== `${maskCommand([before])} ${word}` : maskCommand([word]) !== word;
  });
}

/** A unified diff of a file, as lines without their ends. Empty where nothing differs. */
export function unifiedDiff(path: string, before: Uint8Array, after: Uint8Array, mask: (text: string) => string): readonly string[] {
  const [old, young] = [before, after].map((bytes) => linesOf(new TextDecoder().decode(bytes))) as [readonly string[], readonly string[]];
  const groups = groupsOf(diffLines(old, young));
  if (groups.length === 0) return [];
  // A secret that goes over the end of a line is masked before the text is cut into lines.
  const shown = (lines: readonly string[], from: number, to: number) => bodyOf(mask(lines.slice(from, to).join('')));
  return [`--- ${path}`, `+++ ${path}`, ...groups.flatMap((group) => renderGroup(group, old, young, shown))];
}

type Shown = (lines: readonly string[], from: number, to: number) => readonly string[];

function bodyOf(text: string): readonly string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}

/** Changes that stand so near that they share their context. */
function groupsOf(hunks: readonly Hunk[]): readonly (readonly Hunk[])[] {
  const groups: Hunk[][] = [];
  for (const hunk of hunks) {
    const last = groups.at(-1);
    if (last && hunk.start - (last.at(-1)?.end ?? 0) <= 2 * CONTEXT) last.push(hunk);
    else groups.push([hunk]);
  }
  return groups;
}

function renderGroup(group: readonly Hunk[], old: readonly string[], young: readonly string[], shown: Shown): readonly string[] {
  const [first, last] = [group[0] as Hunk, group.at(-1) as Hunk];
  const [start, end] = [Math.max(0, first.start - CONTEXT), Math.min(old.length, last.end + CONTEXT)];
  const [from, to] = [first.from - (first.start - start), last.to + (end - last.end)];
  const lines = [`@@ -${start + 1},${end - start} +${from + 1},${to - from} @@`];
  let at = start;
  for (const hunk of group) {
    lines.push(...shown(old, at, hunk.start).map((line) => ` ${line}`));
    lines.push(...shown(old, hunk.start, hunk.end).map((line) => `-${line}`));
    lines.push(...shown(young, hunk.from, hunk.to).map((line) => `+${line}`));
    at = hunk.end;
  }
  return [...lines, ...shown(old, at, end).map((line) => ` ${line}`)];
}
