/** What is found on a machine: real files once, projects, links, and what is named and left. */
import { expect, test } from 'bun:test';
import { type ClientMap, findClientFiles } from '../../../src/setup/clients/find.ts';
import { startOf } from '../../../src/setup/clients/start.ts';
import { nextSteps, workspaceFolderOf } from '../../../src/setup/clients/table.ts';
import { type Machine, worldOf } from './worlds.ts';

const GIT = { '/w/repo/.git/HEAD': '' };
const ONE = '{"mcpServers": {"one": {"command": "srv"}}}';
const find = (machine: Machine, projects?: 'known') =>
  findClientFiles(worldOf({ cwd: '/w/repo/src', ...machine }), projects ? { projects } : {});
const paths = ({ files }: ClientMap) => files.map(({ path }) => path);

test('a file that many read is there once, and says who they are', () => {
  const found = find({ files: { ...GIT, '/w/repo/.mcp.json': ONE, '/home/me/.claude/x': '', '/home/me/.cursor/x': '' } });
  expect(paths(found)).toEqual(['/w/repo/.mcp.json']);
  const readers = found.files[0]?.servers[0]?.readers ?? [];
  expect(readers.map(({ client }) => client)).toEqual([
    'claude-code',
    'copilot-cli',
    'qwen-code',
    'cursor',
    'vscode',
    'vscode-insiders',
    'windsurf',
  ]);
  expect(readers.filter(({ installed }) => installed).map(({ client }) => client)).toEqual(['claude-code', 'cursor']);
  expect(readers.every(({ project, scope }) => project === '/w/repo' && scope === 'project')).toBe(true);
});

test('a client without a file is installed, and nothing is configured', () => {
  const found = find({ files: { '/home/me/.codex/auth.json': '{}', '/home/me/.gemini/config/x': '', '/home/me/.codeium/x': '' } });
  expect(found.clients).toEqual([
    { id: 'codex', name: 'Codex', configured: false },
    { id: 'antigravity', name: 'Antigravity', configured: false },
  ]);
  expect(found.files).toEqual([]);
});

test("Claude Code's file has the user's servers and those of each project, with the names that are switched off", () => {
  const claude = {
    mcpServers: { mine: { command: 'a' } },
    projects: { '/w/one': { mcpServers: { local: { command: 'b' }, off: { command: 'c' } }, disabledMcpServers: ['off'] } },
  };
  const [file] = find({ files: { '/home/me/.claude.json': JSON.stringify(claude) } }).files;
  expect(
    file?.servers.map(({ name, at, disabled, readers }) => [name, at.length, disabled, readers[0]?.scope, readers[0]?.project]),
  ).toEqual([
    ['mine', 2, false, 'user', undefined],
    ['local', 4, false, 'local', '/w/one'],
    ['off', 4, true, 'local', '/w/one'],
  ]);
});

test('links: two names of one file are one; a project that leads out of itself is left', () => {
  const links = { '/home/me/.cursor/mcp.json': '/dot/mcp.json', '/home/me/.lmstudio/mcp.json': '/dot/mcp.json' };
  const [file, ...others] = find({ files: { '/dot/mcp.json': ONE }, links }).files;
  expect([file?.path, file?.realPath, others]).toEqual(['/home/me/.cursor/mcp.json', '/dot/mcp.json', []]);
  expect(file?.readers.map(({ client }) => client)).toEqual(['cursor', 'lm-studio']);
  const out = find({ files: { ...GIT, '/home/me/.ssh/x.json': ONE }, links: { '/w/repo/.cursor/mcp.json': '/home/me/.ssh/x.json' } });
  expect(out.files.map(({ untouchable }) => untouchable)).toEqual(['it is a link that leads out of its project']);
});

test('a FIFO and a file without end are named, and not waited for', () => {
  const found = find({
    files: { '/home/me/.kiro/settings/mcp.json': new Uint8Array(20 * 1024 ** 2 + 1) },
    others: ['/home/me/.cursor/mcp.json'],
  });
  expect(found.files.map(({ unreadable }) => unreadable)).toEqual(['it is no ordinary file', 'it is larger than 20 MiB']);
});

