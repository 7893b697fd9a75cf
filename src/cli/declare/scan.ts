/** `intercept scan`: what a server can do, and a policy for it (cli.md §1, setup.md §2). */
import { UsageError } from '../../core/fault.ts';
import { parseRemote } from '../../run/remote.ts';
import { PRESETS, type Preset } from '../../setup/draft/model.ts';
import { REMOTE } from './commands.ts';
import { command } from './declare.ts';
import { choice, type Flag, given, parseDurationFlag, set, text } from './flags.ts';
import { serverWord } from './mistakes.ts';

/** Undefined where none is written: then a policy is a scaffold, and an update adds closed entries. */
const PRESET: Flag<Preset | undefined> = {
  ...choice('preset', PRESETS, 'scaffold', 'NAME', 'scaffold (else), suggested, read-only or strict'),
  fallback: undefined,
};

export const SCAN = command({
  name: 'scan',
  width: 24,
  takesServer: true,
  usage: 'scan [flags] -- COMMAND…\n       intercept scan [flags] --upstream URL',
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
    { json: set('for programs') },
  ],
  end: 'Exit status: 0 done, 1 the server was not scanned, 5 the server changed.\nExample: intercept scan -o policy.yaml -- npx -y @stripe/mcp-server',
  async run({ upstream, header, headerEnv, preset, ...values }, words, { terminal, server }) {
    if (words[0] !== undefined) throw serverWord(words[0]);
    refuseMixtures(values);
    const remote = parseRemote({ upstream, header, headerEnv }, terminal.env);
    if (remote && server) throw new UsageError("a server's command and --upstream name two servers", 'remove one of them');
    if (!remote && !server?.length) throw new UsageError('no server to scan', 'write its command after "--", or its URL after --upstream');
    const { scan } = await import('../scan.ts');
    return scan({ ...values, preset, command: server, remote }, terminal);
  },
});

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
