/** The ways that entries are written: a row for each way that clients have. Adding one is one row and its tests. */
import type { Dialect, ShapeId } from './ids.ts';

export interface EntryShape {
  /** The servers are a list, whose items have a `name`. */
  readonly isList?: true;
  readonly command: string;
  /** Command and arguments are one list, under `command`. */
  readonly isOneList?: true;
  readonly args: string;
  readonly env: string;
  readonly cwd: string;
  /** Keys that may hold the URL, each with what it means where no `type` says it. */
  readonly urls: Readonly<Record<string, 'http' | 'sse'>>;
  readonly headers: readonly string[];
  /** The word that `type` has for a command; absent: a bridge has no `type`. */
  readonly local?: string;
  /** `type` has to be there. */
  readonly needsType?: true;
  /** The key that switches an entry off, and its value then. */
  readonly off?: readonly [key: string, value: boolean];
  /** Keys that say that the client logs in, or holds a login. */
  readonly logins: readonly string[];
  /** Keys of a remote entry that no bridge carries, with the reason. */
  readonly bars: Readonly<Record<string, string>>;
  /** The client refuses an entry that has members of both kinds, and with it the file. */
  readonly isStrict?: true;
  /** Variables that read empty in headers: in `env` they would be sent. */
  readonly withheld?: RegExp;
  /** All that command, arguments and so on stand in, where an entry has it. */
  readonly nested?: { readonly key: string; readonly command: string };
  /** Codex: headers come from variables, by name. */
  readonly bearerVariable?: string;
  readonly headerVariables?: string;
  /** A list of variables that the client passes on. */
  readonly passes?: string;
  readonly references: Dialect;
}

const PLAIN: EntryShape = {
  ...{ command: 'command', args: 'args', env: 'env', cwd: 'cwd' },
  urls: { url: 'http' },
  headers: ['headers'],
  logins: ['oauth', 'auth'],
  bars: {},
  references: 'none',
};

const HELPER = 'its headers come from a command that the client runs';
const OFF = ['disabled', true] as const;

export const SHAPES: Readonly<Record<ShapeId, EntryShape>> = {
  plain: PLAIN,
  claude: {
    ...PLAIN,
    ...{ local: 'stdio', bars: { headersHelper: HELPER }, references: 'braces' },
    withheld: /^(?:ANTHROPIC_\w+|CLAUDE_CODE_\w+|NPM_TOKEN)$/,
  },
  desktop: { ...PLAIN, urls: {} },
  cursor: { ...PLAIN, references: 'env-colon' },
  vscode: { ...PLAIN, local: 'stdio', references: 'vscode' },
  copilot: { ...PLAIN, local: 'local', references: 'braces' },
  windsurf: { ...PLAIN, urls: { serverUrl: 'http', url: 'http' }, off: OFF, references: 'env-file' },
  codex: {
    ...PLAIN,
    isStrict: true,
    off: ['enabled', false],
    headers: ['http_headers'],
    logins: ['oauth', 'oauth_resource'],
    bars: { http_headers_helper: HELPER },
    bearerVariable: 'bearer_token_env_var',
    headerVariables: 'env_http_headers',
    passes: 'env_vars',
  },
  gemini: {
    ...PLAIN,
    urls: { httpUrl: 'http', url: 'sse' },
    local: 'stdio',
    logins: ['oauth', 'authProviderType'],
    references: 'shell-words',
  },
  antigravity: { ...PLAIN, urls: { serverUrl: 'http' }, off: OFF },
  zed: { ...PLAIN, off: ['enabled', false], nested: { key: 'command', command: 'path' } },
  cline: {
    ...PLAIN,
    ...{ local: 'stdio', urls: { url: 'sse' }, off: OFF, references: 'env-colon' },
    bars: { remoteConfigured: 'an administrator keeps it' },
    nested: { key: 'transport', command: 'command' },
  },
  roo: { ...PLAIN, isStrict: true, local: 'stdio', urls: { url: 'sse' }, off: OFF, references: 'vscode' },
  opencode: {
    ...PLAIN,
    ...{ isOneList: true, env: 'environment', local: 'local', needsType: true, off: ['enabled', false], references: 'curly-env' },
  },
  continue: {
    ...PLAIN,
    ...{ isList: true, local: 'stdio', headers: ['requestOptions', 'headers'], references: 'secrets' },
    bars: { apiKey: 'its token stands in "apiKey"' },
  },
  goose: {
    ...PLAIN,
    ...{ command: 'cmd', env: 'envs', local: 'stdio', needsType: true, urls: { uri: 'http' }, off: ['enabled', false] },
    bars: { env_keys: 'values for it are in the keychain, for the client alone' },
  },
  kiro: { ...PLAIN, local: 'stdio', off: OFF, references: 'braces' },
  'amazon-q': { ...PLAIN, local: 'stdio', off: OFF, references: 'braces' },
  warp: { ...PLAIN, cwd: 'working_directory' },
  jetbrains: { ...PLAIN, cwd: 'workingDirectory' },
  'shell-like': { ...PLAIN, references: 'braces' },
  droid: { ...PLAIN, local: 'stdio', off: OFF, references: 'braces' },
  crush: {
    ...PLAIN,
    ...{ local: 'stdio', needsType: true, off: OFF, references: 'shell' },
  },
};
