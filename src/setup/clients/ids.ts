/** Names that the tables of this room have rows for. */

/** The clients that are known, by the name that a person writes after `--client` and Intercept after `--agent`. */
export const CLIENT_IDS = [
  'claude-code',
  'claude-desktop',
  'cursor',
  'vscode',
  'vscode-insiders',
  'copilot-cli',
  'visual-studio',
  'windsurf',
  'devin',
  'codex',
  'gemini-cli',
  'qwen-code',
  'antigravity',
  'zed',
  'cline',
  'roo-code',
  'kilo-code',
  'opencode',
  'continue',
  'goose',
  'kiro',
  'amazon-q',
  'jetbrains-ai',
  'junie',
  'warp',
  'warp-agent',
  'amp',
  'factory-droid',
  'lm-studio',
  'crush',
  'trae',
  'boltai',
  'witsy',
  'kimi-code',
  'xcode-claude',
] as const;

export type ClientId = (typeof CLIENT_IDS)[number];

/** The ways that entries are written: rows of shapes.ts. */
export type ShapeId =
  | 'plain'
  | 'claude'
  | 'desktop'
  | 'cursor'
  | 'vscode'
  | 'copilot'
  | 'windsurf'
  | 'codex'
  | 'gemini'
  | 'antigravity'
  | 'zed'
  | 'cline'
  | 'roo'
  | 'opencode'
  | 'continue'
  | 'goose'
  | 'kiro'
  | 'amazon-q'
  | 'warp'
  | 'jetbrains'
  | 'shell-like'
  | 'droid'
  | 'crush';

/** The ways that clients write references: rows of references.ts. */
export type Dialect = 'none' | 'braces' | 'env-colon' | 'vscode' | 'env-file' | 'shell-words' | 'curly-env' | 'secrets' | 'shell';
