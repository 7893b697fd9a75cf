/** `--upstream`, `--header` and `--header-env`: the server that is reached over HTTP (cli.md §1). */
import { UsageError } from '../core/fault.ts';
import type { GivenHeader, Remote } from '../serve/options.ts';

export interface RemoteValues {
  readonly upstream: string | undefined;
  /** `Name: value`. */
  readonly header: readonly string[];
  /** `Name=VARIABLE`. */
  readonly headerEnv: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A field name of HTTP, and what its value must not contain. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const UNFIT = /[^\t\P{Cc}]/u;
/** Headers of the connection or the protocol, which we write. */
const OURS = [
  ...['connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['accept', 'accept-encoding', 'last-event-id', 'mcp-session-id'],
];

/** Reads the flags; undefined where no upstream is named. Throws `UsageError`. */
export function parseRemote({ upstream, header, headerEnv }: RemoteValues, env: Environment): Remote | undefined {
  if (upstream === undefined) {
    if (header.length + headerEnv.length > 0)
      throw new UsageError('there is nowhere to send headers to', 'name the server with --upstream');
    return undefined;
  }
  const url = parseUrl(upstream);
  const given = [...header.map((text) => parseHeader(text, env)), ...headerEnv.map((text) => parseHeaderEnv(text, env))];
  return {
    url,
    headers: Object.fromEntries(given.map(({ name, value }) => [name, asBytes(value)])),
    given,
    secretEnv: given.flatMap(({ variables }) => variables),
  };
}

/** A header is bytes, one for each character: those that the text has where it was written. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new UsageError(`--upstream ${JSON.stringify(text)} is not a URL`, 'write it whole, such as https://mcp.example.com/mcp');
  url.hash = '';
  return url;
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

function parseHeader(text: string, env: Environment): GivenHeader {
  const [, name = '', value = ''] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (!NAME.test(name.trim())) throw new UsageError('--header does not say "Name: value"', 'for example --header "X-Tenant: acme"');
  const read = (variable: string) => readVariable(variable, '--header', env);
  const variables = [...value.matchAll(VARIABLE)].map(([, variable]) => variable as string);
  const whole = value.replace(VARIABLE, (_, variable: string) => read(variable));
  return { ...field(name, whole), variables, hidden: variables.map(read) };
}

function parseHeaderEnv(text: string, env: Environment): GivenHeader {
  const [, name = '', variable = ''] = /^([^=]+)=([A-Za-z_][A-Za-z0-9_]*)$/.exec(text) ?? [];
  if (!NAME.test(name))
    throw new UsageError(
      `--header-env ${JSON.stringify(text)} does not say "Name=VARIABLE"`,
      'for example --header-env Authorization=MCP_AUTHORIZATION',
    );
  const value = readVariable(variable, '--header-env', env);
  return { ...field(name, value), variables: [variable], hidden: [value] };
}

function readVariable(variable: string, flag: string, env: Environment): string {
  const value = env[variable];
  if (!value) throw new UsageError(`${flag}: the variable ${variable} is not set`, `set ${variable}, or remove the flag`);
  return value;
}

function field(name: string, value: string): Pick<GivenHeader, 'name' | 'value'> {
  const lower = name.trim().toLowerCase();
  if (OURS.includes(lower)) throw new UsageError(`the header ${JSON.stringify(lower)} is written by the proxy`, 'remove it');
  // SECURITY: what is wrong with a value is said without it.
  if (UNFIT.test(value.trim()))
    throw new UsageError(
      `the value of the header ${JSON.stringify(lower)} has a character that no header may have`,
      'look for line breaks and control characters in it',
    );
  return { name: lower, value: value.trim() };
}
