/** `intercept status`: what runs, what was decided, what is counted and what waits (cli.md §1). */
import { renderApproval } from '../core/approval-json.ts';
import type { CounterStatus } from '../core/counter.ts';
import { EXIT } from '../core/fault.ts';
import { openHistory, type PolicyStatus, readStatus, type Status, type StatusSource } from '../run/status.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import { watchScreen } from './screen.ts';
import { spanOf, timeOf } from './spans.ts';
import type { Terminal } from './terminal.ts';

const MOST = 8;
const BAR = 20;

export interface StatusOptions extends StatusSource {
  readonly json: boolean;
  readonly watch: boolean;
}

/** Prints the status, once or each second. */
export async function showStatus(options: StatusOptions, terminal: Terminal): Promise<number> {
  const paint = createPaint(terminal.colour);
  const history = openHistory(options);
  const draw = async () => renderStatus(await readStatus(options, history), paint);
  if (options.json) terminal.out(renderJson(await readStatus(options)));
  else if (options.watch && terminal.isTty) await watchScreen(draw, terminal);
  else for (const line of await draw()) terminal.out(line);
  return EXIT.done;
}

/** Records as all other commands print them, but without arguments: `approvals show` has those. */
function renderJson(status: Status): string {
  const policies = status.policies.map((policy) => ({
    ...policy,
    pending: policy.pending.map((record) => JSON.parse(renderApproval(record, undefined))),
  }));
  const unknown = status.unknown.map(({ key, tool, agent, until }) => ({
    key,
    tool,
    agent: agent ?? null,
    until: new Date(until).toISOString(),
  }));
  return JSON.stringify({ ...status, policies, unknown }, null, 2);
}

/** Lays it out for people: sections that have something to say, with a blank line between them. */
function renderStatus(status: Status, paint: Paint): readonly string[] {
  const { tools, denyRules, recentDenials, shadow } = status.summary;
  const sections = [
    instancesOf(status, paint),
    pausesOf(status, paint),
    totalsOf(status, paint),
    counted('tools', tools.slice(0, MOST), ({ tool, calls }) => [calls, shown(tool, 60)], paint),
    counted('denied by', denyRules.slice(0, MOST), ({ rule, count }) => [count, shown(rule, 60)], paint),
    titled('latest denials', recentDenials.slice(0, MOST).map(denialLine), paint),
    counted(
      'shadow: enforcement would have',
      shadow,
      ({ rule, result, count }) => [count, `${result === 'denied' ? 'denied' : 'held'} by ${shown(rule, 60)}`],
      paint,
    ),
    ...status.policies.map((policy) => policyOf(policy, status, paint)),
    unknownOf(status, paint),
  ];
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function instancesOf({ instances, stored, stateDir, notInForce }: Status, paint: Paint): readonly string[] {
  if (!stored) return [`no state at ${stateDir}: no proxy has run with it yet`];
  if (instances.length === 0) return ['no instance is running'];
  const lines = instances.map(({ pid, host, policy, revision, upstream, startedAt }) => {
    return `  pid ${pid} on ${shown(host)}  ${shown(policy ?? '(no name)')} ${revision}  since ${timeOf(startedAt)}  ${shown(upstream, 60)}`;
  });
  return [
    paint('bold', `instances (${instances.length})`),
    ...lines,
    ...notInForce.map(({ why }) => `  ${paint('red', 'the policy on disk is not in force')}: ${shown(why)}`),
  ];
}

function pausesOf({ pauses }: Status, paint: Paint): readonly string[] {
  return pauses.map(
    ({ policy, reason, since }) =>
      `${paint('red', 'PAUSED')} ${shown(policy ?? 'all policies')} since ${timeOf(since)}${reason && `: ${shown(reason)}`}`,
  );
}

function totalsOf({ summary, since }: Status, paint: Paint): readonly string[] {
  const { allowed, denied, approval_required: held, replayed } = summary.totals;
  return [`${paint('bold', `calls since ${timeOf(since)}`)}  ${allowed} allowed, ${denied} denied, ${held} held, ${replayed} replayed`];
}

function denialLine({ ts, tool, rule, code }: Status['summary']['recentDenials'][number]): string {
  return `${ts}  ${shown(tool, 40)}  ${shown(rule ?? code ?? '', 60)}`;
}

function counted<T>(title: string, entries: readonly T[], row: (entry: T) => readonly [number, string], paint: Paint): readonly string[] {
  const lines = entries.map(row).map(([count, text]) => `${String(count).padStart(7)}  ${text}`);
  return titled(title, lines, paint);
}

function policyOf({ name, counters, pending }: PolicyStatus, { now }: Status, paint: Paint): readonly string[] {
  const waiting = pending.map(({ id, tool, rule, agent, evidence: { credential }, expiresAt }) => {
    const by = agent === undefined ? '' : `  agent ${shown(agent, 40)}`;
    const bringing = credential === undefined ? '' : `  credential ${shown(credential, 8)}`;
    return `${id}  ${shown(tool, 40)}  ${shown(rule, 40)}${by}${bringing}  expires in ${spanOf(expiresAt - now)}`;
  });
  return [
    ...titled(
      `counters of ${shown(name)}`,
      counters.map((counter) => counterLine(counter, now, paint)),
      paint,
    ),
    ...titled('waiting for approval', waiting, paint),
  ];
}

function unknownOf({ unknown, now }: Status, paint: Paint): readonly string[] {
  const lines = unknown.slice(0, MOST).map(({ key, tool, args, until }) => {
    return `${key.slice(0, 12)}  ${shown(tool, 40)}  denied for ${spanOf(until - now)}  ${shown(args, 60)}`;
  });
  return titled('outcome unknown: see "intercept idempotency"', lines, paint);
}

function counterLine({ counter, unit, scope, value, limit, used, resetsAt }: CounterStatus, now: number, paint: Paint): string {
  const whose = scope === undefined ? '' : ` (${shown(scope, 40)})`;
  const amount = limit === undefined ? value : `${value} of ${limit}`;
  return `${used === undefined ? ' '.repeat(BAR) : bar(used, paint)}  ${shown(counter, 60)}${whose}  ${amount} this ${unit}, resets in ${spanOf(resetsAt - now)}`;
}

function bar(used: number, paint: Paint): string {
  const full = Math.min(BAR, Math.floor(used * BAR));
  return paint(used >= 1 ? 'red' : used >= 0.8 ? 'yellow' : 'green', `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`);
}

function titled(title: string, lines: readonly string[], paint: Paint): readonly string[] {
  return lines.length === 0 ? [] : [paint('bold', title), ...lines.map((line) => `  ${line}`)];
}
