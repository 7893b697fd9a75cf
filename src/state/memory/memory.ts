/** The Store in this process's memory: for `intercept test`, and for tests of what stands on the port. */
import {
  type CounterReading,
  type CounterRef,
  type Instance,
  type Pause,
  type Records,
  type Reservation,
  type Store,
  StoreError,
} from '../../core/store.ts';
import type { Window, WindowUnit } from '../../core/window.ts';
import { deliverChallenge, expireChallenges } from '../challenge.ts';
import { forgetAt, MAX_RESULTS, renewClaim } from '../claim.ts';
import { type Ids, RANDOM_IDS } from '../ids.ts';
import { checkClock, FORGET_INSTANCE, keepUntil, settlingTime, windowFinder } from '../lifetime.ts';
import type { ChallengeRow, ChallengeRows, StepRows } from '../rows.ts';
import { judgeStateless, reserveCalls, settleAll, settleOnce } from '../step.ts';
import { type ApprovalTables, approvalRows, memoryApprovals, pruneApprovals } from './approvals.ts';
import { type ClaimTable, claimRows, memoryClaims } from './claims.ts';

export interface MemoryOptions {
  readonly clock: () => number;
  readonly namespace: string;
  /** Bytes that all stored results may take. */
  readonly maxResults?: number;
  readonly ids?: Ids;
}

interface CounterRow {
  readonly counter: CounterRef;
  readonly window: Window;
  readonly keepUntil: number;
  micros: number;
}

interface Tables {
  readonly counters: Map<string, CounterRow>;
  readonly approvals: ApprovalTables;
  readonly claims: ClaimTable;
  readonly challenges: ChallengeTable;
  readonly pauses: Map<string | undefined, Pause>;
  readonly instances: Map<string, Instance>;
  sequence: number;
  newest: number;
  prunedAt: number;
}

/** Opens an empty store that lives as long as this object, of one namespace. */
export function openMemoryStore({ clock, namespace, maxResults = MAX_RESULTS, ids = RANDOM_IDS }: MemoryOptions): Store & Records {
  const tables = emptyTables();
  const windowOf = windowFinder();
  const settled = new WeakSet<Reservation>();
  const rows = stepRows(tables);
  let closed = false;
  /** INVARIANT I4: `work` does not wait, so each operation is a transaction of its own. */
  const transact = async <T>(work: (now: number) => T): Promise<T> => {
    if (closed) throw new StoreError('the store is closed');
    return work(clock());
  };
  /** For what people decide: its time counts as much as that of calls. */
  const dated = <T>(work: (now: number) => T): Promise<T> =>
    transact((now) => {
      checkClock(now, tables.newest);
      tables.newest = Math.max(tables.newest, now);
      return work(now);
    });
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
        return reserveCalls(calls, { rows, now, windowOf, ids });
      }),
    settle: settleOnce(settled, (settlements) =>
      transact((now) => settleAll(settlements, rows, settlingTime(now, tables.newest), maxResults)),
    ),
    challenges: {
      deliver: (challenge, reservation) => transact((now) => deliverChallenge(challenge, reservation, ids.token(), rows, now)),
      openFor: (call) => transact((now) => rows.challengesFor(call, now)),
      expire: () => transact((now) => expireChallenges(rows, now)),
    },
    renew: (claims) => transact((now) => claims.filter((claim) => !renewClaim(claim, rows, now))),
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
    approvals: memoryApprovals(tables.approvals, namespace, { look: transact, change: dated }),
    claims: memoryClaims(tables.claims, namespace, { look: transact, change: dated }),
    close: async () => {
      closed = true;
    },
  };
}

function emptyTables(): Tables {
  return {
    counters: new Map(),
    approvals: { approvals: new Map(), events: [], sequence: 0, secret: undefined },
    claims: new Map(),
    challenges: new Map(),
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
    giveBack(draw) {
      const row = tables.counters.get(rowKey(draw, draw.start));
      if (row) row.micros = Math.max(0, row.micros - draw.micros);
    },
    ...approvalRows(tables.approvals),
    ...claimRows(tables.claims),
    ...challengeRows(tables.challenges),
  };
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
  pruneApprovals(tables.approvals, now);
  for (const row of tables.claims.values()) if (forgetAt(row) <= now) tables.claims.delete(row.key);
}

function rowKey({ id, unit }: CounterRef, start: number): string {
  return `${unit}:${start}:${id}`;
}

/** In the order in which they were delivered. */
export type ChallengeTable = Map<string, ChallengeRow>;

/** The rows that the shared rules read and write. */
export function challengeRows(table: ChallengeTable): ChallengeRows {
  const all = (isWanted: (row: ChallengeRow) => boolean) => [...table.values()].filter(isWanted);
  return {
    challenge: (id) => table.get(id),
    putChallenge: (row) => void table.set(row.id, row),
    dropChallenge: (id) => void table.delete(id),
    countChallenges: (agent, now) => all((row) => row.until > now && (agent === undefined || row.agent === agent)).length,
    challengesFor: (call, now) => all((row) => row.call === call && row.until > now),
    overChallenges: (now, limit) => all(({ until }) => until <= now).slice(0, limit),
  };
}
