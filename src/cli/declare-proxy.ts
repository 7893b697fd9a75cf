/** Declares the proxy itself: `intercept -c policy.yaml …`, the command without a name. */
import type { Command } from 'commander';
import { EXIT, UsageError } from '../core/fault.ts';
import { checkFolders } from '../run/own-folders.ts';
import type { Invocation } from './declare.ts';
import { choiceFlag, parseCountFlag, parseDurationFlag, parsePortFlag, parseSizeFlag, parseTextFlag, repeated } from './flags.ts';
import { HELP } from './help.ts';
import { parseProxyOptions } from './options.ts';

/** `refuse` says what is wrong with a word that is no command. */
export function declareProxy(program: Command, invocation: Invocation, refuse: (word: string) => UsageError): void {
  program.helpOption('-h, --help').argument('[words...]');
  declareCommon(program);
  declareHttp(program);
  program.action(async (words: readonly string[], flags) => {
    const [word] = words;
    if (word !== undefined) throw refuse(word);
    await start(flags, invocation);
  });
  program.helpInformation = () => HELP.intercept;
}

function declareCommon(program: Command): void {
  program
    .option('-c, --config <file>', '', parseTextFlag)
    .option('--shadow')
    .option('--agent <name>', '', parseTextFlag)
    .option('--state-dir <folder>', '', parseTextFlag)
    .option('--state-prefix <text>', '', parseTextFlag)
    .option('--state-fail-mode <mode>', '', choiceFlag('closed', 'open'))
    .option('--state-timeout <time>', '', parseDurationFlag)
    .option('--max-state <size>', '', parseSizeFlag)
    .option('--upstream-timeout <time>', '', parseDurationFlag)
    .option('--approval-wait <time>', '', parseDurationFlag)
    .option('--max-message <size>', '', parseSizeFlag)
    .option('--log-level <level>', '', choiceFlag('debug', 'info', 'warn', 'error'))
    .option('--audit-args <how>', '', choiceFlag('redacted', 'full', 'hash'))
    .option('--audit-retention <time>', '', parseDurationFlag)
    .option('--allow-self')
    .option('--enable-admin-api')
    .option('--admin-port <port>', '', parsePortFlag);
}

function declareHttp(program: Command): void {
  program
    .option('--upstream <url>', '', parseTextFlag)
    .option('--header <field>', '', repeated)
    .option('--header-env <field>', '', repeated)
    .option('--transport <kind>', '', choiceFlag('stdio', 'http', 'sse'))
    .option('--bind <address>', '', parseTextFlag)
    .option('--port <number>', '', parsePortFlag)
    .option('--public-url <url>', '', parseTextFlag)
    .option('--allow-host <host>', '', repeated)
    .option('--allow-origin <origin>', '', repeated)
    .option('--token-env <variable>', '', parseTextFlag)
    .option('--pass-header <name>', '', repeated)
    .option('--preserve-host')
    .option('--max-sessions <number>', '', parseCountFlag);
}

async function start(flags: Parameters<typeof parseProxyOptions>[0], { server, finish, terminal }: Invocation): Promise<void> {
  if (flags.config === undefined && flags.upstream === undefined && server === undefined) {
    terminal.err(HELP.intercept);
    finish(EXIT.usage);
    return;
  }
  const options = parseProxyOptions(flags, terminal.env);
  if (options.remote && server) throw new UsageError("a server's command and --upstream name two servers", 'remove one of them');
  if (!options.remote && !server?.length)
    throw new UsageError('no server to put the policy before', 'write its command after "--", or its URL after --upstream');
  if (options.listen?.upstreamSse && !options.remote)
    throw new UsageError('--transport sse is for an upstream that speaks HTTP+SSE', 'write --transport http, which serves /sse as well');
  checkFolders(options, terminal.env);
  const { runProxy } = await import('../run/proxy.ts');
  finish(await runProxy(options, server ?? []));
}
