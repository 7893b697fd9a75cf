/** Lists of Claude Code that go by a server's command or URL: a rewritten entry would be refused, or pass a denial by. */
import { isArray, isObject, type Json } from '../../core/json.ts';
import { FORMATS } from './format/formats.ts';
import { decodeText, MAX_FILE } from './format/text.ts';
import { valueIn } from './format/tree.ts';
import { existing } from './paths.ts';
import type { Path } from './rows/row.ts';
import type { ClientServer, World } from './types.ts';
import { valueAt } from './values.ts';

/** Says why a server is left; undefined where nothing keeps it. */
export type ListGate = (server: ClientServer) => string | undefined;

const SETTINGS: readonly Path[] = [
  {
    linux: '/etc/claude-code/managed-settings.json',
    darwin: '/Library/Application Support/ClaudeCode/managed-settings.json',
    win32: '${ProgramFiles:-C:/Program Files}/ClaudeCode/managed-settings.json',
  },
  '${CLAUDE_CONFIG_DIR:-~/.claude}/settings.json',
  'P/.claude/settings.json',
  'P/.claude/settings.local.json',
];
const LISTS = ['allowedMcpServers', 'deniedMcpServers'];

/** Reads the settings of the user, of the administrator and of projects. */
export function gateOf(world: World, folders: readonly string[]): ListGate {
  const files = [undefined, ...folders].flatMap((project) => SETTINGS.flatMap((path) => existing(path, world, project)));
  const rows = [...new Set(files)].flatMap((file) => listsIn(file, world).map((row) => ({ file, row })));
  return ({ entry, readers }) => {
    const present = readers.filter(({ installed }) => installed);
    if (present.length === 0 || present.some(({ client }) => client !== 'claude-code')) return undefined;
    const key = entry.kind === 'local' ? 'serverCommand' : 'serverUrl';
    const found = rows.find(({ row }) => isObject(row) && row.has(key));
    const by = entry.kind === 'local' ? 'command' : 'URL';
    return found && `a list in ${JSON.stringify(found.file)} allows or denies servers by their ${by}, which would be another`;
  };
}

function listsIn(file: string, { disk }: World): readonly Json[] {
  const bytes = disk.read(file, MAX_FILE);
  if (typeof bytes === 'string') return [];
  try {
    const settings = valueIn(FORMATS.json.parse(decodeText(bytes).text));
    return LISTS.flatMap((key) => {
      const list = valueAt(settings, [key]) ?? null;
      return isArray(list) ? list : [];
    });
  } catch {
    // Claude Code cannot read it either.
    return [];
  }
}
