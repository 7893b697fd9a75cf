/** Projects: the folder of now, and those that clients know. */
import { isArray, isObject, type Json } from '../../core/json.ts';
import { FORMATS } from './format/formats.ts';
import { decodeText } from './format/text.ts';
import { valueIn } from './format/tree.ts';
import { existing, pathsFor } from './paths.ts';
import type { Path } from './rows/row.ts';
import type { FileFormat, World } from './types.ts';
import { valueAt } from './values.ts';

/** Projects that are looked into. */
const MAX_PROJECTS = 200;
const MAX_LIST = 20 * 1024 ** 2;

interface KnownProjects {
  readonly path: Path;
  readonly format: FileFormat;
  projects(list: Json): readonly Json[];
}

const keysAt = (key: string) => (list: Json) => keysOf(valueAt(list, [key]));
const EDITORS = ['Code', 'Code - Insiders', 'Cursor', 'Windsurf', 'Trae', 'Kiro', 'Antigravity'];

const KNOWN: readonly KnownProjects[] = [
  { path: '${CLAUDE_CONFIG_DIR:-~}/.claude.json', format: 'json', projects: keysAt('projects') },
  { path: '${CODEX_HOME:-~/.codex}/config.toml', format: 'toml', projects: keysAt('projects') },
  ...EDITORS.map((editor) => ({
    path: `CFG/${editor}/User/workspaceStorage/*/workspace.json`,
    format: 'json' as const,
    projects: (list: Json) => [valueAt(list, ['folder']) ?? null],
  })),
  { path: '~/.gemini/config/projects/*.json', format: 'json', projects: antigravity },
];

function antigravity(list: Json): readonly Json[] {
  const resources = valueAt(list, ['projectResources', 'resources']) ?? null;
  return isArray(resources) ? resources.map((resource) => valueAt(resource, ['folderUri']) ?? null) : [];
}

function keysOf(value: Json | undefined): readonly string[] {
  return isObject(value) ? [...value.keys()] : [];
}

/** The project that work is done in: its folder and those above it, up to the repository's root. The home is none. */
export function foldersFrom(start: string, world: World): readonly string[] {
  const path = pathsFor(world);
  const folders: string[] = [];
  for (let at = path.resolve(start); !isHome(at, world); at = path.dirname(at)) {
    folders.push(at);
    if (world.disk.look(path.join(at, '.git'))) return folders;
    if (path.dirname(at) === at) break;
  }
  // Without a repository only the folder itself is the project.
  return folders.slice(0, 1);
}

function isHome(folder: string, world: World): boolean {
  return folder === pathsFor(world).resolve(world.home);
}

/** Projects that clients have a list of: folders that exist, in the lists' order. */
export function knownProjects(world: World): readonly string[] {
  const named = KNOWN.flatMap(({ path, format, projects }) =>
    existing(path, world).flatMap((file) => projects(readList(file, format, world))),
  );
  const folders = [...new Set(named.map((name) => folderFrom(name, world)))].filter((folder) => folder !== undefined);
  return folders.filter((folder) => !isHome(folder, world) && world.disk.look(folder)?.kind === 'folder').slice(0, MAX_PROJECTS);
}

function readList(file: string, format: FileFormat, { disk }: World): Json {
  const bytes = disk.read(file, MAX_LIST);
  if (typeof bytes === 'string') return null;
  try {
    return valueIn(FORMATS[format].parse(decodeText(bytes).text));
  } catch {
    // Its own row names it, where it has one.
    return null;
  }
}

/** A folder from its path or file URI; those of other machines are none. */
function folderFrom(name: Json, world: World): string | undefined {
  if (typeof name !== 'string') return undefined;
  const path = pathsFor(world);
  if (!name.startsWith('file:')) return path.isAbsolute(name) ? path.resolve(name) : undefined;
  const url = URL.canParse(name) ? new URL(name) : undefined;
  if (url?.host !== '') return undefined;
  const decoded = decode(url.pathname);
  return decoded === undefined ? undefined : path.resolve(world.platform === 'win32' ? decoded.replace(/^\/(?=[A-Za-z]:)/, '') : decoded);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
