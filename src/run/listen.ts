/** The options of `--transport http`: where the proxy listens, and to whom (cli.md §1, wire.md §5). */

import { UsageError } from '../core/fault.ts';
import { isLoopback } from '../http/proxies.ts';
import type { ListenOptions } from '../serve/options.ts';

export interface ListenValues {
  readonly bind: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  readonly allowHost: readonly string[];
  readonly allowOrigin: readonly string[];
  /** The variable that holds the token. */
  readonly tokenEnv: string | undefined;
  /** `NAME=VARIABLE`. */
  readonly agentToken: readonly string[];
  readonly passHeader: readonly string[];
  readonly preserveHost: boolean;
  readonly maxSessions: number;
  readonly upstreamSse: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Checks where the proxy is to listen, and to whom. Throws `UsageError`. */
export function listenOptions(values: ListenValues, env: Environment): ListenOptions {
  const { bind, port, publicUrl, allowHost, allowOrigin, tokenEnv, agentToken, passHeader, preserveHost, maxSessions, upstreamSse } =
    values;
  const token = tokenEnv === undefined ? undefined : { variable: tokenEnv, value: tokenIn('--token-env', tokenEnv, env) };
  const agentTokens = agentToken.map((text) => parseAgentToken(text, env));
  refuseSame([...(token ? [token] : []), ...agentTokens]);
  if (!token && agentTokens.length === 0 && !isLoopback(bind))
    throw new UsageError(
      `--bind ${bind} lets other machines call, and nothing says who may`,
      'name a variable that holds a bearer token with --token-env or --agent-token, or bind 127.0.0.1',
    );
  const named = publicUrl === undefined ? undefined : parsePublicUrl(publicUrl);
  return {
    bind,
    port,
    publicUrl: named && `${named.origin}${named.pathname.replace(/\/+$/, '')}`,
    hosts: [...allowHost.map(parseHost), ...namesOf(named)],
    origins: allowOrigin.map(parseOrigin),
    token,
    agentTokens,
    passHeaders: passHeader.map(parseName),
    preserveHost,
    maxSessions,
    upstreamSse,
  };
}

/** SECURITY: a short token can be guessed, and one with a space cannot be sent. */
function tokenIn(flag: string, variable: string, env: Environment): string {
  const value = env[variable];
  if (!value) throw new UsageError(`${flag}: the variable ${variable} is not set`, `set ${variable} to a long random text`);
  if (!/^[!-~]{16,}$/.test(value))
    throw new UsageError(
      `${flag}: the value of ${variable} is no token`,
      'it takes at least 16 characters, without spaces: openssl rand -hex 32',
    );
  return value;
}

/** `NAME=VARIABLE`: who brings the variable's value is agent NAME. */
function parseAgentToken(text: string, env: Environment): ListenOptions['agentTokens'][number] {
  const [, name = '', variable = ''] = /^(.+)=([A-Za-z_][A-Za-z0-9_]*)$/s.exec(text) ?? [];
  // SECURITY: what is wrong is said without what was written: it may be the token itself.
  if (name.trim() === '' || name !== name.trim())
    throw new UsageError(
      '--agent-token does not say "NAME=VARIABLE"',
      'for example --agent-token alice=ALICE_TOKEN, where the variable holds the token',
    );
  return { name, variable, value: tokenIn('--agent-token', variable, env) };
}

/** SECURITY: a token that two bring tells nobody apart. */
function refuseSame(tokens: readonly { readonly value: string; readonly variable: string }[]): void {
  const seen = new Map<string, string>();
  for (const { value, variable } of tokens) {
    const other = seen.get(value);
    if (other !== undefined)
      throw new UsageError(
        other === variable ? `${variable} is named as the token of two` : `${other} and ${variable} hold the same token`,
        'give each agent a token of its own: openssl rand -hex 32',
      );
    seen.set(value, variable);
  }
}

/** Servers in between pass the name on with its port, or without. */
function namesOf(named: URL | undefined): readonly string[] {
  return named ? [...new Set([named.host, named.hostname])] : [];
}

/** Reads what stands before `/mcp` in the URL that clients are given. */
function parsePublicUrl(text: string): URL {
  const url = URL.parse(text);
  const isPlain = url && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (isPlain && /^[\w./~-]*$/.test(url.pathname) && !url.pathname.includes('//'))
    return new URL(url.pathname.replace(/\/mcp\/?$/, '/'), url);
  throw new UsageError(
    `--public-url ${JSON.stringify(text)} is not the URL of a listener`,
    'write scheme, host and, where there is one, the path before /mcp: https://mcp.example.com/team',
  );
}

function parseHost(text: string): string {
  if (/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.test(text)) return text.toLowerCase();
  throw new UsageError(`--allow-host ${JSON.stringify(text)} is not a host`, 'write a name, with or without a port: mcp.example.com');
}

function parseOrigin(text: string): string {
  if (text !== 'null' && URL.parse(text)?.origin === text.toLowerCase()) return text.toLowerCase();
  throw new UsageError(
    `--allow-origin ${JSON.stringify(text)} is not an origin`,
    'write scheme, host and port alone: https://app.example.com',
  );
}

/** Headers that pass in their own way, or must never pass. */
const NEVER = [
  ...['authorization', 'connection', 'content-encoding', 'content-length', 'cookie', 'expect', 'host', 'keep-alive', 'origin'],
  ...['proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
];

function parseName(text: string): string {
  const name = text.toLowerCase();
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
    throw new UsageError(`--pass-header ${JSON.stringify(text)} is not a header's name`, 'for example --pass-header X-Tenant');
  if (NEVER.includes(name))
    throw new UsageError(
      `the header ${JSON.stringify(name)} cannot be passed on with --pass-header`,
      'remove the flag; what the server needs may be given with --header',
    );
  return name;
}
