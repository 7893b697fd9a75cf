/** Declares the commands by which people decide: `approvals` and `idempotency` (cli.md §3). */
import type { Command } from 'commander';
import { EXIT, UsageError } from '../core/fault.ts';
import { didYouMean } from '../policy/nearest.ts';
import { operator } from '../run/operator.ts';
import { ownPlaces } from '../run/own-folders.ts';
import { declare, type Invocation, refuseServer } from './declare.ts';
import { parseTextFlag } from './flags.ts';
import { HELP } from './help.ts';

interface Flags {
  readonly stateDir?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly as?: string;
  readonly reason?: string;
  readonly happened?: boolean;
  readonly didNot?: boolean;
}

/** `intercept approvals …`. */
export function declareApprovals(program: Command, invocation: Invocation): void {
  const group = declareGroup(program, 'approvals', invocation);
  const { terminal, finish } = invocation;
  part(group, 'list')
    .option('--all')
    .action(async (flags: Flags) => {
      const { listApprovals } = await import('./approvals/list.ts');
      finish(await listApprovals({ ...common(flags, invocation), all: flags.all ?? false }, terminal));
    });
  part(group, 'show')
    .argument('<id>')
    .action(async (id: string, flags: Flags) => {
      const { showApproval } = await import('./approvals/list.ts');
      finish(await showApproval(id, common(flags, invocation), terminal));
    });
  for (const verdict of ['approve', 'deny'] as const) {
    part(group, verdict)
      .argument('<id>')
      .option('--as <name>', '', parseTextFlag)
      .option('--reason <text>')
      .action(async (id: string, flags: Flags) => {
        const { decideApproval } = await import('./approvals/decide.ts');
        const decision = { id, verdict, by: flags.as ?? operator(), reason: flags.reason ?? '' };
        finish(await decideApproval({ ...common(flags, invocation), ...decision }, terminal));
      });
  }
  part(group, 'expire').action(async (flags: Flags) => {
    const { expireApprovals } = await import('./approvals/list.ts');
    finish(await expireApprovals(common(flags, invocation), terminal));
  });
  part(group, 'watch')
    .option('--as <name>', '', parseTextFlag)
    .action(async (flags: Flags) => {
      const { watchApprovals } = await import('./approvals/watch.ts');
      finish(await watchApprovals({ ...common(flags, invocation), by: flags.as ?? operator() }, terminal));
    });
  part(group, 'protect').action(async (flags: Flags) => {
    const { protectApprovals } = await import('./approvals/protect.ts');
    finish(await protectApprovals(common(flags, invocation), terminal));
  });
}

/** `intercept idempotency …`. */
export function declareIdempotency(program: Command, invocation: Invocation): void {
  const group = declareGroup(program, 'idempotency', invocation);
  const { terminal, finish } = invocation;
  part(group, 'list').action(async (flags: Flags) => {
    const { listClaims } = await import('./idempotency.ts');
    finish(await listClaims(common(flags, invocation), terminal));
  });
  part(group, 'resolve')
    .argument('<id>')
    .option('--happened')
    .option('--did-not')
    .option('--as <name>', '', parseTextFlag)
    .action(async (key: string, flags: Flags) => {
      if (flags.happened === flags.didNot) throw new UsageError('did the call happen?', 'write either "--happened" or "--did-not"');
      const { resolveClaim } = await import('./idempotency.ts');
      const verdict = flags.happened ? 'happened' : 'did_not';
      finish(await resolveClaim({ ...common(flags, invocation), key, verdict, by: flags.as ?? operator() }, terminal));
    });
}

/** A command that is the first of two words; alone it prints its help. */
function declareGroup(program: Command, name: 'approvals' | 'idempotency', invocation: Invocation): Command {
  const group = declare(program, name).argument('[words...]').helpCommand(false);
  return group
    .hook('preSubcommand', () => refuseServer(name, invocation))
    .action((words: readonly string[]) => {
      const [word] = words;
      if (word === undefined) {
        invocation.terminal.err(HELP[name]);
        return invocation.finish(EXIT.usage);
      }
      const known = group.commands.map((command) => command.name());
      throw new UsageError(`unknown command "${name} ${word}"`, didYouMean(word, known) ?? `see "intercept ${name} --help"`);
    });
}

/** One of the second words. They share a screen of help. */
function part(group: Command, name: string): Command {
  const command = group.command(name).helpOption('-h, --help').showSuggestionAfterError(false);
  command.helpInformation = () => group.helpInformation();
  return command.option('--state-dir <folder>', '', parseTextFlag).option('--json');
}

function common({ stateDir, json }: Flags, { terminal: { env } }: Invocation) {
  return { ...ownPlaces(stateDir, env), json: json ?? false };
}
