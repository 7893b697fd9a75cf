/** Editors, and assistants inside of editors. */
import { type ClientRow, PLUGIN } from './row.ts';

const CODES = ['Code', 'Code - Insiders', 'Cursor', 'Windsurf'];
const RESTART = 'restart it';
const WATCHES = 'nothing: it watches the file and restarts the server';

/** Both editions of VS Code differ by the name of their folder. */
function vscode(id: 'vscode' | 'vscode-insiders', name: string, folder: string, server: string): ClientRow {
  const portable = id === 'vscode' ? [{ scope: 'user', path: '${VSCODE_PORTABLE}/user-data/User/mcp.json' } as const] : [];
  return {
    ...{ id, name, format: 'json', at: ['servers'], shape: 'vscode' },
    files: [
      { scope: 'user', path: `CFG/${folder}/User/mcp.json` },
      { scope: 'profile', path: `CFG/${folder}/User/profiles/*/mcp.json` },
      ...portable,
      { scope: 'user', path: `~/${server}/data/User/mcp.json` },
      { scope: 'project', path: 'P/.vscode/mcp.json' },
      { scope: 'project', path: 'P/.mcp.json', at: ['mcpServers'], shape: 'claude' },
      { scope: 'user', path: '${COPILOT_HOME:-~/.copilot}/mcp-config.json', at: ['mcpServers'], shape: 'copilot' },
      { scope: 'project', path: 'P/.devcontainer/devcontainer.json', at: ['customizations', 'vscode', 'mcp', 'servers'] },
      { scope: 'project', path: 'P/.devcontainer.json', at: ['customizations', 'vscode', 'mcp', 'servers'] },
      { scope: 'project', path: 'P/*.code-workspace', at: ['settings', 'mcp', 'servers'] },
      { scope: 'user', path: `CFG/${folder}/User/settings.json`, at: ['mcp.servers'] },
      { scope: 'user', path: `CFG/${folder}/User/settings.json`, at: ['mcp', 'servers'] },
      { scope: 'project', path: 'P/.vscode/settings.json', at: ['mcp.servers'] },
      { scope: 'project', path: 'P/.vscode/settings.json', at: ['mcp', 'servers'] },
    ],
    installed: [`CFG/${folder}`],
    next: 'run "MCP: List Servers" and restart the server; "MCP: Reset Cached Tools" where old tools stay',
    nextInProject: "it may ask whether the workspace's servers are trusted",
  };
}

