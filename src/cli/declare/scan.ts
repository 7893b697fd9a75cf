/** `intercept scan`: what a server can do, and a policy for it (cli.md §1, setup.md §2). */
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../../core/fault.ts';
import { didYouMean } from '../../policy/nearest.ts';
import { interceptHome } from '../../run/home.ts';
import { parseRemote } from '../../run/remote.ts';
import { PRESETS, type Preset } from '../../setup/draft/model.ts';
import type { Finding } from '../../setup/init/inventory.ts';
import { REMOTE } from './commands.ts';
import { command, type Invocation } from './declare.ts';
import { choice, type Flag, given, longOf, mentioned, parseDurationFlag, set, text } from './flags.ts';
import { serverWord } from './mistakes.ts';

const FINDINGS: readonly Finding[] = ['read', 'write', 'execute', 'financial', 'destructive', 'unknown', 'open'];
const NO_FINDINGS: readonly Finding[] = [];

/** `destructive,unknown`. */
function parseFindings(text: string): readonly Finding[] {
  return text.split(',').map((word) => {
    const found = FINDINGS.find((finding) => finding === word.trim());
    if (found === undefined)
      throw new InvalidArgumentError(didYouMean(word, FINDINGS) ?? `write some of ${FINDINGS.join(', ')}, with commas`);
    return found;
  });
}

/** Undefined where none is written: then a policy is a scaffold, and an update adds closed entries. */
const PRESET: Flag<Preset | undefined> = {
  ...choice('preset', PRESETS, 'scaffold', 'NAME', 'scaffold (else), suggested, read-only or strict'),
  fallback: undefined,
};

export const SCAN = command({
  name: 'scan',
  width: 24,
  takesServer: true,
  usage: 'scan [flags] -- COMMAND…   (or --upstream URL, or --clients)',
  about:
    'Show what a server can do, tool by tool, the worst first, and write a policy.\nIt is started, asked for its tools, and ended; no tool is called.',
  body: [
    {
      output: { ...text('file', 'FILE', 'write a policy there'), short: '-o' },
      preset: PRESET,
      policy: set('print the policy, as where stdout is no terminal'),
      force: set('write over FILE'),
      update: set('add new tools to FILE, and keep all that stands there'),
      check: set('with --update: write nothing; 5 where it would'),
      timeout: given(parseDurationFlag, 'time', '60s', 'how long the server has for all of it'),
    },
    REMOTE,
    {
      clients: set("all servers in MCP clients' files; none is started"),
      ...mentioned({ start: set(), yes: set(), project: set() }),
    },
    '  --start                 scan those you say yes to (--yes: all; --project: too)',
    {
      failOn: {
        ...{ value: 'what', shown: 'LIST', about: 'status 4 if --clients finds one: destructive,open,…' },
        parse: parseFindings,
        fallback: NO_FINDINGS,
      },
      json: set('for programs'),
    },
  ],
  end: 'Exit status: 0 done, 1 the server was not scanned, 5 the server changed.\nExample: intercept scan -o policy.yaml -- npx -y @stripe/mcp',
  async run({ upstream, header, headerEnv, preset, ...values }, words, { terminal, server }) {
    if (words[0] !== undefined) throw serverWord(words[0]);
    if (values.clients) return await ofClients({ ...values, upstream, preset }, { server, terminal });
    refuseStrayClients(values);
    refuseMixtures(values);
    const remote = parseRemote({ upstream, header, headerEnv }, terminal.env);
    if (remote && server) throw new UsageError("a server's command and --upstream name two servers", 'remove one of them');
    if (!remote && !server?.length) throw new UsageError('no server to scan', 'write its command after "--", or its URL after --upstream');
    const { scan } = await import('../scan.ts');
    return scan({ ...values, preset, command: server, remote }, terminal);
  },
});

interface ClientsWritten extends Written {
  readonly upstream: string | undefined;
  readonly preset: Preset | undefined;
  readonly start: boolean;
  readonly yes: boolean;
  readonly project: boolean;
  readonly failOn: readonly Finding[];
  readonly timeout: number;
}

/** The inventory of the machine, to which no flag about one server belongs. */
async function ofClients(written: ClientsWritten, { server, terminal }: Pick<Invocation, 'server' | 'terminal'>): Promise<number> {
  const { output, policy, force, update, check, upstream, preset } = written;
  const stray = Object.entries({ output, policy, force, update, check, upstream, preset }).find(
    ([, value]) => value !== undefined && value !== false,
  );
  if (server || stray)
    throw new UsageError(
      `--clients is about all servers, and ${server ? 'a command' : longOf(stray?.[0] ?? '')} about one`,
      'remove one of them',
    );
  if (!written.start && (written.yes || written.project))
    throw new UsageError('--yes and --project are about --start', 'add --start, or remove them');
  if (written.start && !written.yes && !(terminal.input.isTTY === true && terminal.isErrTty))
    throw new UsageError('no terminal to ask on', 'write --yes to start every server that is open');
  const { scanClients } = await import('../scan/clients.ts');
  return scanClients({ ...written, home: interceptHome(terminal.env) }, terminal);
}

/** Throws `UsageError` where a flag of the inventory stands without it. */
function refuseStrayClients({ start, yes, project, failOn }: Pick<ClientsWritten, 'start' | 'yes' | 'project' | 'failOn'>): void {
  const stray = start ? 'start' : yes ? 'yes' : project ? 'project' : failOn.length > 0 ? 'failOn' : undefined;
  if (stray !== undefined) throw new UsageError(`${longOf(stray)} is about --clients`, 'add --clients, or remove it');
}

interface Written {
  readonly output: string | undefined;
  readonly policy: boolean;
  readonly force: boolean;
  readonly update: boolean;
  readonly check: boolean;
  readonly json: boolean;
}

/** Throws `UsageError` where a flag would have no effect. */
function refuseMixtures({ output, policy, force, update, check, json }: Written): void {
  if (output === undefined && (force || update))
    throw new UsageError(`--${force ? 'force' : 'update'} is about a file`, 'name it with "-o FILE"');
  if (force && update) throw new UsageError('--force writes the file anew, and --update keeps it', 'remove one of them');
  if (check && !update) throw new UsageError('--check says what --update would change', 'write both, or neither');
  if (policy && json) throw new UsageError('--policy and --json print two things', 'remove one of them');
  if (policy && output !== undefined) throw new UsageError('-o writes the policy to a file, and --policy prints it', 'remove one of them');
}
