/** Makes paths of the table's patterns: for any platform, on any platform. */
import { posix, win32 } from 'node:path';
import type { Path } from './rows/row.ts';
import type { World } from './types.ts';

/** Folders that `**` goes down. */
const MAX_DEPTH = 6;
/** Names that one pattern looks at: plugins and blocks are few, and nobody's home is crawled. */
const MAX_LOOKS = 3_000;

/** The platform's way to join names. */
export function pathsFor({ platform, paths }: World): typeof posix {
  return platform === 'win32' && paths !== 'posix' ? win32 : posix;
}

/** Existing files and folders that a pattern of the table means; those of a project where one is given. */
export function existing(path: Path, world: World, project?: string): readonly string[] {
  const pattern = concrete(path, world, project);
  return pattern === undefined ? [] : match(pattern, world);
}

/** The folder that a pattern's file is in; undefined where it is not one. */
export function folderOf(path: Path, world: World): string | undefined {
  const pattern = concrete(path, world, undefined);
  if (pattern === undefined || pattern.some(isGlob)) return undefined;
  return pathsFor(world).dirname(join(pattern, world));
}

/** The names of a path; undefined where the platform has none, or a variable is not set. */
function concrete(path: Path, world: World, project: string | undefined): readonly string[] | undefined {
  const text = typeof path === 'string' ? path : path[world.platform];
  if (text === undefined || (text.startsWith('P/') && project === undefined)) return undefined;
  const kept: string[] = [];
  const keep = (value: string) => `\0${kept.push(value) - 1}\0`;
  const expanded = expandVariables(text, world, keep);
  if (expanded === undefined) return undefined;
  const whole = expanded
    .replace(/^P(?=\/)/, () => keep(project ?? ''))
    .replace(/(^|\0\/?)~(?=\/|$)/, (_, before) => before + keep(world.home));
  const based = baseOf(whole, world, keep);
  return based.split('/').map((name) => restore(name, kept));
}

/** Puts variables in, the innermost first. Their values are kept apart: a star in them is a star. */
function expandVariables(text: string, { env }: World, keep: (value: string) => string): string | undefined {
  const found = /\$\{([A-Za-z_()0-9]+)(?::-([^${}]*))?\}/.exec(text);
  if (!found) return text;
  const [whole, name = '', fallback] = found;
  const value = env[name];
  const put = value ? keep(value) : fallback;
  if (put === undefined) return undefined;
  return expandVariables(text.slice(0, found.index) + put + text.slice(found.index + whole.length), { env } as World, keep);
}

const SETTINGS: Readonly<Record<World['platform'], string>> = {
  linux: '${XDG_CONFIG_HOME:-~/.config}',
  darwin: '~/Library/Application Support',
  win32: '${APPDATA:-~/AppData/Roaming}',
};

function baseOf(text: string, world: World, keep: (value: string) => string): string {
  const [base = '', ...rest] = text.split('/');
  const pattern =
    base === 'CFG' ? SETTINGS[world.platform] : base === 'XDG' ? (world.platform === 'linux' ? SETTINGS.linux : '~/.config') : undefined;
  if (pattern === undefined) return text;
  const expanded = expandVariables(pattern, world, keep) ?? '';
  return [expanded.replace(/^~(?=\/)/, () => keep(world.home)), ...rest].join('/');
}

function restore(name: string, kept: readonly string[]): string {
  return name.replace(/\0(\d+)\0/g, (_, at) => kept[Number(at)] ?? '');
}

function isGlob(name: string): boolean {
  return name.includes('*');
}

function join(names: readonly string[], world: World): string {
  const path = pathsFor(world);
  return path.resolve(world.cwd, names.join('/'));
}

function match(pattern: readonly string[], world: World): readonly string[] {
  const first = pattern.findIndex(isGlob);
  const looks = { left: MAX_LOOKS };
  const found = first < 0 ? [join(pattern, world)] : walk(join(pattern.slice(0, first), world), pattern.slice(first), world, looks, 0);
  return found.filter((path) => world.disk.look(path) !== undefined);
}

/** Goes down a pattern. Links to folders are followed, to the same depth at most. */
function walk(folder: string, [name, ...rest]: readonly string[], world: World, looks: { left: number }, depth: number): readonly string[] {
  if (name === undefined) return [folder];
  const next = pathsFor(world).join(folder, name);
  if (!isGlob(name)) return walk(next, rest, world, looks, depth);
  const names = world.disk.list(folder).slice(0, Math.max(0, looks.left));
  looks.left -= names.length;
  const below = (inner: readonly string[], pattern: readonly string[]) =>
    inner.flatMap((own) => walk(pathsFor(world).join(folder, own), pattern, world, looks, depth + 1));
  if (name !== '**')
    return below(
      names.filter((own) => matches(own, name)),
      rest,
    );
  const folders = depth < MAX_DEPTH ? names.filter((own) => world.disk.look(pathsFor(world).join(folder, own))?.kind === 'folder') : [];
  return [...walk(folder, rest, world, looks, depth), ...below(folders, [name, ...rest])];
}

function matches(name: string, pattern: string): boolean {
  const [head = '', tail = ''] = pattern.split('*');
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
}
