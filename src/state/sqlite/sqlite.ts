/** The Store in a SQLite file, shared by the processes of one host (cli.md §4). */
import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { CounterReading, CounterRef, Records, Reservation, Settlement, Store } from '../../core/store.ts';
import { deliverChallenge, expireChallenges } from '../challenge.ts';
import { MAX_RESULTS, renewClaim } from '../claim.ts';
import { type Ids, RANDOM_IDS } from '../ids.ts';
import { checkClock, FORGET_INSTANCE, MARK_STEP, settlingTime, windowFinder } from '../lifetime.ts';
import { type Movable, partsOf, UNDER_WAY } from '../move.ts';
import type { StepRows } from '../rows.ts';
import { scopeOf } from '../scope.ts';
import { judgeStateless, mustLast, reserveCalls, settleAll, settleOnce } from '../step.ts';
import { challengeRows } from './challenges.ts';
import { claimRows } from './claims.ts';
import { type Durability, keepConnection, type SqliteConnection, transact } from './connection.ts';
import { mayHaveDone, openLane } from './lane.ts';
import { type Access, sqliteRecords } from './records.ts';
import { instanceOf, liveCounters, pausesOf, sqliteRows } from './rows.ts';
import type { Statements } from './statements.ts';
import { pruner } from './statements.ts';
import { openTogether } from './together.ts';
import { dumpFile } from './transfer.ts';

export interface SqliteOptions {
  readonly path: string;
  readonly namespace: string;
  readonly clock: () => number;
  /** Waits so long for another process's lock before a `StoreError`, ms. */
  readonly timeoutMs: number;
  /** Bytes that all stored results may take, of every namespace. */
  readonly maxResults?: number;
  readonly ids?: Ids;
}

type WindowOf = ReturnType<typeof windowFinder>;

/** Opens the file, making it and its folder where there is none. Throws `StoreError` where it cannot be used. */
export async function openSqliteStore(options: SqliteOptions): Promise<Store & Records> {
  const file = openFile(options);
  await file.begin();
  return { ...storeOf(file, options), ...controlOf(file), ...sqliteRecords(file) };
}

/** Opens a file that is there for what people do with records. Throws `StoreError` where it cannot be used. */
export async function openSqliteRecords({
  path,
  clock,
  timeoutMs,
}: Pick<SqliteOptions, 'path' | 'clock' | 'timeoutMs'>): Promise<Records & Pick<Store, 'close'>> {
  const file = openFile({ path, clock, timeoutMs });
  await file.begin();
  return { ...sqliteRecords(file), close: file.close };
}

/** Opens a file to read it whole, or to write what another store had (`intercept state move`). */
export function movableFile({ path, clock, timeoutMs }: Pick<SqliteOptions, 'path' | 'clock' | 'timeoutMs'>): Movable {
  const withFile = async <T>(namespace: string | undefined, work: (file: StateFile) => Promise<T>): Promise<T> => {
    const file = openFile({ path, clock, timeoutMs, ...(namespace === undefined ? {} : { namespace }) });
    try {
      await file.begin();
      return await work(file);
    } finally {
      await file.close();
    }
  };
  return {
    dump: () => withFile(undefined, ({ withDatabase }) => withDatabase(dumpFile)),
    async load(state) {
      await withFile('', (file) =>
        file.write('full', (statements) => {
          if (state.secret !== undefined) statements.approvals.protect.run(state.secret);
          statements.pause.run(scopeOf(undefined), null, UNDER_WAY, clock());
          bump(statements);
        }),
      );
      for (const { namespace, write } of partsOf(state, MOVED_AT_ONCE))
        await withFile(namespace, (file) => file.write('full', (statements) => write(sqliteRows(statements))));
      await withFile('', (file) =>
        file.write('full', (statements) => {
          statements.resume.run(scopeOf(undefined));
          for (const { policy, reason, since } of state.pauses) statements.pause.run(scopeOf(policy), policy ?? null, reason, since);
          bump(statements);
        }),
      );
    },
  };
}

const MOVED_AT_ONCE = 5_000;

/** The first look may take so long, ms: agents start several proxies at once, and one of them makes the tables. */
const BEGINNING = 5_000;

interface StateFile extends Access {
  withDatabase<T>(work: (db: DatabaseSync) => T): Promise<T>;
  /** The first look; it waits longer than a call may, but not where nothing may wait. */
  begin(): Promise<void>;
  close(): Promise<void>;
}

/** The ways to the file that everything goes: one lane, one connection. */
function openFile({
  clock,
  timeoutMs,
  namespace,
  ...rest
}: Pick<SqliteOptions, 'path' | 'clock' | 'timeoutMs'> & { namespace?: string }): StateFile {
  const path = resolve(rest.path);
  const lane = openLane(path, timeoutMs);
  const connections = keepConnection(path, namespace);
  const use = <T>(work: (connection: SqliteConnection) => T): Promise<T> => lane.run(() => connections.use(work));
  const makeRoom = onceInTurn(() =>
    // Without patience: whoever has the lock goes first, and the next durable commit asks again.
    lane.run(connections.lengthenLog, 0).catch(() => {}),
  );
  const write = <T>(durability: Durability, work: (statements: Statements) => T): Promise<T> =>
    use((connection) => {
      const result = transact(connection, durability, () => work(connection.statements));
      if (durability === 'full' && namespace !== undefined && connection.log.isShort) makeRoom();
      return result;
    });
  return {
    clock,
    begin: () => lane.run(() => connections.use(() => undefined), timeoutMs > 0 ? Math.max(timeoutMs, BEGINNING) : 0),
    look: (work) => use(({ statements }) => work(statements)),
    withDatabase: (work) => use(({ db }) => work(db)),
    write,
    change: (work) =>
      write('full', (statements) => {
        const now = clock();
        keepTime(statements, now);
        return work(statements, now);
      }),
    async close() {
      lane.close();
      connections.close();
    },
  };
}