export const EDITORS: readonly ClientRow[] = [
  {
    ...{ id: 'cursor', name: 'Cursor', format: 'json', at: ['mcpServers'], shape: 'cursor' },
    files: [
      { scope: 'user', path: '~/.cursor/mcp.json' },
      { scope: 'project', path: 'P/.cursor/mcp.json' },
      { scope: 'project', path: 'P/.mcp.json', shape: 'claude' },
      { scope: 'plugin', path: '~/.cursor/plugins/cache/**/mcp.json', leave: PLUGIN },
      { scope: 'plugin', path: '~/.cursor/plugins/local/**/mcp.json', leave: PLUGIN },
    ],
    installed: ['~/.cursor'],
    next: `${RESTART}, and approve the changed server where it asks`,
  },
  vscode('vscode', 'VS Code', 'Code', '.vscode-server'),
  vscode('vscode-insiders', 'VS Code Insiders', 'Code - Insiders', '.vscode-server-insiders'),
  {
    ...{ id: 'visual-studio', name: 'Visual Studio', format: 'json', at: ['servers'], shape: 'vscode' },
    files: [
      { scope: 'user', path: { win32: '~/.mcp.json' } },
      { scope: 'project', path: { win32: 'P/.vs/mcp.json' } },
      { scope: 'project', path: { win32: 'P/.mcp.json' } },
      { scope: 'project', path: { win32: 'P/.vscode/mcp.json' } },
      { scope: 'project', path: { win32: 'P/.cursor/mcp.json' } },
    ],
    installed: [{ win32: '${LOCALAPPDATA:-~/AppData/Local}/Microsoft/VisualStudio' }],
    next: 'nothing: it restarts the server; its tools start switched off',
  },
  {
    ...{ id: 'windsurf', name: 'Windsurf', format: 'json', at: ['mcpServers'], shape: 'windsurf' },
    files: [
      { scope: 'user', path: '~/.codeium/windsurf/mcp_config.json' },
      { scope: 'user', path: '~/.codeium/mcp_config.json' },
      { scope: 'project', path: 'P/.mcp.json', shape: 'claude' },
    ],
    installed: ['~/.codeium/windsurf'],
    next: 'press Refresh in its list of servers, or restart it',
  },
  {
    ...{ id: 'devin', name: 'Devin Local', format: 'json', at: ['mcpServers'], shape: 'windsurf' },
    files: [
      { scope: 'user', path: '~/.config/devin/mcp_config.json' },
      { scope: 'project', path: 'P/.devin/mcp_config.json' },
      { scope: 'project', path: 'P/.devin/mcp_config.local.json' },
    ],
    installed: ['~/.config/devin'],
    next: RESTART,
  },
  {
    ...{ id: 'antigravity', name: 'Antigravity', format: 'json', at: ['mcpServers'], shape: 'antigravity' },
    files: [
      { scope: 'user', path: '~/.gemini/config/mcp_config.json' },
      { scope: 'user', path: '~/.gemini/antigravity/mcp_config.json', isOlder: true },
      { scope: 'project', path: 'P/.agents/mcp_config.json' },
    ],
    installed: ['~/.gemini/config', '~/.gemini/antigravity'],
    next: RESTART,
  },
  {
    ...{ id: 'zed', name: 'Zed', format: 'json', at: ['context_servers'], shape: 'zed' },
    files: [
      {
        scope: 'user',
        path: {
          linux: '${FLATPAK_XDG_CONFIG_HOME:-XDG}/zed/settings.json',
          darwin: '~/.config/zed/settings.json',
          win32: '${APPDATA:-~/AppData/Roaming}/Zed/settings.json',
        },
      },
      { scope: 'project', path: 'P/.zed/settings.json' },
    ],
    installed: [],
    next: 'nothing: it takes the change when the file is saved',
  },
  {
    ...{ id: 'cline', name: 'Cline', format: 'json', at: ['mcpServers'], shape: 'cline' },
    files: [
      {
        scope: 'user',
        path: '${CLINE_MCP_SETTINGS_PATH:-${CLINE_DATA_DIR:-${CLINE_DIR:-~/.cline}/data}/settings/cline_mcp_settings.json}',
      },
      ...CODES.map((code) => ({
        ...{ scope: 'user' as const, isOlder: true as const },
        path: `CFG/${code}/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json`,
      })),
    ],
    installed: ['~/.cline', ...CODES.map((code) => `CFG/${code}/User/globalStorage/saoudrizwan.claude-dev`)],
    next: WATCHES,
  },
  {
    ...{ id: 'roo-code', name: 'Roo Code', format: 'json', at: ['mcpServers'], shape: 'roo' },
    files: [
      ...CODES.map((code) => ({
        scope: 'user' as const,
        path: `CFG/${code}/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json`,
      })),
      { scope: 'project', path: 'P/.roo/mcp.json' },
    ],
    installed: [],
    next: WATCHES,
  },
  {
    ...{ id: 'kilo-code', name: 'Kilo Code', format: 'json', at: ['mcp'], shape: 'opencode' },
    files: [
      ...['kilo.jsonc', 'kilo.json', 'opencode.jsonc', 'opencode.json', 'config.json'].map((file) => ({
        scope: 'user' as const,
        path: `~/.config/kilo/${file}`,
      })),
      ...['P/kilo.jsonc', 'P/kilo.json', 'P/.kilo/kilo.jsonc', 'P/.kilo/kilo.json'].map((path) => ({ scope: 'project' as const, path })),
      { scope: 'project', path: 'P/.kilocode/mcp.json', at: ['mcpServers'], shape: 'roo' },
      ...CODES.map((code) => ({
        ...{ scope: 'user' as const, at: ['mcpServers'], shape: 'roo' as const, isOlder: true as const },
        path: `CFG/${code}/User/globalStorage/kilocode.kilo-code/settings/mcp_settings.json`,
      })),
    ],
    installed: [],
    next: RESTART,
  },
  {
    ...{ id: 'kiro', name: 'Kiro', format: 'json', at: ['mcpServers'], shape: 'kiro' },
    files: [
      { scope: 'user', path: '~/.kiro/settings/mcp.json' },
      { scope: 'plugin', path: '~/.kiro/settings/mcp.json', at: ['powers', 'mcpServers'], leave: PLUGIN },
      { scope: 'project', path: 'P/.kiro/settings/mcp.json' },
      { scope: 'user', path: '~/.kiro/agents/*.json' },
      { scope: 'project', path: 'P/.kiro/agents/*.json' },
    ],
    installed: ['~/.kiro'],
    next: WATCHES,
    nextInProject: 'it reads the file only where the workspace is trusted',
  },
  {
    ...{ id: 'jetbrains-ai', name: 'JetBrains AI Assistant', format: 'json', at: ['mcpServers'], shape: 'jetbrains' },
    files: [
      { scope: 'user', path: '~/.ai/mcp/mcp.json' },
      { scope: 'project', path: 'P/.ai/mcp/mcp.json' },
    ],
    installed: [],
    next: 'restart the IDE',
  },
  {
    ...{ id: 'junie', name: 'Junie', format: 'json', at: ['mcpServers'], shape: 'plain' },
    files: [
      { scope: 'user', path: '~/.junie/mcp/mcp.json' },
      { scope: 'project', path: 'P/.junie/mcp/mcp.json' },
    ],
    installed: ['~/.junie'],
    next: 'restart the IDE',
  },
  {
    ...{ id: 'trae', name: 'Trae', format: 'json', at: ['mcpServers'], shape: 'plain' },
    files: [{ scope: 'project', path: 'P/.trae/mcp.json' }],
    installed: ['CFG/Trae'],
    next: 'restart it; "Enable Project MCP" has to be on, and servers of the user are in the app itself',
  },
  {
    ...{ id: 'amazon-q', name: 'Amazon Q', format: 'json', at: ['mcpServers'], shape: 'amazon-q' },
    files: [
      ...['~/.aws/amazonq/default.json', '~/.aws/amazonq/agents/default.json', '~/.aws/amazonq/mcp.json'].map((path) => ({
        ...{ scope: 'user' as const, path },
      })),
      { scope: 'user', path: '~/.aws/amazonq/cli-agents/*.json' },
      { scope: 'project', path: 'P/.amazonq/default.json' },
      { scope: 'project', path: 'P/.amazonq/mcp.json' },
    ],
    installed: ['~/.aws/amazonq'],
    next: RESTART,
  },
  {
    ...{ id: 'continue', name: 'Continue', format: 'yaml', at: ['mcpServers'], shape: 'continue' },
    files: [
      { scope: 'user', path: '~/.continue/config.yaml' },
      { scope: 'user', path: '~/.continue/mcpServers/**/*.yaml' },
      { scope: 'project', path: 'P/.continue/mcpServers/**/*.yaml' },
      { scope: 'user', path: '~/.continue/mcpServers/**/*.json', format: 'json', shape: 'plain' },
      { scope: 'project', path: 'P/.continue/mcpServers/**/*.json', format: 'json', shape: 'plain' },
    ],
    installed: ['~/.continue'],
    next: 'reload the editor window, or start a new session',
  },
];

