/** The proxy itself: `intercept -c policy.yaml …`, the command without a name (cli.md §1). Times in ms, sizes in bytes. */
import { EXIT, UsageError } from '../../core/fault.ts';
import { interceptHome, projectPolicy } from '../../run/home.ts';
import { listenOptions } from '../../run/listen.ts';
import { checkFolders } from '../../run/own-folders.ts';
import type { RunOptions } from '../../run/parts.ts';
import { parseRemote } from '../../run/remote.ts';
import { stateLocation, stateVariables } from '../../run/state-location.ts';
import type { ListenOptions } from '../../serve/options.ts';
import { addFlags, type CommandRow, type Invocation } from './declare.ts';
import {
  choice,
  given,
  longOf,
  parseCountFlag,
  parseDurationFlag,
  parsePortFlag,
  parseSizeFlag,
  parseTextFlag,
  STATE,
  STATE_FILES,
  STATE_PREFIX,
  set,
  several,
  text,
  valuesOf,
  type Written,
} from './flags.ts';
import { type Help, type HelpBody, linesOf, renderHelp } from './help.ts';
import { unknownWord } from './mistakes.ts';

const POLICY = {
  config: { ...text('file', 'FILE', 'the policy; edits are taken while running'), short: '-c' },
  agent: text('name', 'NAME', 'who the agent is, for "agents" and "per: agent"'),
  shadow: set('decide and record, enforce nothing'),
};
const SELF = { allowSelf: set("let messages name Intercept's own files") };
const UPSTREAM = { upstream: text('url', 'URL', 'a remote server, instead of a command') };
const HEADERS = {
  header: several('field', "'Name: value'", 'sent with each request; variables in it are expanded'),
  headerEnv: several('field', 'Name=VAR', 'the same, with the value of a variable'),
};
const REMOTE = { ...UPSTREAM, ...HEADERS };
const TRANSPORT = {
  transport: choice('kind', ['stdio', 'http', 'sse'], 'stdio', 'KIND', 'http: listen for clients; sse: before HTTP+SSE only'),
};
const LISTEN = {
  bind: given(parseTextFlag, 'address', '127.0.0.1', 'where to listen; elsewhere only with a token'),
  port: given(parsePortFlag, 'number', '0', '0 takes a free one'),
  publicUrl: text('url', 'URL', 'what clients call, where something stands before it'),
  tokenEnv: text('variable', 'VAR', 'the variable whose value clients bring as token'),
  agentToken: several('token', 'NAME=VAR', 'the same for one agent, who is NAME'),
  allowHost: several('host', 'NAME', 'a further name that clients may call it by'),
  allowOrigin: several('origin', 'URL', "a web page's origin that may call"),
  passHeader: several('name', 'NAME', "a header of the client's that the server gets"),
  preserveHost: set("the server gets the client's Host"),
  maxSessions: given(parseCountFlag, 'number', '64', 'clients at a time; beyond it: 503'),
};
const KEPT = {
  ...STATE,
  ...STATE_PREFIX,
  stateTimeout: given(parseDurationFlag, 'time', '250ms', 'how long a call waits for the store'),
  stateFailMode: choice('mode', ['closed', 'open'], 'closed', 'closed', 'open: calls pass uncounted while the store fails'),
  auditArgs: choice('how', ['redacted', 'full', 'hash'], 'redacted', 'redacted', 'or full, or hash: arguments in audit and stderr'),
  auditRetention: given(parseDurationFlag, 'time', '30d', 'older audit files are deleted'),
  logLevel: choice('level', ['debug', 'info', 'warn', 'error'], 'info', 'info', 'or debug, warn, error: what stderr shows'),
};
const LIMITS = {
  maxMessage: given(parseSizeFlag, 'size', '10MiB', 'larger messages are refused'),
  maxState: given(parseSizeFlag, 'size', '256MiB', 'what stored results may take'),
  upstreamTimeout: given(parseDurationFlag, 'time', '0', 'how long the server has to answer; 0: for ever'),
};
const ADMIN = { enableAdminApi: set('decide in a browser or over HTTP, on this host') };
const HELD = {
  approvalWait: given(parseDurationFlag, 'time', '0', 'how long a held call stays open; 0 answers at once'),
  ...ADMIN,
  adminPort: given(parsePortFlag, 'port', '0', '0 takes a free one'),
};