/** Does the work after the current turn of the event loop, once however often it was asked for. */
function onceInTurn(work: () => unknown): () => void {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    setImmediate(() => {
      due = false;
      work();
    });
  };
}

function storeOf(
  { clock, look, write, close }: StateFile,
  { ids = RANDOM_IDS, maxResults = MAX_RESULTS }: SqliteOptions,
): Pick<Store, 'reserve' | 'settle' | 'challenges' | 'renew' | 'read' | 'counters' | 'close'> {
  const windowOf = windowFinder();
  const rowsOf = rowsFinder();
  const settled = new WeakSet<Reservation>();
  const unsure = new WeakSet<Reservation>();
  const sweep = pruner();
  const together = openTogether(async ({ settlements, calls }) => {
    const lasts = settlements.some(mustLast);
    return write(lasts || calls.some((call) => call.hold || call.claim) ? 'full' : 'normal', (statements) => {
      const rows = rowsOf(statements);
      const now = clock();
      if (settlements.length > 0)
        settleAll(withoutUnsure(settlements, unsure), rows, lasts ? settlingTime(now, newest(statements)) : now, maxResults);
      if (calls.length === 0) return [];
      keepTime(statements, now);
      sweep(statements, now);
      return reserveCalls(calls, { rows, now, windowOf, ids });
    }).catch((error) => {
      if (mayHaveDone(error)) for (const { reservation } of settlements) unsure.add(reservation);
      throw error;
    });
  });
  return {
    reserve: async (calls) => judgeStateless(calls, clock()) ?? together.reserve(calls),
    settle: settleOnce(settled, together.settle),
    challenges: {
      // Not delivered before it is kept for good: a wallet may pay it at once.
      deliver: (challenge, reservation) =>
        write('full', (statements) => deliverChallenge(challenge, reservation, ids.token(), rowsOf(statements), clock())),
      openFor: (call) => look((statements) => challengeRows(statements).challengesFor(call, clock())),
      async expire() {
        // Asked once a second and seldom answered: without any that is over there is no lock to take.
        if ((await look((statements) => challengeRows(statements).overChallenges(clock(), 1))).length === 0) return 0;
        return write('normal', (statements) => expireChallenges(rowsOf(statements), clock()));
      },
    },
    // A renewal that is lost with the power only lets the lease lapse, and its owner is gone as well.
    renew: (claims) =>
      write('normal', (statements) => {
        const [rows, now] = [claimRows(statements), clock()];
        return claims.filter((claim) => !renewClaim(claim, rows, now));
      }),
    read: (counters) => look((statements) => readCounters(statements, counters, clock(), windowOf)),
    counters: () => look((statements) => liveCounters(statements, clock(), windowOf)),
    async close() {
      together.flush();
      await close();
    },
  };
}

/** INVARIANT I4: what may have been given back already, by a commit that failed at its end, is not given back once more: it stays spent. */
function withoutUnsure(settlements: readonly Settlement[], unsure: WeakSet<Reservation>): readonly Settlement[] {
  return settlements.map((each) => (unsure.has(each.reservation) ? { ...each, reservation: { ...each.reservation, draws: [] } } : each));
}

function controlOf({ clock, look, write }: StateFile): Pick<Store, 'control' | 'pause' | 'resume' | 'announce' | 'leave' | 'instances'> {
  return {
    control: () =>
      look(({ control }) => {
        // One statement, so that the number and the pauses belong together.
        const rows = control.all();
        return { sequence: rows[0]?.sequence as number, pauses: pausesOf(rows) };
      }),
    pause: ({ policy, reason }) =>
      write('full', (statements) => {
        statements.pause.run(scopeOf(policy), policy ?? null, reason, clock());
        return bump(statements);
      }),
    resume: (policy) =>
      write('full', (statements) => {
        const { changes } = statements.resume.run(scopeOf(policy));
        return { ended: Number(changes), sequence: bump(statements) };
      }),
    announce: ({ id, pid, host, namespace, policy, upstream, revision, startedAt, confirmed }) =>
      write('normal', ({ announce, forget }) => {
        const now = clock();
        forget.run(now - FORGET_INSTANCE);
        announce.run(id, pid, host, namespace, policy ?? null, upstream, revision, startedAt, confirmed, now);
      }),
    leave: (instance) => look(({ leave }) => void leave.run(instance)),
    instances: () => look(({ instances }) => instances.all().map(instanceOf)),
  };
}

/** `sqliteRows` that remembers those of the open connection. */
function rowsFinder(): (statements: Statements) => StepRows {
  let last: { readonly statements: Statements; readonly rows: StepRows } | undefined;
  return (statements) => {
    if (last?.statements !== statements) last = { statements, rows: sqliteRows(statements) };
    return last.rows;
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
function keepTime(statements: Statements, now: number): void {
  const known = newest(statements);
  checkClock(now, known);
  if (now - known >= MARK_STEP) statements.advance.run(now);
}

function newest(statements: Statements): number {
  return (statements.newest.get() as { newest: number }).newest;
}

function bump({ bump: next }: Statements): number {
  return (next.get() as { sequence: number }).sequence;
}
