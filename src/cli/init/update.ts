/** `intercept init --update`: what it does stands in `setup/init/update.ts`. */
import { join } from 'node:path';
import { EXIT, UsageError } from '../../core/fault.ts';
import { diffOf } from '../../setup/init/report.ts';
import { unifiedDiff } from '../../setup/init/shown.ts';
import {
  carryOutUpdate,
  planUpdate,
  type UpdatedPolicy,
  type UpdateFlags,
  type UpdateOutcome,
  type UpdatePlan,
} from '../../setup/init/update.ts';
import { askYes } from '../ask.ts';
import { createPaint, type Paint, shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';
import { openPorts } from './ports.ts';
import { openProgress } from './progress.ts';
import { renderDiff } from './view-undo.ts';

export interface UpdateInitFlags extends UpdateFlags {
  readonly home: string;
  readonly timeout: number;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Renews what is wrapped. */
export async function updateInit(flags: UpdateInitFlags, terminal: Terminal): Promise<number> {
  const isPerson = terminal.input.isTTY === true && terminal.isErrTty;
  if (!isPerson && !flags.yes)
    throw new UsageError(
      'no terminal to ask on',
      'write "intercept init --update --yes": the servers that are wrapped are started and scanned',
    );
  const progress = openProgress(terminal);
  const ports = { ...(await openPorts(flags.home, terminal.env, 'suggested')), timeout: flags.timeout, progress: progress.put };
  const plan = await planUpdate(flags, ports);
  progress.end();
  if (!flags.dryRun) ports.program.bring?.();
  const diffs = diffsOf(plan);
  const paint = createPaint(terminal.colour);
  if (!flags.json)
    for (const line of diffs.flatMap((diff) => [...renderDiff(diff, paint), ''])) (flags.dryRun ? terminal.out : terminal.err)(line);
  const isAgreed = diffs.length > 0 && !flags.dryRun && (flags.yes || (await askYes('Write it?', terminal)));
  const outcome = isAgreed ? await carryOutUpdate(plan, join(flags.home, 'setup'), Date.now()) : undefined;
  if (flags.json) terminal.out(JSON.stringify(updateJson(plan, outcome), null, 2));
  else for (const line of render(plan, outcome, paint)) terminal.out(line);
  const hasFailed = plan.policies.some(({ why }) => why !== undefined) || (outcome?.failed.size ?? 0) > 0;
  return hasFailed || outcome?.files.some(({ refused }) => refused !== undefined) ? EXIT.failed : EXIT.done;
}

function diffsOf({ policies, files }: UpdatePlan): readonly (readonly string[])[] {
  const plain = (text: string) => text;
  const ofPolicies = policies.map(({ path, before, update }) =>
    update ? unifiedDiff(path, Buffer.from(before), Buffer.from(update.text), plain) : [],
  );
  return [...ofPolicies, ...files.map(diffOf)].filter(({ length }) => length > 0);
}

function render({ policies, files }: UpdatePlan, outcome: UpdateOutcome | undefined, paint: Paint): readonly string[] {
  const renewed = (outcome?.files ?? []).flatMap(({ file, written, refused }) =>
    refused === undefined
      ? written.map(({ place }) => `${place.server.name}: its program is renewed in ${file.path}`)
      : [`${file.path} ${refused}`],
  );
  const planned = files.reduce((sum, { entries }) => sum + entries.length, 0);
  return [
    ...policies.map((policy) => `${paint('bold', shown(policy.server.name, 60))}  ${saysOf(policy, outcome)}`),
    ...renewed,
    ...(outcome || (planned === 0 && policies.every(({ before, update }) => (update?.text ?? before) === before))
      ? []
      : ['nothing was written']),
    ...(policies.length === 0 ? ['nothing to update: no server stands behind a policy'] : []),
  ];
}

function saysOf({ path, before, update, why }: UpdatedPolicy, outcome: UpdateOutcome | undefined): string {
  const failed = why ?? outcome?.failed.get(path);
  if (failed !== undefined) return `not updated: ${failed}`;
  if (!update || update.text === before) return `nothing new: ${path}`;
  const list = (label: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${label} ${names.map((name) => shown(name, 60)).join(', ')}`];
  const parts = [
    ...list(
      'new:',
      update.added.map(({ name }) => name),
    ),
    ...list('gone:', update.gone),
    ...list(
      'changed:',
      update.changed.map(({ name }) => name),
    ),
  ];
  return `${parts.join('; ')} (${path})`;
}

function updateJson({ policies, files }: UpdatePlan, outcome: UpdateOutcome | undefined): object {
  return {
    written: outcome !== undefined,
    servers: policies.map(({ server, path, before, update, why }) => ({
      ...{ name: server.name, policy: path, changed: update !== undefined && update.text !== before },
      added: update?.added.map(({ name }) => name) ?? [],
      gone: update?.gone ?? [],
      parameters: update?.changed.map(({ name }) => name) ?? [],
      why: why ?? outcome?.failed.get(path) ?? null,
    })),
    renewed: files.map(({ file, entries }) => ({
      path: file.path,
      servers: entries.map(({ record }) => record.name),
      why: outcome?.files.find((each) => each.file === file)?.refused ?? null,
    })),
  };
}