const BODY = [
  ...['Usage: intercept -c POLICY [flags] -- COMMAND [ARG…]', '       intercept -c POLICY [flags] --upstream URL'],
  ...['Enforce a policy on every call that an AI agent makes to an MCP server.', ''],
  'Begin            init, scan, policies',
  'Write policies   tools, validate, test, explain',
  'See and decide   status, log, approvals, idempotency, state',
  'Stop everything  pause, resume',
  'Your shell       completion',
  ...(['', POLICY, UPSTREAM, TRANSPORT, ADMIN] as const),
  ...['  -h, --help, -V, --version', ''],
  'More flags:  intercept help remote | listener | held | store | limits',
  ...['Of commands: intercept help COMMAND', '', 'Example: intercept -c stripe.yaml -- npx -y @stripe/mcp'],
] as const;
const WIDTH = 20;
const HELP = linesOf(BODY, WIDTH).join('\n');

const PAGE_WIDTH = 26;
const page = (row: Help<HelpBody>) => renderHelp(row, PAGE_WIDTH);

/** The flags of the proxy by what they are for: all of them do not fit a screen. */
const PAGES = {
  remote: page({
    usage: '-c POLICY --upstream URL [flags]',
    about: 'Bridge stdio to a server that is reached over HTTP.',
    body: [REMOTE],
    end: 'Example: intercept -c p.yaml --upstream https://mcp.example.com/mcp \\\n           --header-env Authorization=MCP_AUTHORIZATION',
  }),
  listener: page({
    usage: '-c POLICY --transport http [flags] -- COMMAND…',
    about: 'Listen on HTTP for several clients, before a command or --upstream.',
    body: [TRANSPORT, LISTEN],
    end: 'Example: intercept -c p.yaml --transport http --port 8080 -- npx -y @stripe/mcp',
  }),
  held: page({
    usage: '-c POLICY [flags] -- COMMAND…',
    about: 'What becomes of calls that an approval rule holds; "approvals" decides on them.',
    body: [HELD],
    end: 'Example: intercept -c p.yaml --approval-wait 60s --enable-admin-api -- npx -y m',
  }),
  store: page({
    usage: '-c POLICY [flags] -- COMMAND…',
    about: 'Counters, held calls and the audit, in ~/.intercept or in INTERCEPT_HOME.',
    body: [KEPT, STATE_FILES],
    end: 'Example: intercept -c p.yaml --audit-args hash -- npx -y @stripe/mcp',
  }),
  limits: page({
    usage: '-c POLICY [flags] -- COMMAND…',
    about: 'Bounds on what one peer can take.',
    body: [LIMITS, SELF],
    end: 'Example: intercept -c p.yaml --upstream-timeout 60s -- npx -y @stripe/mcp',
  }),
};

const OWN = { ...POLICY, ...SELF, ...KEPT, ...LIMITS, ...HELD };
const FLAGS = { ...OWN, ...REMOTE, ...TRANSPORT, ...LISTEN };

export type ProxyFlags = Written<typeof FLAGS>;

type Environment = Readonly<Record<string, string | undefined>>;

export const PROXY: CommandRow = {
  name: 'intercept',
  help: HELP,
  pages: { ...PAGES, proxy: HELP },
  declare(program, invocation) {
    program.helpOption('-h, --help').argument('[words...]');
    addFlags(program, FLAGS);
    program.helpInformation = () => HELP;
    program.action(async ([word]: readonly string[], written: ProxyFlags) => {
      if (word !== undefined) throw unknownWord(word, program);
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
    throw new UsageError('no server is named', 'write its command after "--", or its URL after --upstream');
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
  if (written.adminPort !== undefined && !own.enableAdminApi)
    throw new UsageError('--admin-port is for the admin API', 'add --enable-admin-api, or remove it');
  const places = { home: interceptHome(env), state: stateLocation(own, env) };
  const hidden = stateVariables(own, env);
  const policy = projectPolicy(config, process.cwd());
  return {
    ...own,
    ...places,
    hidden,
    config: policy,
    remote: parseRemote(valuesOf(REMOTE, written), env),
    listen: parseListen(written, env),
  };
}

/** Where the proxy listens; undefined where the agent speaks over stdio. Throws `UsageError`. */
export function parseListen(written: Written<typeof TRANSPORT & typeof LISTEN>, env: Environment): ListenOptions | undefined {
  const { transport } = valuesOf(TRANSPORT, written);
  if (transport !== 'stdio') return listenOptions({ ...valuesOf(LISTEN, written), upstreamSse: transport === 'sse' }, env);
  const stray = (Object.keys(LISTEN) as (keyof typeof LISTEN)[]).find((key) => written[key] !== undefined);
  if (stray === undefined) return undefined;
  throw new UsageError(`${longOf(stray)} is for a proxy that listens`, 'add --transport http, or remove it');
}
