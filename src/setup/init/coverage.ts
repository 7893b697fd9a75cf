/** Tells whether an entry's server is behind Intercept, and by which policy (setup.md §3.1). */
import type { LocalEntry, RemoteEntry } from '../clients/types.ts';
import { identifyPackage } from '../library/package.ts';

/** The server behind Intercept, or what would be, as it is written. */
export type OriginalServer = Pick<LocalEntry, 'kind' | 'command' | 'args' | 'env'> | Pick<RemoteEntry, 'kind' | 'url' | 'headers'>;

/** An entry that starts Intercept, taken apart. */
export interface Wrapped {
  /** With the words that belong to it. */
  readonly program: readonly string[];
  /** As it is written; undefined where there is none, or two. */
  readonly policy: string | undefined;
  readonly agent: string | undefined;
  /** Flags that weaken it, or that nobody here knows. */
  readonly weak: readonly string[];
  /** It is the form that every machine can start. */
  readonly isNpx: boolean;
  /** Undefined where nothing is named. */
  readonly start: OriginalServer | undefined;
}

export type EntryCoverage =
  | { readonly kind: 'open' }
  | { readonly kind: 'covered'; readonly wrapped: Wrapped; readonly policy: string }
  /** Intercept stands there, but something is wrong. */
  | { readonly kind: 'weak'; readonly wrapped: Wrapped; readonly policy: string | undefined; readonly why: string };

/** Looks at programs and policies of this machine. */
export interface CoverageWays {
  /** The number of words, from the first, that are an Intercept of this machine; 0 where they are another program. */
  ownWords(words: readonly string[]): number;
  /** Why an Intercept cannot be started any more. */
  programFault(program: readonly string[]): string | undefined;
  /** Where a policy's path leads from the entry; undefined where that depends on the folder that a client starts in. */
  locate(policy: string): string | undefined;
  /** Why the policy there is not enforced; undefined where it is. */
  policyFault(path: string): string | undefined;
}

/** The flags that come before a server's command: whether a value follows. */
export const PROXY_FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...[
    '-c',
    '--config',
    '--agent',
    '--upstream',
    '--header',
    '--header-env',
    '--state-dir',
    '--state-dsn',
    '--state-dsn-file',
    '--state-ca',
    '--state-cert',
    '--state-key',
    '--state-prefix',
  ].map(takesValue),
  ...['--state-timeout', '--state-fail-mode', '--audit-args', '--audit-retention', '--log-level', '--max-message', '--max-state'].map(
    takesValue,
  ),
  ...['--upstream-timeout', '--approval-wait', '--admin-port'].map(takesValue),
  ...['--shadow', '--allow-self', '--enable-admin-api'].map((flag): [string, boolean] => [flag, false]),
]);

function takesValue(flag: string): [string, boolean] {
  return [flag, true];
}

const NPX_PACKAGE = /^@policylayer\/intercept@\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** Judges an entry. */
export function coverageOf(entry: LocalEntry, ways: CoverageWays): EntryCoverage {
  const wrapped = takeApart(entry, ways);
  if (!wrapped) return { kind: 'open' };
  const policy = wrapped.policy === undefined ? undefined : ways.locate(wrapped.policy);
  const why = faultOf(wrapped, policy, ways);
  if (why === undefined && policy !== undefined) return { kind: 'covered', wrapped, policy };
  return { kind: 'weak', wrapped, policy, why: why ?? 'it names no policy' };
}

function faultOf(
  { program, policy: named, isNpx, start, weak }: Wrapped,
  policy: string | undefined,
  ways: CoverageWays,
): string | undefined {
  const gone = isNpx ? undefined : ways.programFault(program);
  if (gone !== undefined) return gone;
  if (!start) return 'it names no server';
  if (weak.length > 0) return `it is started with ${weak.join(', ')}`;
  if (named === undefined) return 'it names no policy';
  // SECURITY: in another folder another file stands there, which whoever writes that folder wrote.
  return policy === undefined ? `its policy ${JSON.stringify(named)} is another in each folder: name it whole` : ways.policyFault(policy);
}

