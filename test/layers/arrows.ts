/**
 * Which room of `src` may import which: the table of ARCHITECTURE.md as data. A room is a folder of `src`; a folder in a
 * room may have a row of its own, which then says all that it may import, its own room included. What has no row of its
 * own follows its room's, and is free within the room.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

export interface Row {
  /** Rooms, or folders of rooms, that it may import. */
  readonly to: readonly string[];
  /** Packages that it may import. `node:*` stands for the platform. */
  readonly packages?: readonly string[];
}

const PLATFORM = ['node:*'];

export const ARROWS: Readonly<Record<string, Row>> = {
  core: { to: [] },

  mcp: { to: ['core'] },
  'mcp/json': { to: ['core'] },
  'mcp/messages': { to: ['core', 'mcp/json'] },
  'mcp/payments': { to: ['core', 'mcp/json', 'mcp/messages'] },
  policy: { to: ['core'], packages: ['yaml', 're2js', '@noble/hashes'] },
  state: { to: ['core'], packages: [...PLATFORM, '@redis/client'] },
  audit: { to: ['core'], packages: PLATFORM },
  'audit/sinks': { to: ['core', 'audit'], packages: PLATFORM },
  'audit/evidence': { to: ['core', 'audit'], packages: PLATFORM },
  approval: { to: ['core'], packages: PLATFORM },
  process: { to: ['core'], packages: [...PLATFORM, 'bun'] },
  http: { to: ['core'], packages: [...PLATFORM, 'cookie'] },

  engine: { to: ['core', 'mcp', 'policy'] },
  proxy: { to: ['core', 'mcp', 'engine', 'proxy/frames', 'proxy/calls'] },
  'proxy/frames': { to: ['core', 'mcp', 'engine', 'proxy', 'proxy/calls'] },
  'proxy/calls': { to: ['core', 'mcp', 'engine', 'proxy'] },

  serve: { to: ['core', 'mcp', 'audit', 'process', 'http', 'engine', 'proxy'], packages: PLATFORM },
  'serve/upstream': { to: ['core', 'mcp', 'audit', 'http', 'proxy', 'serve'], packages: PLATFORM },
  'serve/bridge': { to: ['core', 'mcp', 'audit', 'process', 'http', 'engine', 'proxy', 'serve', 'serve/upstream'], packages: PLATFORM },
  'serve/stdio': { to: ['core', 'mcp', 'process', 'engine', 'proxy', 'serve'], packages: PLATFORM },
  'serve/listener': {
    to: ['core', 'mcp', 'audit', 'process', 'http', 'engine', 'proxy', 'serve', 'serve/upstream', 'serve/bridge'],
    packages: PLATFORM,
  },
  authoring: { to: ['core', 'mcp', 'policy', 'state', 'engine'], packages: PLATFORM },
  'setup/risk': { to: ['core'] },
  'setup/draft': { to: ['core', 'setup/risk', 'policy', 'audit'], packages: ['yaml'] },
  'setup/library': { to: ['core', 'mcp', 'setup/risk', 'setup/draft'], packages: [...PLATFORM, 'yaml'] },
  setup: {
    to: ['core', 'setup/risk', 'setup/draft', 'mcp', 'policy', 'audit', 'process', 'http', 'serve', 'serve/bridge', 'serve/upstream'],
    packages: PLATFORM,
  },
  'setup/init': {
    to: [
      ...['core', 'mcp', 'policy', 'audit', 'process', 'serve', 'authoring'],
      ...['setup', 'setup/clients', 'setup/risk', 'setup/draft', 'setup/library', 'setup/choose'],
    ],
    packages: PLATFORM,
  },
  'setup/clients': { to: ['core'], packages: [...PLATFORM, 'jsonc-parser', 'toml-eslint-parser', 'yaml'] },
  'setup/choose': {
    to: ['core', 'audit', 'policy', 'admin', 'console', 'console/setup', 'setup/draft', 'setup/risk'],
    packages: PLATFORM,
  },
  console: { to: ['core'] },
  'console/setup': { to: ['core', 'console', 'setup/draft', 'setup/risk'] },
  admin: { to: ['core', 'approval', 'console'], packages: PLATFORM },
  library: { to: ['core', 'engine'] },

  run: {
    to: [
      'core',
      'mcp',
      'policy',
      'state',
      'audit',
      'approval',
      'process',
      'http',
      'engine',
      'serve',
      'authoring',
      'admin',
      'setup/library',
    ],
    packages: PLATFORM,
  },
  cli: {
    to: ['core', 'mcp', 'policy', 'audit', 'approval', 'process', 'http', 'engine', 'serve', 'authoring', 'setup', 'console/setup', 'run'],
    packages: [...PLATFORM, 'commander'],
  },
};

/** Which arrow of a tree is not in the table, and why: `file: imports X` lines, sorted. */
export function wrongArrows(src: string, arrows: Readonly<Record<string, Row>> = ARROWS): readonly string[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.flatMap((file) => judgeFile(src, file, arrows)).sort();
}

/** Imports of all kinds, those of types too, also late ones. */
export function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/^\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm)].map(
    ([, a, b, c]) => a ?? b ?? c ?? '',
  );
}

function judgeFile(src: string, file: string, arrows: Readonly<Record<string, Row>>): readonly string[] {
  // What stands in src itself is a door: it may import what it opens to.
  if (dirname(file) === '.') return [];
  const from = rowOf(dirname(file), arrows);
  if (from === undefined) return [`${file}: its room "${dirname(file)}" has no row`];
  return importsOf(readFileSync(join(src, file), 'utf8')).flatMap((target) => judge(src, file, target, from, arrows));
}

function judge(
  src: string,
  file: string,
  target: string,
  [name, row]: readonly [string, Row],
  arrows: Readonly<Record<string, Row>>,
): readonly string[] {
  if (!target.startsWith('.')) {
    const allowed = (row.packages ?? []).some((known) =>
      known.endsWith('*') ? target.startsWith(known.slice(0, -1)) : isOrIn(target, known),
    );
    return allowed ? [] : [`${file}: imports the package "${target}"`];
  }
  const path = relative(src, normalize(join(src, dirname(file), target)));
  if (path.startsWith('..')) return path.endsWith('package.json') ? [] : [`${file}: imports "${path}", outside of src`];
  const room = dirname(path);
  if (isOrIn(room, name) && rowOf(room, arrows)?.[0] === name) return [];
  // A folder with a row of its own is reached by that name, or from another room.
  const owner = rowOf(room, arrows)?.[0] ?? room;
  const isSibling = rootOf(owner) === rootOf(name);
  return row.to.some((allowed) => (isSibling ? allowed === owner : isOrIn(room, allowed))) ? [] : [`${file}: imports ${path}`];
}

function rootOf(folder: string): string {
  return folder.split('/')[0] ?? folder;
}

function isOrIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** The row of the nearest folder that has one. */
function rowOf(folder: string, arrows: Readonly<Record<string, Row>>): readonly [string, Row] | undefined {
  for (let at = folder; at !== '.'; at = dirname(at)) {
    const row = arrows[at];
    if (row) return [at, row];
  }
  return undefined;
}