test('projects: the folder of now up to the repository; with "known" those that clients list', () => {
  const storage = '/home/me/.config/Code/User/workspaceStorage';
  const files = {
    ...GIT,
    '/w/repo/src/.cursor/mcp.json': ONE,
    '/w/repo/.cursor/mcp.json': ONE,
    '/w/.cursor/mcp.json': ONE,
    '/w/one/.cursor/mcp.json': ONE,
    '/w/two/.cursor/mcp.json': ONE,
    '/w/three x/.cursor/mcp.json': ONE,
    '/home/me/.claude.json': '{"projects": {"/w/one": {}, "/gone": {}, "/home/me": {}}}',
    '/home/me/.codex/config.toml': '[projects."/w/two"]\ntrust_level = "trusted"\n',
    [`${storage}/a/workspace.json`]: '{"folder": "file:///w/three%20x"}',
    [`${storage}/b/workspace.json`]: '{"folder": "vscode-remote://host/w/four"}',
  };
  const ofCursor = (found: ClientMap) =>
    found.files.filter(({ readers }) => readers.some(({ client }) => client === 'cursor')).map(({ path }) => path);
  expect(ofCursor(find({ files }))).toEqual(['/w/repo/src/.cursor/mcp.json', '/w/repo/.cursor/mcp.json']);
  expect(ofCursor(find({ files }, 'known')).slice(2)).toEqual([
    '/w/one/.cursor/mcp.json',
    '/w/two/.cursor/mcp.json',
    '/w/three x/.cursor/mcp.json',
  ]);
});

test('variables of the environment move files', () => {
  const files = {
    '/e/claude/.claude.json': ONE,
    '/e/codex/config.toml': '',
    '/e/copilot/mcp-config.json': ONE,
    '/e/cline.json': ONE,
    '/e/xdg/zed/settings.json': '{}',
  };
  const env = {
    CLAUDE_CONFIG_DIR: '/e/claude',
    CODEX_HOME: '/e/codex',
    COPILOT_HOME: '/e/copilot',
    CLINE_MCP_SETTINGS_PATH: '/e/cline.json',
    XDG_CONFIG_HOME: '/e/xdg',
  };
  expect(paths(find({ files, env })).sort()).toEqual(Object.keys(files).sort());
  expect(paths(find({ files: { '/e/d/data/settings/cline_mcp_settings.json': ONE }, env: { CLINE_DIR: '/e/d' } }))).toHaveLength(1);
});

test('a file that its client has moved on from is none', () => {
  const old = '/home/me/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json';
  const now = '/home/me/.cline/data/settings/cline_mcp_settings.json';
  expect(paths(find({ files: { [old]: ONE } }))).toEqual([old]);
  expect(paths(find({ files: { [old]: ONE, [now]: ONE } }))).toEqual([now]);
});

test('left, with the reason', () => {
  const servers = {
    a: { command: 'docker', args: ['mcp', 'gateway', 'run'] },
    b: { command: 'uvx', args: ['invariant-gateway@latest', '--project-name', 'x'] },
    c: { type: 'ws', url: 'wss://x/mcp' },
    d: { type: 'http', url: 'https://x/mcp', headersHelper: 'token' },
    e: { type: 'http', url: 'https://x/mcp?api_key=1' },
    f: { type: 'http', url: 'https://x/${ID}/mcp' },
    g: { command: 'a', url: 'https://x/' },
    h: { type: 'registry' },
    i: { command: 'npx', args: ['mcp-remote', 'https://x/'] },
    j: { type: 'http', url: 'https://mcp.example.com/s/NjY4ZmE4YzEtNDc2ZS00/mcp' },
    k: { command: 'npx -y pkg' },
    l: { command: '/opt/my tools/srv' },
    m: { type: 'http', url: 'https://x/', headers: { A: 'Bearer ${ANTHROPIC_API_KEY}' } },
    n: { type: 'sse', url: 'https://user:pass@x/' },
  };
  const [file] = find({ files: { '/home/me/.claude.json': JSON.stringify({ mcpServers: servers }) } }).files;
  expect(Object.fromEntries((file?.servers ?? []).map(({ name, leave }) => [name, leave]))).toEqual({
    a: "Docker's MCP gateway stands there, a gateway of its own: what it starts is not seen from here",
    b: 'Invariant gateway stands there, a gateway of its own: what it starts is not seen from here',
    c: 'it is reached over WebSocket, which no bridge carries',
    d: 'its headers come from a command that the client runs',
    e: 'its URL seems to hold a secret, which would stand in the arguments of a process: move it into a header',
    f: 'its URL holds a reference, which clients do not resolve in arguments alike',
    g: 'it has both a command and a URL: clients take one or refuse both',
    h: 'its type is "registry", which is no server that can be started or called',
    i: undefined,
    j: 'its URL seems to hold a secret, which would stand in the arguments of a process: move it into a header',
    k: 'its command is a whole line: write its first word as the command, and the others as arguments',
    l: undefined,
    m: 'its client keeps "ANTHROPIC_API_KEY" from servers, and Intercept would send it',
    n: 'its URL seems to hold a secret, which would stand in the arguments of a process: move it into a header',
  });
  const codex =
    '[mcp_servers.a]\ncommand = "a"\nbearer_token_env_var = "T"\n[mcp_servers.b]\nargs = ["x"]\n[mcp_servers.c]\nurl = "https://x/"\n';
  const [toml] = find({ files: { '/home/me/.codex/config.toml': codex } }).files;
  expect(toml?.servers.map(({ leave }) => leave)).toEqual([
    'it has a command and "bearer_token_env_var": its client refuses the whole file for that',
    'it has neither command nor URL: it may complete the entry of another file',
    undefined,
  ]);
});

