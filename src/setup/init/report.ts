/** Reports what became of each server, and what is to be done next (setup.md §3.7). */
import { existsSync, lstatSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ClientId } from '../clients/ids.ts';
import type { ClientFile, ClientScope } from '../clients/types.ts';
import { sumRisks } from '../draft/header.ts';
import type { Candidate } from './candidates.ts';
import { clientsOfAll, shownStart } from './candidates.ts';
import type { PlannedFile } from './plan.ts';
import type { InitPlan, InitReport } from './run.ts';
import { openDiffMask, unifiedDiff } from './shown.ts';
import { clientsOf, readersOf } from './survey.ts';

/**
 * wrapped: by this run. covered: it was. weak: Intercept stands there, but something is wrong. open: agents reach it without
 * a policy. left: it is none of those that can be wrapped.
 */
export type ServerOutcome = 'wrapped' | 'covered' | 'weak' | 'open' | 'left';

export interface ReportedServer {
  readonly name: string;
  readonly clients: readonly string[];
  readonly command: string;
  readonly state: ServerOutcome;
  readonly policy: string | undefined;
  readonly why: string | undefined;
  /** `3 tools: 1 Write, 2 Read`, where it was scanned. */
  readonly tools: string | undefined;
}

/** The servers, in the order in which they were found. */
export function reportServers(report: InitReport): readonly ReportedServer[] {
  return report.candidates.map((candidate) => {
    const { server, policy } = candidate;
    const { state, why } = outcomeOf(candidate, report);
    const scan = report.results.get(server.id);
    return {
      name: server.name,
      clients: clientsOfAll(server.places),
      command: shownStart(server.start),
      state,
      policy: state === 'wrapped' || state === 'covered' ? policy.path : undefined,
      why,
      tools: scan && sumRisks(scan.risks),
    };
  });
}

function outcomeOf(candidate: Candidate, report: InitReport): { readonly state: ServerOutcome; readonly why: string | undefined } {
  const { left, server } = candidate;
  if (left !== undefined) return leftOutcome(left, candidate);
  const work = report.plan.works.find((each) => each.candidate === candidate);
  if (!work) return { state: 'open', why: report.unscanned.get(server.id) ?? 'it was not chosen' };
  if (!report.carried) return { state: 'open', why: 'nothing was written' };
  const why = report.carried.failed.get(server.id) ?? unwritten(candidate, report);
  return why === undefined ? { state: 'wrapped', why: waysAround(candidate, report) } : { state: 'open', why };
}

/** The entries of a server that is behind its policy by which agents reach it all the same, a line each. */
function waysAround({ server }: Candidate, { survey, carried }: InitReport): string | undefined {
  const written = new Set((carried?.files ?? []).flatMap((file) => file.written.map(({ place }) => place)));
  const all = survey.servers.find(({ id }) => id === server.id)?.places ?? [];
  const lines = all
    .filter((place) => place.coverage.kind !== 'covered' && !written.has(place))
    .map(
      (place) => `a way around: ${clientsOf(place).join(', ')} in ${place.file.path}${place.leave === undefined ? '' : `: ${place.leave}`}`,
    );
  return lines.length === 0 ? undefined : lines.join('\n');
}

function leftOutcome(left: string, { server }: Candidate): { readonly state: ServerOutcome; readonly why: string | undefined } {
  if (left === 'covered') return { state: 'covered', why: undefined };
  if (left.startsWith('wrapped, but')) return { state: 'weak', why: left };
  return { state: server.start ? 'open' : 'left', why: left };
}

/** The first reason why an entry of the server was not written. */
function unwritten(candidate: Candidate, { carried, plan }: InitReport): string | undefined {
  const jobs = plan.works.find((work) => work.candidate === candidate)?.jobs ?? [];
  for (const job of jobs) {
    const outcome = carried?.files.find(({ file }) => file === job.place.file);
    if (outcome?.written.includes(job)) continue;
    const skipped = outcome?.skipped.find((each) => each.job === job)?.why;
    return skipped ?? `${job.place.file.path} ${outcome?.refused ?? 'was not written'}`;
  }
  return undefined;
}

/** The differences of a plan, file by file, without secrets. */
export function diffsOf({ files }: InitPlan): readonly (readonly string[])[] {
  return files.map(diffOf).filter(({ length }) => length > 0);
}

/** The differences of one file. */
export function diffOf({ file, before, after }: PlannedFile): readonly string[] {
  return unifiedDiff(file.path, before, after, openDiffMask(file.format, before, after));
}

/** The clients whose files were written, each once, with what each needs now. */
export function nextSteps(
  { carried }: InitReport,
  stepsOf: (client: ClientId, scope: ClientScope) => readonly string[],
): readonly { readonly client: string; readonly says: readonly string[] }[] {
  const steps = new Map<string, Set<string>>();
  for (const { written } of carried?.files ?? [])
    for (const { place } of written)
      for (const { client, name, scope } of readersOf(place.server))
        steps.set(name, new Set([...(steps.get(name) ?? []), ...stepsOf(client, scope)]));
  return Array.from(steps, ([client, says]) => ({ client, says: [...says] }));
}

/** True where a policy that this run wrote can hold a call for a person. */
export function canHold({ plan, carried }: InitReport): boolean {
  return plan.works.some(
    ({ candidate, text }) => !carried?.failed.has(candidate.server.id) && /action: ["']?require_approval/.test(text ?? ''),
  );
}

/** Files that stand in a project that others have, too. */
export function sharedFiles({ carried }: InitReport): readonly string[] {
  return (carried?.files ?? []).filter(({ written }) => written.some(({ place }) => place.isShared)).map(({ file }) => resolve(file.path));
}

/** The person's own files that other machines may have, too: behind a link, or in a Git tree. Absolute paths hold on one. */
export function spreadFiles({ carried }: InitReport): readonly string[] {
  const own = (carried?.files ?? []).filter(({ written }) => written.some(({ place }) => place.project === undefined));
  return own
    .map(({ file }) => file)
    .filter(isSpread)
    .map(({ path }) => path);
}

function isSpread({ path, realPath }: ClientFile): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return true;
  for (let folder = dirname(realPath); dirname(folder) !== folder; folder = dirname(folder))
    if (existsSync(join(folder, '.git'))) return true;
  return false;
}
