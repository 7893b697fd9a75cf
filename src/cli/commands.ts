/** Declares every command and its flags. A flag that does nothing yet is not declared. */
import type { Command } from 'commander';
import { UsageError } from '../core/fault.ts';
import { didYouMean } from '../policy/nearest.ts';
import { VERSION } from '../process/version.ts';
import { ownPlaces } from '../run/own-folders.ts';
import { declare, type Invocation, refuseServer } from './declare.ts';
import { declareApprovals, declareIdempotency } from './declare-approvals.ts';
import { declareProxy } from './declare-proxy.ts';
import { parseDurationFlag, parsePercentFlag, parseTextFlag } from './flags.ts';
import type { SwitchOptions } from './pause.ts';

const DAY = 86_400_000;
/** How long instances have to confirm a pause, ms (policy.md §11). */
const PATIENCE = 5_000;

/** Declares all of them. */
export function declareCommands(program: Command, invocation: Invocation): void {
  const { terminal } = invocation;
  program
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: () => undefined })
    .helpCommand(false)
    .version(VERSION, '-V, --version');
  declareProxy(program, invocation, (word) => unknownCommand(word, program));
  declareValidate(program, invocation);
  declareTest(program, invocation);
  declareExplain(program, invocation);
  declareStatus(program, invocation);
  declarePause(program, invocation);
  declareResume(program, invocation);
  declareApprovals(program, invocation);
  declareIdempotency(program, invocation);
}

function unknownCommand(word: string, program: Command): UsageError {
  const names = program.commands.map((command) => command.name());
  return new UsageError(
    `unknown command ${JSON.stringify(word)}`,
    didYouMean(word, names) ?? 'a server\'s command stands after "--"; see "intercept --help"',
  );
}

function declareValidate(program: Command, { terminal, server, finish }: Invocation): void {
  declare(program, 'validate')
    .argument('[files...]')
    .option('-c, --config <file>', '', parseTextFlag)
    .option('--strict')
    .option('--json')
    .option('--tools <file>', '', parseTextFlag)
    .action(async (files: readonly string[], flags) => {
      const all = [...files, ...(flags.config === undefined ? [] : [flags.config])];
      if (all.length === 0) throw new UsageError('no policy to validate', 'write "intercept validate policy.yaml"');
      const { validate } = await import('./validate.ts');
      finish(await validate(all, { strict: flags.strict ?? false, json: flags.json ?? false, tools: flags.tools, server }, terminal));
    });
}

function declareTest(program: Command, invocation: Invocation): void {
  declare(program, 'test')
    .argument('[files...]')
    .option('--json')
    .option('--coverage')
    .option('--min-coverage <percent>', '', parsePercentFlag)
    .action(async (files: readonly string[], flags) => {
      refuseServer('test', invocation);
      if (files.length === 0) throw new UsageError('no tests to run', 'name files, or a folder with *.test.yaml below it');
      const { testPolicies } = await import('./test.ts');
      const options = { json: flags.json ?? false, coverage: flags.coverage ?? false, minCoverage: flags.minCoverage };
      invocation.finish(await testPolicies(files, options, invocation.terminal));
    });
}

function declareExplain(program: Command, invocation: Invocation): void {
  const { terminal } = invocation;
  declare(program, 'explain')
    .option('-c, --config <file>', '', parseTextFlag)
    .option('--call <tool>')
    .option('--args <json>')
    .option('--agent <name>', '', parseTextFlag)
    .option('--tools <file>', '', parseTextFlag)
    .option('--state-dir <folder>', '', parseTextFlag)
    .option('--state-prefix <text>', '', parseTextFlag)
    .option('--fresh')
    .option('--json')
    .action(async (flags) => {
      refuseServer('explain', invocation);
      const config = flags.config ?? program.opts().config;
      if (config === undefined) throw new UsageError('no policy', 'name it with "-c policy.yaml"');
      if (flags.call === undefined) throw new UsageError('no call to explain', 'name the tool with "--call NAME"');
      const { explain } = await import('./explain.ts');
      const places = ownPlaces(flags.stateDir, terminal.env);
      invocation.finish(await explain({ ...flags, ...places, config, fresh: flags.fresh ?? false, json: flags.json ?? false }, terminal));
    });
}

function declareStatus(program: Command, invocation: Invocation): void {
  const { terminal } = invocation;
  declare(program, 'status')
    .option('-c, --config <file>', '', parseTextFlag)
    .option('--since <time>', '', parseDurationFlag)
    .option('--state-dir <folder>', '', parseTextFlag)
    .option('--state-prefix <text>', '', parseTextFlag)
    .option('--json')
    .option('--watch')
    .action(async (flags) => {
      refuseServer('status', invocation);
      const { showStatus } = await import('./status.ts');
      const places = ownPlaces(flags.stateDir, terminal.env);
      const options = { ...flags, ...places, since: flags.since ?? DAY, json: flags.json ?? false, watch: flags.watch ?? false };
      invocation.finish(await showStatus(options, terminal));
    });
}

function declarePause(program: Command, invocation: Invocation): void {
  declare(program, 'pause')
    .option('--reason <text>')
    .option('--policy <name>', '', parseTextFlag)
    .option('--state-dir <folder>', '', parseTextFlag)
    .option('--json')
    .action(async (flags) => {
      refuseServer('pause', invocation);
      const { throwSwitch } = await import('./pause.ts');
      invocation.finish(await throwSwitch('paused', pauseOptions(flags, invocation), invocation.terminal));
    });
}

function declareResume(program: Command, invocation: Invocation): void {
  declare(program, 'resume')
    .option('--policy <name>', '', parseTextFlag)
    .option('--state-dir <folder>', '', parseTextFlag)
    .option('--json')
    .action(async (flags) => {
      refuseServer('resume', invocation);
      const { throwSwitch } = await import('./pause.ts');
      invocation.finish(await throwSwitch('resumed', pauseOptions(flags, invocation), invocation.terminal));
    });
}

interface PauseFlags {
  readonly reason?: string;
  readonly policy?: string;
  readonly stateDir?: string;
  readonly json?: boolean;
}

function pauseOptions({ reason, policy, stateDir, json }: PauseFlags, { terminal: { env } }: Invocation): SwitchOptions {
  return {
    reason: reason ?? '',
    policy,
    ...ownPlaces(stateDir, env),
    json: json ?? false,
    patience: PATIENCE,
  };
}