test('lists of Claude Code that go by command keep its servers as they are', () => {
  const files = {
    '/home/me/.claude.json': ONE,
    '/etc/claude-code/managed-settings.json': '{"allowedMcpServers": [{"serverCommand": ["srv"]}]}',
  };
  expect(find({ files }).files[0]?.servers[0]?.leave).toContain(
    '"/etc/claude-code/managed-settings.json" allows or denies servers by their command',
  );
});

test('from WSL, files of Windows are named and left', () => {
  const file = '/mnt/c/Users/ann/AppData/Roaming/Claude/claude_desktop_config.json';
  const machine: Machine = { files: { [file]: ONE, '/mnt/c/Users/Public/.cursor/mcp.json': ONE } };
  expect(find(machine).files).toEqual([]);
  const found = find({ ...machine, env: { WSL_DISTRO_NAME: 'Ubuntu' } });
  expect(found.files.map(({ path, untouchable }) => [path, untouchable])).toEqual([
    [file, 'it belongs to Windows, and this is WSL: run "intercept init" there'],
  ]);
});

test('what starts servers beside the files is named', () => {
  const found = find({
    files: { '/home/me/.config/crush/crushrc': 'x', '/home/me/.config/Claude/Claude Extensions/a.b/manifest.json': '{}' },
  });
  expect(found.beside.map(({ client, path }) => [client, path])).toEqual([
    ['crush', '/home/me/.config/crush/crushrc'],
    ['claude-desktop', '/home/me/.config/Claude/Claude Extensions/a.b/manifest.json'],
  ]);
});

test('a start has references resolved, and says what it cannot know', () => {
  const machine: Machine = {
    env: { K: 'v' },
    files: {
      '/home/me/.cursor/mcp.json':
        '{"mcpServers": {"a": {"command": "${userHome}/srv", "args": ["${workspaceFolder}"], "env": {"A": "${env:K}"}}}}',
      '/home/me/.config/Code/User/mcp.json': '{"servers": {"b": {"url": "https://x/", "headers": {"A": "Bearer ${input:key}"}}}}',
      '/home/me/.config/crush/crush.json': '{"mcp": {"c": {"type": "stdio", "command": "$(touch /tmp/x)"}}}',
      '/home/me/.codex/config.toml': '[mcp_servers.d]\nurl = "https://x/"\nbearer_token_env_var = "K"\n',
    },
  };
  const world = worldOf({ cwd: '/w', ...machine });
  const servers = new Map(findClientFiles(world).files.flatMap((file) => file.servers.map((server) => [server.name, server])));
  const start = (name: string, answers?: ReadonlyMap<string, string>) => {
    const server = servers.get(name);
    return server && startOf(server, world, answers);
  };
  expect(start('a')).toEqual({ kind: 'local', command: '/home/me/srv', args: ['/w'], env: { A: 'v' }, cwd: undefined });
  expect(start('b')).toEqual({ kind: 'asks', ids: ['key'] });
  expect(start('b', new Map([['key', 's']]))).toEqual({ kind: 'remote', url: 'https://x/', transport: 'http', headers: { A: 'Bearer s' } });
  expect(start('c')).toEqual({
    kind: 'unknown',
    why: '"$(touch /tmp/x)" cannot be resolved: it is a command, and commands in a file are not run',
  });
  expect(start('d')).toEqual({ kind: 'remote', url: 'https://x/', transport: 'http', headers: { Authorization: 'Bearer v' } });
});

test('clients say what they need', () => {
  expect(nextSteps('claude-desktop', 'user')).toEqual(['quit it, in the tray as well, and start it again']);
  expect(nextSteps('codex', 'project')).toHaveLength(2);
  expect([workspaceFolderOf('cursor'), workspaceFolderOf('codex')]).toEqual(['${workspaceFolder}', undefined]);
});
