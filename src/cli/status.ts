/** `intercept status`: what runs, what was decided, what is counted and what waits (cli.md §1). */
import { renderApproval } from '../core/approval-json.ts';
import { EXIT } from '../core/fault.ts';
import { counterJson, instanceJson, pauseJson, timeJson } from '../core/instance-json.ts';
import { openStatus, type Status, type StatusSource } from '../run/status.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import { watchScreen } from './screen.ts';
import { renderStatus, urgentOf } from './status-view.ts';
import type { Terminal } from './terminal.ts';

/** Columns of lines that go to no terminal. */
const WIDE = 160;

export interface StatusOptions extends StatusSource {
  readonly json: boolean;
  readonly watch: boolean;
}

/** Prints the status, once or each second. */
export async function showStatus(options: StatusOptions, terminal: Terminal): Promise<number> {
  const paint = createPaint(terminal.colour);
  const read = await openStatus(options);
  const draw = async (width = terminal.size()?.columns ?? WIDE) => renderStatus(await read(), width, paint);
  if (options.json) terminal.out(JSON.stringify(toJson(await read()), null, 2));
  else if (options.watch && terminal.isTty) await watchScreen(draw, terminal);
  else print(await read(), paint, terminal);
  return EXIT.done;
}

/** Prints it once. What needs somebody is named again at the end where its lines have left the screen. */
function print(status: Status, paint: Paint, terminal: Terminal): void {
  const { columns = WIDE, rows = Number.POSITIVE_INFINITY } = terminal.size() ?? {};
  const lines = renderStatus(status, columns, paint);
  const urgent = lines.length < rows ? [] : urgentOf(status);
  const more = urgent.length === 0 ? [] : ['', paint('yellow', shown(`above: ${urgent.join(', ')}`, columns))];
  for (const line of [...lines, ...more]) terminal.out(line);
}

/** Records as all other commands print them, but without arguments: `approvals show` has those. */
function toJson(status: Status): object {
  const { now, since, stateDir, stored, pauses, policies, unknown, notInForce, instances, summary } = status;
  return {
    ...{ now: timeJson(now), since: timeJson(since), state: stateDir, stored },
    pauses: pauses.map(pauseJson),
    policies: policies.map(({ name, counters, pending }) => ({
      name,
      counters: counters.map(counterJson),
      pending: pending.map((record) => JSON.parse(renderApproval(record, undefined))),
    })),
    unknown: unknown.map(({ key, tool, agent, until }) => ({ key, tool, agent: agent ?? null, until: timeJson(until) })),
    not_in_force: notInForce.map(({ instance, why }) => ({ instance, why })),
    instances: instances.map(({ start, ...instance }) => ({
      ...instanceJson(instance),
      ...{ config: start?.config ?? null, listens: start?.listens ?? null, page: start?.page ?? null },
    })),
    calls: callsOf(summary),
  };
}

function callsOf({ totals, tools, denyRules, refusedMethods, recentDenials, shadow }: Status['summary']): object {
  return {
    ...totals,
    tools,
    denied_by: denyRules,
    refused_methods: refusedMethods,
    latest_denials: recentDenials.map(({ ts, tool, rule, code, agent, reason }) => ({
      ...{ ts, tool, rule: rule ?? null, code: code ?? null, agent: agent ?? null, reason: reason ?? null },
    })),
    shadow: shadow.map(({ rule, result, code, count }) => ({ rule, result, code: code ?? null, count })),
  };
}
