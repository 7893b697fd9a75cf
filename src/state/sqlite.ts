/** The Store in a SQLite file, shared by the processes of one host (cli.md §4). */
import { resolve } from 'node:path';
import type { CounterReading, CounterRef, Records, Store, StoreVerdict } from '../core/store.ts';
import { newApprovalId } from './ids.ts';
import { checkClock, FORGET_INSTANCE, MARK_STEP, PRUNE_EVERY, windowFinder } from './lifetime.ts';
import { type Connection, type Durability, keepConnection, transact } from './sqlite/connection.ts';
import { openLane } from './sqlite/lane.ts';
import { giveBack, instanceOf, liveCounters, pausesOf, pendingOf, scopeOf, sqliteRows } from './sqlite/rows.ts';
import { PRUNE_BATCH, type Statements } from './sqlite/statements.ts';
import { judgeStateless, reserveCalls } from './step.ts';
import { unbuilt } from './unbuilt.ts';

export interface SqliteOptions {
  readonly path: string;
  readonly namespace: string;
  readonly clock: () => number;
  /** How long to wait for another process's lock before a `StoreError`. */
  readonly timeoutMs: number;
  readonly newId?: () => string;
}

type WindowOf = ReturnType<typeof windowFinder>;

/** Opens the file, making it and its folder where there is none. Throws `StoreError` where it cannot be used. */
export async function openSqliteStore({
  namespace,
  clock,
  timeoutMs,
  newId = newApprovalId,
  ...rest
}: SqliteOptions): Promise<Store & Records> {
  const path = resolve(rest.path);
  const lane = openLane(path, timeoutMs);
  const connections = keepConnection(path, namespace);
  const windowOf = windowFinder();
  const sweep = pruner();
  const use = <T>(work: (statements: Statements, connection: Connection) => T): Promise<T> =>
    lane.run(() => connections.use((connection) => work(connection.statements, connection)));
  const change = <T>(durability: Durability, work: (statements: Statements) => T): Promise<T> =>
    use((statements, connection) => transact(connection, durability, () => work(statements)));

  await use(() => undefined);
  return {
    async reserve(calls) {
      const stateless = judgeStateless(calls, clock());
      if (stateless) return stateless;
      const durability = calls.some((call) => call.hold) ? 'full' : 'normal';
      return change(durability, (statements): StoreVerdict[] => {
        const now = clock();
        keepTime(statements, now);
        sweep(statements, now);
        return reserveCalls(calls, { rows: sqliteRows(statements), now, windowOf, newId });
      });
    },
    settle: (settlements) => change('normal', (statements) => giveBack(statements, settlements)),
    renew: async (claims) => claims,
    read: (counters) => use((statements) => readCounters(statements, counters, clock(), windowOf)),
    counters: () => use((statements) => liveCounters(statements, clock(), windowOf)),
    control: () =>
      use(({ control }) => {
        // One statement, so that the number and the pauses belong together.
        const rows = control.all();
        return { sequence: rows[0]?.sequence as number, pauses: pausesOf(rows) };
      }),
    pause: ({ policy, reason }) =>
      change('full', (statements) => {
        statements.pause.run(scopeOf(policy), policy ?? null, reason, clock());
        return bump(statements);
      }),
    resume: (policy) =>
      change('full', (statements) => {
        const { changes } = statements.resume.run(scopeOf(policy));
        return { ended: Number(changes), sequence: bump(statements) };
      }),
    announce: ({ id, pid, host, namespace, policy, upstream, revision, startedAt, confirmed }) =>
      change('normal', ({ announce, forget }) => {
        const now = clock();
        forget.run(now - FORGET_INSTANCE);
        announce.run(id, pid, host, namespace, policy ?? null, upstream, revision, startedAt, confirmed, now);
      }),
    leave: (instance) => use(({ leave }) => void leave.run(instance)),
    instances: () => use(({ instances }) => instances.all().map(instanceOf)),
    ...unbuilt(({ namespace: name }) => use(({ pending }) => pending.all(name ?? namespace, clock()).map(pendingOf))),
    async close() {
      lane.close();
      connections.close();
    },
  };
}

function readCounters(statements: Statements, counters: readonly CounterRef[], now: number, windowOf: WindowOf): CounterReading[] {
  const rows = sqliteRows(statements);
  return counters.map(({ id, unit }) => {
    const { start, end } = windowOf(unit, now);
    return { id, unit, micros: rows.value({ id, unit }, start), start, end };
  });
}

/** SPEC: policy.md §6: refuses a clock that is too far behind, and writes down how far this one has come. */
function keepTime({ newest, advance }: Statements, now: number): void {
  const known = (newest.get() as { newest: number }).newest;
  checkClock(now, known);
  if (now - known >= MARK_STEP) advance.run(now);
}

function bump({ bump: next }: Statements): number {
  return (next.get() as { sequence: number }).sequence;
}

/** Removes forgotten rows, a few in a transaction and not in every one; goes on at once while there are more. */
function pruner(): (statements: Statements, now: number) => void {
  let prunedAt = -Infinity;
  return ({ prune }, now) => {
    if (Math.abs(now - prunedAt) < PRUNE_EVERY) return;
    const { changes } = prune.run(now);
    if (Number(changes) < PRUNE_BATCH) prunedAt = now;
  };
}
