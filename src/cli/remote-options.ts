/** `--upstream`, `--header` and `--header-env`: the server that is reached over HTTP (cli.md §1). */
import { UsageError } from './faults.ts';

export interface Remote {
  readonly url: URL;
  /** Sent with every request, in place of the client's of the same name (in lower case). */
  readonly headers: Readonly<Record<string, string>>;
  /** Variables that hold secrets: a server of ours does not get them. */
  readonly secretEnv: readonly string[];
}

export interface RemoteFlags {
  readonly upstream?: string;
  /** `Name: value`. */
  readonly header?: readonly string[];
  /** `Name=VARIABLE`. */
  readonly headerEnv?: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A field name of HTTP, and what its value must not contain. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;
/** What belongs to the connection or the protocol, and is written by us. */
const OURS = [
  ...['connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['accept', 'accept-encoding', 'last-event-id', 'mcp-session-id'],
];

/** Reads the flags; undefined where no upstream is named. Throws `UsageError`. */
export function parseRemote({ upstream, header = [], headerEnv = [] }: RemoteFlags, env: Environment): Remote | undefined {
  if (upstream === undefined) {
    if (header.length + headerEnv.length > 0)
      throw new UsageError('there is nowhere to send headers to', 'name the server with --upstream');
    return undefined;
  }
  const written = header.map((text) => parseHeader(text, env));
  const fromEnv = headerEnv.map((text) => parseHeaderEnv(text, env));
  return {
    url: parseUrl(upstream),
    headers: Object.fromEntries([...written, ...fromEnv.map(({ field }) => field)]),
    secretEnv: [...fromEnv.map(({ variable }) => variable), ...header.flatMap(variablesOf)],
  };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new UsageError(`--upstream ${JSON.stringify(text)} is not a URL`, 'write it whole, such as https://mcp.example.com/mcp');
  url.hash = '';
  return url;
}

function parseHeader(text: string, env: Environment): readonly [string, string] {
  const [, name = '', value = ''] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (!NAME.test(name.trim())) throw new UsageError('--header does not say "Name: value"', 'for example --header "X-Tenant: acme"');
  return field(
    name,
    value.replace(VARIABLE, (_, variable: string) => readVariable(variable, '--header', env)),
  );
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

function variablesOf(text: string): readonly string[] {
  return [...text.matchAll(VARIABLE)].map(([, variable]) => variable as string);
}

function parseHeaderEnv(text: string, env: Environment) {
  const [, name = '', variable = ''] = /^([^=]+)=([A-Za-z_][A-Za-z0-9_]*)$/.exec(text) ?? [];
  if (!NAME.test(name))
    throw new UsageError(
      `--header-env ${JSON.stringify(text)} does not say "Name=VARIABLE"`,
      'for example --header-env Authorization=MCP_AUTHORIZATION',
    );
  return { field: field(name, readVariable(variable, '--header-env', env)), variable };
}

function readVariable(variable: string, flag: string, env: Environment): string {
  const value = env[variable];
  if (!value) throw new UsageError(`${flag}: the variable ${variable} is not set`, `set ${variable}, or remove the flag`);
  return value;
}

function field(name: string, value: string): readonly [string, string] {
  const lower = name.trim().toLowerCase();
  if (OURS.includes(lower)) throw new UsageError(`the header ${JSON.stringify(lower)} is written by the proxy`, 'remove it');
  // SECURITY: what is wrong with a value is said without it.
  if (UNFIT.test(value.trim()))
    throw new UsageError(`the value of the header ${JSON.stringify(lower)} has a character that no header may have`);
  return [lower, value.trim()];
}