/** Apps that are no editors. */
export const APPS: readonly ClientRow[] = [
  {
    ...{ id: 'claude-desktop', name: 'Claude Desktop', format: 'json', at: ['mcpServers'], shape: 'desktop' },
    files: [
      { scope: 'user', path: 'CFG/Claude/claude_desktop_config.json' },
      {
        scope: 'user',
        path: {
          win32: '${LOCALAPPDATA:-~/AppData/Local}/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/claude_desktop_config.json',
        },
      },
    ],
    installed: ['CFG/Claude', { win32: '${LOCALAPPDATA:-~/AppData/Local}/Packages/Claude_pzs8sxrjxfjjc' }],
    beside: [
      {
        path: 'CFG/Claude/Claude Extensions/*/manifest.json',
        says: 'an extension of Claude Desktop starts a server of its own: it stays open',
      },
    ],
    next: 'quit it, in the tray as well, and start it again',
  },
  {
    ...{ id: 'lm-studio', name: 'LM Studio', format: 'json', at: ['mcpServers'], shape: 'plain' },
    files: [
      { scope: 'user', path: '~/.lmstudio/mcp.json' },
      { scope: 'user', path: '~/.cache/lm-studio/mcp.json', isOlder: true },
    ],
    installed: ['~/.lmstudio'],
    next: RESTART,
  },
  {
    ...{ id: 'boltai', name: 'BoltAI', format: 'json', at: ['mcpServers'], shape: 'plain' },
    files: [{ scope: 'user', path: { darwin: '~/.boltai/mcp.json' } }],
    installed: [],
    next: RESTART,
  },
  {
    ...{ id: 'witsy', name: 'Witsy', format: 'json', at: ['mcpServers'], shape: 'plain' },
    files: [{ scope: 'user', path: 'CFG/Witsy/settings.json' }],
    installed: ['CFG/Witsy'],
    next: RESTART,
  },
];
