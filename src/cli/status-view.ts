/** Lays the status out for people: what needs them first, each line as wide as their terminal at most. Pure. */
import type { CounterStatus } from '../core/counter.ts';
import type { PolicyStatus, Status } from '../run/status.ts';
import { type Paint, shown } from './paint.ts';
import { BAR, bar, firstOf, NEAR, table, titled } from './rows.ts';
import { relative, spanOf, timeOf } from './spans.ts';

/** The lines: sections that have something to say, with a blank line between them. */
export function renderStatus(status: Status, width: number, paint: Paint): readonly string[] {
  const sections = [
    pausesOf(status, width, paint),
    waitingOf(status, width, paint),
    unknownOf(status, width, paint),
    notInForceOf(status, width, paint),
    nearOf(status, width, paint),
    instancesOf(status, width, paint),
    callsOf(status, width, paint),
    ...status.policies.map((policy) => countersOf(policy, status, width, paint)),
    ...recordsOf(status, width, paint),
  ];
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

/** Names what needs a human, in a few words each. */
export function urgentOf({ pauses, policies, unknown, notInForce }: Status): readonly string[] {
  const waiting = policies.reduce((sum, { pending }) => sum + pending.length, 0);
  return [
    ...pauses.map(({ policy }) => `PAUSED ${policy ?? 'all policies'}`),
    ...(waiting === 0 ? [] : [`${waiting} waiting for approval`]),
    ...(unknown.length === 0 ? [] : [`${unknown.length} with an unknown outcome`]),
    ...(notInForce.length === 0 ? [] : ['a policy on disk that is not in force']),
  ];
}

function pausesOf({ pauses }: Status, width: number, paint: Paint): readonly string[] {
  return pauses.map(({ policy, reason, since }) => {
    const text = `${shown(policy ?? 'all policies')} since ${timeOf(since)}${reason && `: ${shown(reason)}`}`;
    return `${paint('red', 'PAUSED')} ${shown(text, width - 7)}`;
  });
}

function waitingOf({ policies, now }: Status, width: number, paint: Paint): readonly string[] {
  const records = policies.flatMap(({ pending }) => pending).toSorted((a, b) => a.expiresAt - b.expiresAt);
  const rows = records.map(({ id, tool, agent, evidence: { credential }, expiresAt, rule, args }) => {
    const by = agent ?? (credential === undefined ? 'agent unknown' : `credential ${credential}`);
    return [id, tool, by, `${spanOf(expiresAt - now)} left`, `${args}  ${rule}`];
  });
  return titled(paint('yellow', `waiting for approval (${rows.length})`), rows, width, 'see "intercept approvals list"');
}

function unknownOf({ unknown, now }: Status, width: number, paint: Paint): readonly string[] {
  const rows = unknown.map(({ key, tool, agent, until, args }) => {
    return [key.slice(0, 12), tool, agent ?? 'agent unknown', `denied for ${spanOf(until - now)}`, args];
  });
  return titled(paint('yellow', `outcome unknown (${rows.length}): see "intercept idempotency"`), rows, width);
}

function notInForceOf({ notInForce }: Status, width: number, paint: Paint): readonly string[] {
  const rows = notInForce.map(({ pid, policy, why }) => [policy ?? '(no name)', `pid ${pid}`, why]);
  return titled(paint('red', 'the policy on disk is not in force'), rows, width);
}

function nearOf({ policies, now }: Status, width: number, paint: Paint): readonly string[] {
  const near = policies.flatMap(({ name, counters }) => counters.filter(isNear).map((counter) => ({ name, counter })));
  const rows = near.toSorted((a, b) => (b.counter.used ?? 0) - (a.counter.used ?? 0));
  return counterLines(
    paint('yellow', 'counters near their limit'),
    rows.map(({ name, counter }) => [counter, `${name}: `]),
    { now, width, paint },
  );
}

function countersOf({ name, counters }: PolicyStatus, { now }: Status, width: number, paint: Paint): readonly string[] {
  const rest = counters.filter((counter) => !isNear(counter));
  return counterLines(
    paint('bold', shown(`counters of ${name}`, width)),
    rest.map((counter) => [counter, '']),
    { now, width, paint },
  );
}

function isNear({ used }: CounterStatus): boolean {
  return used !== undefined && used >= NEAR;
}

interface View {
  readonly now: number;
  readonly width: number;
  readonly paint: Paint;
}

function counterLines(title: string, rows: readonly (readonly [CounterStatus, string])[], { now, width, paint }: View): readonly string[] {
  const texts = rows.map(([{ counter, unit, scope, value, limit, resetsAt }, whose]) => {
    const amount = limit === undefined ? value : `${value} of ${limit}`;
    return [`${amount} this ${unit}`, `${spanOf(resetsAt - now)} left`, `${whose}${counter}${scope === undefined ? '' : ` (${scope})`}`];
  });
  const lines = table(texts, width - BAR - 2).map((line, index) => `  ${bar(rows[index]?.[0].used, paint)}${line}`);
  return lines.length === 0 ? [] : [title, ...firstOf(lines, width)];
}

function instancesOf({ instances, stored, stateDir, now }: Status, width: number, paint: Paint): readonly string[] {
  if (!stored) {
    // Only a server can lose it behind our back.
    const lost = stateDir.includes('://') ? ', or it was lost: see "intercept state"' : '';
    return [shown(`no state at ${stateDir}: no proxy has run with it yet${lost}`, Math.max(width, 200))];
  }
  if (instances.length === 0) return ['no instance is running'];
  const rows = instances.map(({ pid, host, policy, revision, startedAt, upstream }) => {
    return [policy ?? '(no name)', revision, `pid ${pid} on ${host}`, `up ${spanOf(now - startedAt)}`, upstream];
  });
  const lines = table(rows, width).flatMap((line, index) => {
    const start = instances[index]?.start;
    const places = [...(start?.listens ? [`listens on ${start.listens}`] : []), ...(start?.page ? [`page ${start.page}`] : [])];
    return [line, ...places.map((place) => `    ${shown(place, width - 4)}`)];
  });
  return [paint('bold', `instances (${instances.length})`), ...lines];
}

function callsOf({ summary, since }: Status, width: number, paint: Paint): readonly string[] {
  const { allowed, denied, approval_required: held, replayed } = summary.totals;
  const refused = summary.refusedMethods.reduce((sum, { count }) => sum + count, 0);
  const others = refused === 0 ? '' : `, ${refused} other ${refused === 1 ? 'request' : 'requests'} refused`;
  const title = `calls since ${timeOf(since)}`;
  const text = `${allowed} allowed, ${denied} denied, ${held} held, ${replayed} replayed${others}`;
  if (title.length + 2 + text.length <= width) return [`${paint('bold', title)}  ${text}`];
  return [paint('bold', title), `  ${shown(text, width - 2)}`];
}

/** Summarizes the records, the newest denials first. */
function recordsOf({ summary, now }: Status, width: number, paint: Paint): readonly (readonly string[])[] {
  const { tools, denyRules, refusedMethods, recentDenials, shadow } = summary;
  const denials = recentDenials.map(({ ts, tool, agent, rule, code, reason, args }) => {
    return [
      relative(Date.parse(ts), now),
      tool,
      ...(agent === undefined ? [] : [agent]),
      `${rule ?? code ?? ''}: ${reason ?? ''}  ${args ?? ''}`,
    ];
  });
  const counts = (rows: readonly (readonly [number, string])[]) => rows.map(([count, text]) => [String(count).padStart(6), text]);
  return [
    titled(paint('bold', 'latest denials'), denials, width, 'see "intercept log"'),
    titled(paint('bold', 'denied by'), counts(denyRules.map(({ rule, count }) => [count, rule])), width),
    titled(paint('bold', 'tools'), counts(tools.map(({ tool, calls }) => [calls, tool])), width),
    titled(paint('bold', 'other requests refused'), counts(refusedMethods.map(({ method, count }) => [count, method])), width),
    titled(
      paint('bold', 'shadow: enforcement would have'),
      counts(shadow.map(({ rule, result, count }) => [count, `${result === 'denied' ? 'denied' : 'held'} by ${rule}`])),
      width,
    ),
  ];
}
