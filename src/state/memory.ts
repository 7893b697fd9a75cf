/** The Store in this process's memory: for `intercept test`, and for tests of what stands on the port. */
import type { Approval, HoldRequest } from '../core/approval.ts';
import {
  type CounterReading,
  type CounterRef,
  type Instance,
  type Pause,
  type Records,
  type Settlement,
  type Store,
  StoreError,
} from '../core/store.ts';
import type { Window, WindowUnit } from '../core/window.ts';
import { newApprovalId } from './ids.ts';
import { checkClock, FORGET_INSTANCE, keepUntil, windowFinder } from './lifetime.ts';
import { judgeStateless, reserveCalls, type StepRows } from './step.ts';
import { unbuilt } from './unbuilt.ts';

export interface MemoryOptions {
  readonly clock: () => number;
  readonly namespace: string;
  readonly newId?: () => string;
}

interface CounterRow {
  readonly counter: CounterRef;
  readonly window: Window;
  readonly keepUntil: number;
  micros: number;
}

interface ApprovalRow extends Approval {
  readonly fingerprint: string;
}

interface Tables {
  readonly counters: Map<string, CounterRow>;
  approvals: readonly ApprovalRow[];
  readonly pauses: Map<string | undefined, Pause>;
  readonly instances: Map<string, Instance>;
  sequence: number;
  newest: number;
  prunedAt: number;
}

/** Opens an empty store that lives as long as this object. One namespace is all it has, so its name plays no part. */
export function openMemoryStore({ clock, newId = newApprovalId }: MemoryOptions): Store & Records {
  const tables = emptyTables();
  const windowOf = windowFinder();
  const rows = stepRows(tables);
  let closed = false;
  /** INVARIANT I4: `work` does not wait, so each operation is a transaction of its own. */
  const transact = async <T>(work: (now: number) => T): Promise<T> => {
    if (closed) throw new StoreError('the store is closed');
    return work(clock());
  };
  const reading = (counter: CounterRef, now: number): CounterReading => {
    const { start, end } = windowOf(counter.unit, now);
    return { id: counter.id, unit: counter.unit, micros: rows.value(counter, start), start, end };
  };
  return {
    reserve: (calls) =>
      transact((now) => {
        const stateless = judgeStateless(calls, now);
        if (stateless) return stateless;
        checkClock(now, tables.newest);
        tables.newest = Math.max(tables.newest, now);
        prune(tables, now);
        return reserveCalls(calls, { rows, now, windowOf, newId });
      }),
    settle: (settlements) => transact(() => giveBack(tables, settlements)),
    renew: async (claims) => claims,
    read: (counters) => transact((now) => counters.map((counter) => reading(counter, now))),
    counters: () => transact((now) => currentCounters(tables, now, windowOf)),
    control: () => transact(() => ({ sequence: tables.sequence, pauses: [...tables.pauses.values()] })),
    pause: ({ policy, reason }) =>
      transact((now) => {
        tables.pauses.set(policy, { policy, reason, since: now });
        return ++tables.sequence;
      }),
    resume: (policy) => transact(() => ({ ended: tables.pauses.delete(policy) ? 1 : 0, sequence: ++tables.sequence })),
    announce: (instance) => transact((now) => announce(tables, { ...instance, seenAt: now })),
    leave: (instance) => transact(() => void tables.instances.delete(instance)),
    instances: () => transact(() => [...tables.instances.values()]),
    ...unbuilt(() => transact((now) => tables.approvals.filter((row) => row.expiresAt > now).map(({ fingerprint: _, ...shown }) => shown))),
    close: async () => {
      closed = true;
    },
  };
}

function emptyTables(): Tables {
  return {
    counters: new Map(),
    approvals: [],
    pauses: new Map(),
    instances: new Map(),
    sequence: 0,
    newest: -Infinity,
    prunedAt: -Infinity,
  };
}

function stepRows(tables: Tables): StepRows {
  return {
    value: (counter, start) => tables.counters.get(rowKey(counter, start))?.micros ?? 0,
    write(counter, window, micros) {
      const key = rowKey(counter, window.start);
      const row = tables.counters.get(key);
      if (row) row.micros = micros;
      else tables.counters.set(key, { counter, window, micros, keepUntil: keepUntil(counter.unit, window) });
    },
    findHold: (hold, now) => tables.approvals.findLast((row) => row.fingerprint === hold.fingerprint && isFresh(row, hold, now)),
    countPending: (agent, now) => tables.approvals.filter((row) => row.agent === agent && row.expiresAt > now).length,
    insertHold(hold, id, now) {
      tables.approvals = [...tables.approvals.filter((row) => row.expiresAt > now), approvalRow(hold, id, now)];
    },
  };
}

function isFresh(row: ApprovalRow, hold: HoldRequest, now: number): boolean {
  return row.expiresAt > now && row.createdAt + hold.dedupeWindow > now;
}

function approvalRow(hold: HoldRequest, id: string, now: number): ApprovalRow {
  const { fingerprint, tool, rule, agent, message, args, evidence, timeout, retries } = hold;
  return {
    id,
    namespace: 'test',
    fingerprint,
    tool,
    rule,
    agent,
    message,
    args,
    evidence,
    state: 'pending',
    timeout,
    retries,
    attempts: 0,
    createdAt: now,
    expiresAt: now + timeout,
    decidedAt: undefined,
    decidedBy: undefined,
    reason: undefined,
    consumedAt: undefined,
  };
}

function giveBack(tables: Tables, settlements: readonly Settlement[]): void {
  for (const { outcome, reservation } of settlements) {
    if (outcome !== 'released') continue;
    for (const draw of reservation.draws) {
      const row = draw.count === 'attempts' ? undefined : tables.counters.get(rowKey(draw, draw.start));
      if (row) row.micros = Math.max(0, row.micros - draw.micros);
    }
  }
}

function currentCounters(tables: Tables, now: number, windowOf: (unit: WindowUnit, now: number) => Window): CounterReading[] {
  const readings: CounterReading[] = [];
  for (const { counter, window, micros } of tables.counters.values()) {
    if (micros === 0 || windowOf(counter.unit, now).start !== window.start) continue;
    readings.push({ id: counter.id, unit: counter.unit, micros, start: window.start, end: window.end });
  }
  return readings;
}

function announce({ instances }: Tables, instance: Instance): void {
  for (const { id, seenAt } of instances.values()) if (seenAt < instance.seenAt - FORGET_INSTANCE) instances.delete(id);
  instances.set(instance.id, instance);
}

/** Once a minute; a map of rows is small, and walking it is quick. */
function prune(tables: Tables, now: number): void {
  if (now - tables.prunedAt < 60_000) return;
  tables.prunedAt = now;
  for (const [key, row] of tables.counters) if (row.keepUntil <= now) tables.counters.delete(key);
}

function rowKey({ id, unit }: CounterRef, start: number): string {
  return `${unit}:${start}:${id}`;
}
