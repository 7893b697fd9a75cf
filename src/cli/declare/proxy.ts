/** The proxy itself: `intercept -c policy.yaml …`, the command without a name (cli.md §1). Times in ms, sizes in bytes. */
import type { Command } from 'commander';
import { EXIT, UsageError } from '../../core/fault.ts';
import { didYouMean } from '../../policy/nearest.ts';
import { interceptHome, stateLocation } from '../../run/home.ts';
import { listenOptions } from '../../run/listen.ts';
import { checkFolders } from '../../run/own-folders.ts';
import type { RunOptions } from '../../run/parts.ts';
import { parseRemote } from '../../run/remote.ts';
import type { ListenOptions } from '../../serve/options.ts';
import { addFlags, type CommandRow, flagsIn, type Invocation } from './declare.ts';
import {
  choice,
  given,
  longOf,
  mentioned,
  parseCountFlag,
  parseDurationFlag,
  parsePortFlag,
  parseSizeFlag,
  parseTextFlag,
  STATE,
  STATE_PREFIX,
  set,
  several,
  text,
  valuesOf,
  type Written,
} from './flags.ts';
import { linesOf } from './help.ts';

const POLICY = {
  config: { ...text('file', 'FILE', 'the policy; edits are taken while running'), short: '-c' },
  agent: text('name', 'NAME', 'who the agent is, for "agents" and "per: agent"'),
  shadow: set('decide and record, enforce nothing'),
  allowSelf: set("let messages name Intercept's own files"),
};
const REMOTE = { upstream: text('url', 'URL'), header: several('field', "'Name: value'"), headerEnv: several('field', 'Name=VAR') };
const TRANSPORT = { transport: choice('kind', ['stdio', 'http', 'sse'], 'stdio', 'http (sse where the upstream speaks HTTP+SSE only)') };
const LISTEN = {
  bind: given(parseTextFlag, 'address', '127.0.0.1'),
  port: given(parsePortFlag, 'number', '0'),
  publicUrl: text('url', 'URL'),
  tokenEnv: text('variable', 'VAR'),
  agentToken: several('token', 'NAME=VAR'),
  preserveHost: set(),
  allowHost: several('host', 'NAME'),
  allowOrigin: several('origin', 'URL'),
  passHeader: several('name', 'NAME'),
  maxSessions: given(parseCountFlag, 'number', '64'),
};
const KEPT = {
  ...STATE,
  ...STATE_PREFIX,
  stateTimeout: given(parseDurationFlag, 'time', '250ms'),
  stateFailMode: choice('mode', ['closed', 'open'], 'closed'),
  auditArgs: choice('how', ['redacted', 'full', 'hash'], 'redacted'),
  auditRetention: given(parseDurationFlag, 'time', '30d'),
  logLevel: choice('level', ['debug', 'info', 'warn', 'error'], 'info'),
};
const LIMITS = {
  maxMessage: given(parseSizeFlag, 'size', '10MiB'),
  maxState: given(parseSizeFlag, 'size', '256MiB'),
  upstreamTimeout: given(parseDurationFlag, 'time', '0'),
};
const HELD = {
  approvalWait: given(parseDurationFlag, 'time', '0'),
  enableAdminApi: { ...set(), shown: '(a page, on --admin-port 0)' },
  ...mentioned({ adminPort: given(parsePortFlag, 'port', '0') }),
};

const BODY = [
  ...['Usage: intercept -c POLICY [flags] -- COMMAND [ARG…]', '       intercept -c POLICY [flags] --upstream URL'],
  'Enforce a policy on every call that an AI agent makes to an MCP server.',
  'Commands, each with --help: tools, validate, test, explain (write policies);',
  '  status, log, approvals, idempotency, pause, resume (see and decide what runs)',
  ...(['Policy', POLICY, 'A remote server: ', REMOTE, 'Listen on HTTP: ', TRANSPORT, LISTEN] as const),
  ...(['State and audit, in ~/.intercept or INTERCEPT_HOME', KEPT, 'Limits: ', LIMITS, 'Held calls: ', HELD] as const),
  ...['  -h, --help, -V, --version', '', 'Example: intercept -c stripe.yaml -- npx -y @stripe/mcp'],
] as const;
const HELP = linesOf(BODY, 20).join('\n');
const FLAGS = flagsIn(BODY);
const OWN = { ...POLICY, ...KEPT, ...LIMITS, ...HELD };

export type ProxyFlags = Written<typeof OWN & typeof REMOTE & typeof TRANSPORT & typeof LISTEN>;

type Environment = Readonly<Record<string, string | undefined>>;

export const PROXY: CommandRow = {
  name: 'intercept',
  help: HELP,
  declare(program, invocation) {
    program.helpOption('-h, --help').argument('[words...]');
    addFlags(program, FLAGS);
    program.helpInformation = () => HELP;
    program.action(async ([word]: readonly string[], written: ProxyFlags) => {
      if (word !== undefined) throw unknownCommand(word, program);
      invocation.finish(await start(written, invocation));
    });
  },
};

async function start(written: ProxyFlags, { server, terminal }: Invocation): Promise<number> {
  if (written.config === undefined && written.upstream === undefined && server === undefined) {
    terminal.err(HELP);
    return EXIT.usage;
  }
  const options = parseProxyOptions(written, terminal.env);
  if (options.remote && server) throw new UsageError("a server's command and --upstream name two servers", 'remove one of them');
  if (!options.remote && !server?.length)
    throw new UsageError('no server to put the policy before', 'write its command after "--", or its URL after --upstream');
  if (options.listen?.upstreamSse && !options.remote)
    throw new UsageError('--transport sse is for an upstream that speaks HTTP+SSE', 'write --transport http, which serves /sse as well');
  if (options.agent !== undefined && options.listen?.agentTokens.length && !options.listen.token)
    throw new UsageError('--agent names every client, and --agent-token each', 'remove --agent, or let others in with --token-env');
  checkFolders(options, terminal.env);
  const { runProxy } = await import('../../run/proxy.ts');
  return runProxy(options, server ?? []);
}

/** Fills in what was not written. Throws `UsageError`. */
export function parseProxyOptions(written: ProxyFlags, env: Environment): RunOptions {
  const { config, ...own } = valuesOf(OWN, written);
  if (config === undefined) throw new UsageError('no policy', 'name it with "-c policy.yaml"');
  const places = { home: interceptHome(env), state: stateLocation(own.stateDir, env) };
  return { ...own, ...places, config, remote: parseRemote(valuesOf(REMOTE, written), env), listen: parseListen(written, env) };
}

/** Where the proxy listens; undefined where the agent speaks over stdio. Throws `UsageError`. */
export function parseListen(written: Written<typeof TRANSPORT & typeof LISTEN>, env: Environment): ListenOptions | undefined {
  const { transport } = valuesOf(TRANSPORT, written);
  if (transport !== 'stdio') return listenOptions({ ...valuesOf(LISTEN, written), upstreamSse: transport === 'sse' }, env);
  const stray = (Object.keys(LISTEN) as (keyof typeof LISTEN)[]).find((key) => written[key] !== undefined);
  if (stray === undefined) return undefined;
  throw new UsageError(`${longOf(stray)} is for a proxy that listens`, 'add --transport http, or remove it');
}

function unknownCommand(word: string, program: Command): UsageError {
  const names = program.commands.map((command) => command.name());
  return new UsageError(
    `unknown command ${JSON.stringify(word)}`,
    didYouMean(word, names) ?? 'a server\'s command stands after "--"; see "intercept --help"',
  );
}
