/** Agents in the terminal, and the programs that share their files. */
import { type ClientRow, MANAGED, PLUGIN } from './row.ts';

const NEW_SESSION = 'start a new session';

export const AGENTS: readonly ClientRow[] = [
  {
    ...{ id: 'claude-code', name: 'Claude Code', format: 'json', at: ['mcpServers'], shape: 'claude' },
    files: [
      { scope: 'user', path: '${CLAUDE_CONFIG_DIR:-~}/.claude.json' },
      { scope: 'local', path: '${CLAUDE_CONFIG_DIR:-~}/.claude.json', at: ['projects', '*', 'mcpServers'] },
      { scope: 'project', path: 'P/.mcp.json' },
      {
        scope: 'managed',
        path: {
          linux: '/etc/claude-code/managed-mcp.json',
          darwin: '/Library/Application Support/ClaudeCode/managed-mcp.json',
          win32: '${ProgramFiles:-C:/Program Files}/ClaudeCode/managed-mcp.json',
        },
        leave: MANAGED,
      },
      { scope: 'plugin', path: '${CLAUDE_CONFIG_DIR:-~/.claude}/plugins/cache/**/.mcp.json', leave: PLUGIN },
    ],
    installed: ['~/.claude', '${CLAUDE_CONFIG_DIR:-~}/.claude.json'],
    next: `${NEW_SESSION}, or "/mcp" and Reconnect`,
    nextInProject: 'it may ask again whether the project may use its servers',
  },
  {
    ...{ id: 'xcode-claude', name: "Xcode's Claude agent", format: 'json', at: ['mcpServers'], shape: 'claude' },
    files: [{ scope: 'user', path: { darwin: '~/Library/Developer/Xcode/CodingAssistant/ClaudeAgentConfig/.claude.json' } }],
    installed: [],
    next: 'restart Xcode',
  },
  {
    ...{ id: 'codex', name: 'Codex', format: 'toml', at: ['mcp_servers'], shape: 'codex' },
    files: [
      { scope: 'user', path: '${CODEX_HOME:-~/.codex}/config.toml' },
      { scope: 'profile', path: '${CODEX_HOME:-~/.codex}/*.config.toml' },
      { scope: 'project', path: 'P/.codex/config.toml' },
      {
        scope: 'managed',
        path: {
          linux: '/etc/codex/config.toml',
          darwin: '/etc/codex/config.toml',
          win32: '${ProgramData:-C:/ProgramData}/OpenAI/Codex/config.toml',
        },
        leave: MANAGED,
      },
      { scope: 'plugin', path: '${CODEX_HOME:-~/.codex}/config.toml', at: ['plugins', '*', 'mcp_servers'], leave: PLUGIN },
    ],
    installed: ['${CODEX_HOME:-~/.codex}'],
    next: NEW_SESSION,
    nextInProject: 'it reads the file only where the project is trusted',
  },
  {
    ...{ id: 'copilot-cli', name: 'GitHub Copilot CLI', format: 'json', at: ['mcpServers'], shape: 'copilot' },
    files: [
      { scope: 'user', path: '${COPILOT_HOME:-~/.copilot}/mcp-config.json' },
      { scope: 'project', path: 'P/.mcp.json', shape: 'claude' },
      { scope: 'project', path: 'P/.github/mcp.json' },
    ],
    installed: ['${COPILOT_HOME:-~/.copilot}'],
    next: NEW_SESSION,
  },
  {
    ...{ id: 'gemini-cli', name: 'Gemini CLI', format: 'json', at: ['mcpServers'], shape: 'gemini' },
    files: [
      { scope: 'user', path: '~/.gemini/settings.json' },
      { scope: 'project', path: 'P/.gemini/settings.json' },
      {
        scope: 'managed',
        path: {
          linux: '/etc/gemini-cli/settings.json',
          darwin: '/Library/Application Support/GeminiCli/settings.json',
          win32: '${ProgramData:-C:/ProgramData}/gemini-cli/settings.json',
        },
        leave: MANAGED,
      },
      { scope: 'plugin', path: '~/.gemini/extensions/*/gemini-extension.json', leave: PLUGIN },
    ],
    installed: ['~/.gemini/settings.json'],
    next: `${NEW_SESSION}, or "/mcp"`,
    nextInProject: 'it reads the file only where the folder is trusted',
  },
  {
    ...{ id: 'qwen-code', name: 'Qwen Code', format: 'json', at: ['mcpServers'], shape: 'gemini' },
    files: [
      { scope: 'user', path: '~/.qwen/settings.json' },
      { scope: 'project', path: 'P/.qwen/settings.json' },
      { scope: 'project', path: 'P/.mcp.json', shape: 'claude' },
    ],
    installed: ['~/.qwen'],
    next: 'restart it',
    nextInProject: 'it asks again for each changed server of ".mcp.json"',
  },
  {
    ...{ id: 'opencode', name: 'OpenCode', format: 'json', at: ['mcp'], shape: 'opencode' },
    files: [
      { scope: 'user', path: 'XDG/opencode/opencode.jsonc' },
      { scope: 'user', path: 'XDG/opencode/opencode.json' },
      { scope: 'user', path: 'XDG/opencode/config.json' },
      { scope: 'user', path: '~/.opencode/opencode.jsonc' },
      { scope: 'user', path: '~/.opencode/opencode.json' },
      { scope: 'user', path: { win32: '${LOCALAPPDATA:-~/AppData/Local}/opencode/opencode.jsonc' } },
      { scope: 'user', path: { win32: '${LOCALAPPDATA:-~/AppData/Local}/opencode/opencode.json' } },
      { scope: 'user', path: '${OPENCODE_CONFIG}' },
      { scope: 'user', path: '${OPENCODE_CONFIG_DIR}/opencode.jsonc' },
      { scope: 'user', path: '${OPENCODE_CONFIG_DIR}/opencode.json' },
      { scope: 'project', path: 'P/opencode.jsonc' },
      { scope: 'project', path: 'P/opencode.json' },
      { scope: 'project', path: 'P/.opencode/opencode.jsonc' },
      { scope: 'project', path: 'P/.opencode/opencode.json' },
      {
        scope: 'managed',
        path: {
          linux: '/etc/opencode/opencode.json',
          darwin: '/Library/Application Support/opencode/opencode.json',
          win32: '${ProgramData:-C:/ProgramData}/opencode/opencode.json',
        },
        leave: MANAGED,
      },
    ],
    installed: [],
    next: NEW_SESSION,
  },
  {
    ...{ id: 'crush', name: 'Crush', format: 'json', at: ['mcp'], shape: 'crush' },
    files: [
      { scope: 'user', path: '${CRUSH_GLOBAL_CONFIG:-XDG/crush}/crush.json' },
      {
        scope: 'user',
        path: {
          linux: '${XDG_DATA_HOME:-~/.local/share}/crush/crush.json',
          darwin: '~/.local/share/crush/crush.json',
          win32: '${LOCALAPPDATA:-~/AppData/Local}/crush/crush.json',
        },
      },
      { scope: 'project', path: 'P/.crush/crush.json' },
      { scope: 'project', path: 'P/.crush.json' },
      { scope: 'project', path: 'P/crush.json' },
      { scope: 'managed', path: { linux: '/etc/crush/crush.json', darwin: '/etc/crush/crush.json' }, leave: MANAGED },
    ],
    installed: [],
    next: NEW_SESSION,
    beside: ['XDG/crush/crushrc', 'P/crushrc', 'P/.crushrc'].map((path) => ({
      ...{ path, says: 'a shell script of Crush goes before its JSON files: servers that it sets stay open' },
    })),
  },
  {
    ...{ id: 'goose', name: 'Goose', format: 'yaml', at: ['extensions'], shape: 'goose' },
    files: [
      {
        scope: 'user',
        path: {
          linux: 'XDG/goose/config.yaml',
          darwin: '~/.config/goose/config.yaml',
          win32: '${APPDATA:-~/AppData/Roaming}/Block/goose/config/config.yaml',
        },
      },
      { scope: 'plugin', path: '~/.agents/plugins/*/.mcp.json', format: 'json', at: ['mcpServers'], shape: 'plain', leave: PLUGIN },
      { scope: 'plugin', path: 'P/.agents/plugins/*/.mcp.json', format: 'json', at: ['mcpServers'], shape: 'plain', leave: PLUGIN },
    ],
    installed: [],
    next: NEW_SESSION,
  },
  {
    ...{ id: 'amp', name: 'Amp', format: 'json', at: ['amp.mcpServers'], shape: 'shell-like' },
    files: [
      { scope: 'user', path: 'XDG/amp/settings.json' },
      { scope: 'user', path: 'XDG/amp/settings.jsonc' },
      { scope: 'user', path: { win32: '${APPDATA:-~/AppData/Roaming}/amp/settings.json' } },
      { scope: 'project', path: 'P/.amp/settings.json' },
      { scope: 'project', path: 'P/.amp/settings.jsonc' },
    ],
    installed: [],
    next: 'restart it',
    nextInProject: 'run "amp mcp approve NAME" for each changed server',
  },
  {
    ...{ id: 'factory-droid', name: 'Factory Droid', format: 'json', at: ['mcpServers'], shape: 'droid' },
    files: [
      { scope: 'user', path: '~/.factory/mcp.json' },
      { scope: 'project', path: 'P/.factory/mcp.json' },
    ],
    installed: ['~/.factory'],
    next: NEW_SESSION,
  },
  {
    ...{ id: 'warp', name: 'Warp', format: 'json', at: ['mcpServers'], shape: 'warp' },
    files: [
      { scope: 'user', path: '~/.warp/.mcp.json' },
      { scope: 'project', path: 'P/.warp/.mcp.json' },
    ],
    installed: ['~/.warp'],
    next: 'restart Warp; servers in Warp Drive are not in this file',
    nextInProject: "Warp asks for the project's servers in each session",
  },
  {
    ...{ id: 'warp-agent', name: 'Warp agent CLI', format: 'json', at: ['mcpServers'], shape: 'warp' },
    files: [{ scope: 'user', path: '~/.warp_cli/.mcp.json' }],
    installed: ['~/.warp_cli'],
    next: NEW_SESSION,
  },
  {
    ...{ id: 'kimi-code', name: 'Kimi Code', format: 'json', at: ['mcpServers'], shape: 'plain' },
    files: [{ scope: 'user', path: '~/.kimi-code/mcp.json' }],
    installed: ['~/.kimi-code'],
    next: NEW_SESSION,
  },
];
