/** Summarises recorded events for `intercept status`. */
import type { StoredRecord } from './read.ts';

export interface InstanceSummary {
  readonly instance: string;
  readonly policy: string | undefined;
  readonly revision: string | undefined;
  readonly upstream: string | undefined;
  readonly pid: number | undefined;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** It ended in order. */
  readonly ended: boolean;
}

export interface RuleCount {
  readonly rule: string;
  readonly count: number;
}

export interface ShadowCount extends RuleCount {
  readonly result: string;
  readonly code: string | undefined;
}

export interface CountedDenial {
  readonly ts: string;
  readonly tool: string;
  readonly rule: string | undefined;
  readonly code: string | undefined;
  readonly agent: string | undefined;
  /** The text that the agent read, and what exactly did not hold. */
  readonly reason: string | undefined;
  /** The JSON text of its arguments, as recorded. */
  readonly args: string | undefined;
}

export interface Summary {
  readonly instances: readonly InstanceSummary[];
  readonly totals: { readonly allowed: number; readonly denied: number; readonly approval_required: number; readonly replayed: number };
  /** Most frequent first. */
  readonly denyRules: readonly RuleCount[];
  /** Newest first, ten at most. */
  readonly recentDenials: readonly CountedDenial[];
  /** Calls that enforcement would have denied or held, by rule (policy.md §10). */
  readonly shadow: readonly ShadowCount[];
  readonly tools: readonly { readonly tool: string; readonly calls: number }[];
  /** Requests of either side that `methods` or a pause refused. */
  readonly refusedMethods: readonly { readonly method: string; readonly count: number }[];
}

type Totals = { -readonly [Result in keyof Summary['totals']]: number };

interface Tally {
  readonly instances: Map<string, InstanceSummary>;
  readonly totals: Totals;
  readonly rules: Map<string, number>;
  readonly shadow: Map<string, ShadowCount>;
  readonly tools: Map<string, number>;
  readonly methods: Map<string, number>;
  denials: CountedDenial[];
}

const RECENT = 10;

/** Counts records in one pass, keeping no more of them than it reports. */
export async function summarise(events: Iterable<StoredRecord> | AsyncIterable<StoredRecord>): Promise<Summary> {
  const tally = openTally();
  for await (const event of events) tally.count(event);
  return tally.summary();
}

/** Counts records as they come. Fields it does not know or that are amiss are passed over. */
export function openTally(): { count(event: StoredRecord): void; summary(): Summary } {
  const tally: Tally = {
    instances: new Map(),
    totals: { allowed: 0, denied: 0, approval_required: 0, replayed: 0 },
    rules: new Map(),
    shadow: new Map(),
    tools: new Map(),
    methods: new Map(),
    denials: [],
  };
  return { count: (event) => count(tally, event), summary: () => summaryOf(tally) };
}

function summaryOf(tally: Tally): Summary {
  return {
    instances: [...tally.instances.values()].sort((a, b) => order(a.firstSeen, b.firstSeen)),
    totals: tally.totals,
    denyRules: byCount(tally.rules).map(([rule, n]) => ({ rule, count: n })),
    recentDenials: newest(tally.denials),
    shadow: [...tally.shadow.values()].sort((a, b) => b.count - a.count || order(a.rule, b.rule)),
    tools: byCount(tally.tools).map(([tool, calls]) => ({ tool, calls })),
    refusedMethods: byCount(tally.methods).map(([method, n]) => ({ method, count: n })),
  };
}

function count(tally: Tally, event: StoredRecord): void {
  countInstance(tally.instances, event);
  if (event.type === 'request' && event.result === 'denied') add(tally.methods, text(event.method) ?? '');
  if (event.type !== 'tool_call') return;
  const tool = text(event.tool) ?? '';
  const result = event.result;
  add(tally.tools, tool);
  if (isResult(result, tally.totals)) tally.totals[result]++;
  if (result === 'denied') countDenial(tally, event, tool);
  for (const verdict of list(event.would)) countShadow(tally.shadow, verdict);
}

function countInstance(instances: Map<string, InstanceSummary>, event: StoredRecord): void {
  const instance = text(event.instance);
  if (instance === undefined) return;
  const known = instances.get(instance);
  instances.set(instance, {
    instance,
    policy: text(event.policy) ?? known?.policy,
    revision: text(event.revision) ?? known?.revision,
    upstream: text(event.upstream) ?? known?.upstream,
    pid: typeof event.pid === 'number' ? event.pid : known?.pid,
    firstSeen: known?.firstSeen ?? event.ts,
    lastSeen: event.ts,
    ended: event.type === 'shutdown',
  });
}

function countDenial(tally: Tally, event: StoredRecord, tool: string): void {
  const rule = text(event.rule);
  const code = text(event.code);
  add(tally.rules, rule ?? `(${code ?? 'unknown'})`);
  const args = typeof event.args === 'object' ? JSON.stringify(event.args) : undefined;
  tally.denials.push({ ts: event.ts, tool, rule, code, agent: text(event.agent), reason: text(event.message), args });
  if (tally.denials.length >= RECENT * 10) tally.denials = newest(tally.denials);
}

function countShadow(shadow: Map<string, ShadowCount>, verdict: unknown): void {
  if (typeof verdict !== 'object' || verdict === null) return;
  const fields = verdict as Readonly<Record<string, unknown>>;
  const rule = text(fields.rule) ?? '';
  const result = text(fields.result) ?? '';
  const key = `${result} ${rule}`;
  shadow.set(key, { rule, result, code: text(fields.code), count: (shadow.get(key)?.count ?? 0) + 1 });
}

function isResult(value: unknown, totals: Totals): value is keyof Totals {
  return typeof value === 'string' && Object.hasOwn(totals, value);
}

function newest(denials: readonly CountedDenial[]): CountedDenial[] {
  return [...denials].sort((a, b) => order(b.ts, a.ts)).slice(0, RECENT);
}

function byCount(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].sort((a, b) => b[1] - a[1] || order(a[0], b[0]));
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