/** Takes an entry apart whose command is Intercept; undefined where it is another. */
function takeApart({ command, args, env }: LocalEntry, ways: CoverageWays): Wrapped | undefined {
  const words = [command, ...args];
  const isNpx = startsNpx(words);
  const from = isNpx ? words.findIndex((word) => NPX_PACKAGE.test(word)) + 1 : ways.ownWords(words);
  if (from === 0) return undefined;
  const { weak, ...rest } = readWords(words.slice(from), env);
  return { program: words.slice(0, from), isNpx, ...rest, weak: isNpx ? [...weak, ...redirects(words, env)] : weak };
}

/** `npx -y @policylayer/intercept@1.2.3`, behind `cmd /c` or not. SECURITY: not without a version, which anybody may publish. */
function startsNpx(words: readonly string[]): boolean {
  const own = words[0]?.toLowerCase().replace(/\.exe$/, '') === 'cmd' && words[1]?.toLowerCase() === '/c' ? words.slice(2) : words;
  const [npx = '', yes = '', name = ''] = own;
  return /^npx(?:\.cmd)?$/.test(npx) && /^(?:-y|--yes)$/.test(yes) && NPX_PACKAGE.test(name);
}

/** SECURITY: by variables npx brings a program of the same name from elsewhere. */
function redirects(words: readonly string[], env: ReadonlyMap<string, string>): readonly string[] {
  const started = identifyPackage(words, Object.fromEntries(env));
  return started.kind === 'unknown' ? [`npx where ${started.why}`] : [];
}

function readWords(words: readonly string[], env: ReadonlyMap<string, string>): Omit<Wrapped, 'program' | 'isNpx'> {
  const { values, weak, rest } = readFlags(words);
  const policies = [...(values.get('-c') ?? []), ...(values.get('--config') ?? [])];
  const [url] = values.get('--upstream') ?? [];
  const start = originalOf(rest, url, values.get('--header-env') ?? [], env);
  return { policy: policies.length === 1 ? policies[0] : undefined, agent: values.get('--agent')?.[0], weak, start };
}

interface ReadFlags {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly weak: readonly string[];
  /** The words behind the first `--`. */
  readonly rest: readonly string[] | undefined;
}

function readFlags(words: readonly string[]): ReadFlags {
  const values = new Map<string, readonly string[]>();
  const weak: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') return { values, weak, rest: words.slice(at + 1) };
    const [flag, inline] = /^(--[\w-]+)=(.*)$/s.exec(word)?.slice(1) ?? [word];
    const takes = PROXY_FLAGS.get(flag ?? '');
    const value = takes ? (inline ?? words[++at] ?? '') : undefined;
    if (value !== undefined) values.set(flag ?? '', [...(values.get(flag ?? '') ?? []), value]);
    if (takes === undefined || isWeak(flag ?? '', value)) weak.push(JSON.stringify(word));
  }
  return { values, weak, rest: undefined };
}

/** Flags by which calls pass that the policy would deny (setup.md §3.1). */
function isWeak(flag: string, value: string | undefined): boolean {
  return flag === '--shadow' || flag === '--allow-self' || (flag === '--state-fail-mode' && value !== 'closed');
}

function originalOf(
  rest: readonly string[] | undefined,
  url: string | undefined,
  headerEnv: readonly string[],
  env: ReadonlyMap<string, string>,
): OriginalServer | undefined {
  const [command, ...args] = rest ?? [];
  const names = headerEnv.map((text) => text.split('=', 2) as [string, string]);
  const moved = new Set(['INTERCEPT_HOME', ...names.map(([, variable]) => variable)]);
  const own = new Map([...env].filter(([name]) => !moved.has(name)));
  if (command !== undefined) return { kind: 'local', command, args, env: own };
  if (url === undefined) return undefined;
  return { kind: 'remote', url, headers: new Map(names.map(([name, variable]) => [name, env.get(variable) ?? ''])) };
}

/** The same for the same command, arguments and environment, or URL and headers (setup.md §3.3). */
export function identityOf(start: OriginalServer): string {
  const sorted = (map: ReadonlyMap<string, string>) => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (start.kind === 'local') return JSON.stringify([start.command, start.args, sorted(start.env)]);
  const headers = new Map(Array.from(start.headers, ([name, value]) => [name.toLowerCase(), value]));
  return JSON.stringify([start.url, sorted(headers)]);
}
