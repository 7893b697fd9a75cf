/** Selects the audit's records that somebody asks for, and counts them (cli.md §1). */
import { compileName, matchesName } from '../../core/names.ts';
import type { StoredLine } from './merge.ts';
import type { StoredRecord } from './read.ts';

export interface Wanted {
  /** Globs, as policies have them. */
  readonly tool: string | undefined;
  readonly agent: string | undefined;
  /** Calls, methods and messages that were denied, and nothing else. */
  readonly denied: boolean;
}

/** A record with what others say of the same call. */
export interface SelectedLine extends StoredLine {
  readonly tool: string | undefined;
  readonly agent: string | undefined;
}

/** Counts of the selected records, by what became of them. */
export interface SelectedCounts {
  records: number;
  readonly calls: { allowed: number; denied: number; approval_required: number; replayed: number };
  methodsDenied: number;
  messagesRefused: number;
}

export interface RecordSelection {
  /** Answers with the record where it is wanted, and counts it. */
  take(line: StoredLine): SelectedLine | undefined;
  readonly counts: SelectedCounts;
  /** Counts the records that were looked at. */
  seen(): number;
  /** Names that the records have: to find the one that was meant. */
  names(of: 'tool' | 'agent'): Iterable<string>;
}

/** INVARIANT I11: calls whose end was not read yet, and names that are remembered. */
const MOST_OPEN = 10_000;
const MOST_NAMES = 1_000;

interface Caller {
  readonly tool: string | undefined;
  readonly agent: string | undefined;
}

/** Opens a selection. It remembers the calls under way, since an outcome names neither tool nor agent. */
export function openSelection({ tool, agent, denied }: Wanted): RecordSelection {
  const tools = tool === undefined ? undefined : compileName(tool);
  const agents = agent === undefined ? undefined : compileName(agent);
  const callers = new Map<string, Caller>();
  const names = { tool: new Set<string>(), agent: new Set<string>() };
  const counts: SelectedCounts = {
    records: 0,
    calls: { allowed: 0, denied: 0, approval_required: 0, replayed: 0 },
    methodsDenied: 0,
    messagesRefused: 0,
  };
  let seen = 0;

  function isWanted(record: StoredRecord, caller: Caller): boolean {
    if (tools && (caller.tool === undefined || !matchesName(tools, caller.tool))) return false;
    if (agents && (caller.agent === undefined || !matchesName(agents, caller.agent))) return false;
    return !denied || isDenied(record);
  }

  return {
    take(line) {
      seen++;
      const caller = callerOf(line.record, callers);
      for (const of of ['tool', 'agent'] as const) remember(names[of], caller[of]);
      if (!isWanted(line.record, caller)) return undefined;
      count(counts, line.record);
      return { ...line, ...caller };
    },
    counts,
    seen: () => seen,
    names: (of) => names[of],
  };
}

/** Denied calls, methods and messages, and calls that a human denied. */
function isDenied({ type, result }: StoredRecord): boolean {
  return type === 'refused' || type === 'approval_denied' || ((type === 'tool_call' || type === 'request') && result === 'denied');
}

/** A call's records come one after the other, so that those met first are given up first where there are too many. */
function callerOf(record: StoredRecord, callers: Map<string, Caller>): Caller {
  const call = textOf(record.call);
  const known = call === undefined ? undefined : callers.get(call);
  const caller = { tool: textOf(record.tool) ?? known?.tool, agent: textOf(record.agent) ?? known?.agent };
  if (call === undefined) return caller;
  if (record.type === 'outcome') callers.delete(call);
  else if (record.type === 'tool_call' && record.result !== 'denied' && record.result !== 'replayed') {
    callers.set(call, caller);
    if (callers.size > MOST_OPEN) callers.delete(callers.keys().next().value ?? '');
  }
  return caller;
}

function remember(names: Set<string>, name: string | undefined): void {
  if (name !== undefined && names.size < MOST_NAMES) names.add(name);
}

function count(counts: SelectedCounts, { type, result }: StoredRecord): void {
  counts.records++;
  if (type === 'tool_call' && isResult(result, counts)) counts.calls[result]++;
  if (type === 'request' && result === 'denied') counts.methodsDenied++;
  if (type === 'refused') counts.messagesRefused++;
}

function isResult(value: unknown, { calls }: SelectedCounts): value is keyof SelectedCounts['calls'] {
  return typeof value === 'string' && Object.hasOwn(calls, value);
}

/** A field that is a text. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
