/**
 * A process with a SQLite store of its own, driven over stdin: one JSON command a line, one JSON answer a line.
 * Runs on Bun and on Node. `worker.ts <path> <timeoutMs>`.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { DatabaseSync } from 'node:sqlite';
import type { Records, Settlement, Store, StoreVerdict } from '../../src/core/store.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { loadDriver } from '../../src/state/sqlite/connection.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { approvalOf, clockAt, counter, held, limited, moneyCall, reservationOf, STATELESS } from './calls.ts';

export interface Command {
  /** Become this user first, who may not write everywhere. */
  readonly user?: number;
  readonly open?: boolean;
  /** Reserves on this counter, `times` times, one after the other; `loud` says each try and each success at once. */
  readonly reserve?: string;
  readonly max?: number;
  readonly times?: number;
  readonly loud?: boolean;
  /** Gives every second reservation back. */
  readonly release?: boolean;
  /** Carries out each of these calls, which need an approval and are idempotent; says each that goes out. */
  readonly pay?: readonly string[];
  readonly lock?: boolean;
  /** Runs SQL on a connection beside the store's. */
  readonly sql?: string;
  /** Compares every operation with the memory store's answer. */
  readonly compare?: boolean;
}

export interface Answer {
  readonly reserved: number;
  readonly denied: number;
  readonly errors: readonly string[];
}

const [, , path = '', timeout = '250'] = process.argv;
const { DatabaseSync: Database } = loadDriver();
let store: Store | undefined;
let raw: DatabaseSync | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  try {
    say(await obey(command));
  } catch (error) {
    say({ reserved: 0, denied: 0, errors: [String(error)] });
  }
}
raw?.close();
await store?.close();

async function obey(command: Command): Promise<Answer> {
  if (command.user !== undefined) {
    process.setgid?.(command.user);
    process.setuid?.(command.user);
  }
  if (command.open) store ??= await openSqliteStore({ path, namespace: 'test', clock: Date.now, timeoutMs: Number(timeout) });
  if (command.lock !== undefined) lock(command.lock);
  if (command.sql) {
    raw ??= new Database(path);
    raw.exec(command.sql);
  }
  if (command.compare) await compare();
  if (command.pay) return pay(command.pay);
  return command.reserve === undefined ? { reserved: 0, denied: 0, errors: [] } : reserve(command);
}

function lock(taken: boolean): void {
  raw ??= new Database(path);
  raw.exec(taken ? 'BEGIN IMMEDIATE' : 'ROLLBACK');
}

async function reserve({
  reserve: id = '',
  max = Number.MAX_SAFE_INTEGER,
  times = 1,
  loud = false,
  release = false,
}: Command): Promise<Answer> {
  const call = limited([counter(id, 'month')], max, 1);
  const errors = new Set<string>();
  let [reserved, denied] = [0, 0];
  for (let time = 0; time < times; time++) {
    if (loud) writeSync(1, 'try\n');
    try {
      const [verdict] = (await store?.reserve([call])) ?? [];
      if (verdict?.kind === 'reserved') reserved++;
      else denied++;
      if (loud && verdict?.kind === 'reserved') writeSync(1, 'ok\n');
      if (release && verdict?.kind === 'reserved' && reserved % 2 === 0)
        await store?.settle([{ reservation: reservationOf(verdict), outcome: 'released' }]);
    } catch (error) {
      errors.add(String(error));
    }
  }
  return { reserved, denied, errors: [...errors] };
}

/** `reserved`: how many went out from here; `denied`: how many had gone out, or were on their way. */
async function pay(keys: readonly string[]): Promise<Answer> {
  let [reserved, denied] = [0, 0];
  for (const key of keys) {
    const [verdict] = (await store?.reserve([moneyCall(key)])) ?? [];
    if (verdict?.kind !== 'reserved') {
      denied++;
      continue;
    }
    writeSync(1, `sent ${key}\n`);
    await store?.settle([{ reservation: verdict.reservation, outcome: 'committed', result: `"${key}"` }]);
    reserved++;
  }
  return { reserved, denied, errors: [] };
}

/** The whole port, on both stores with one clock and one row of ids. */
async function compare(): Promise<void> {
  const clock = clockAt('2028-02-29T23:59:58Z');
  let [left, right] = [0, 0];
  const memory = openMemoryStore({
    clock: clock.read,
    namespace: 'compare',
    ids: { approval: () => `apr_${left++}`, token: () => `t${left++}` },
  });
  const sqlite = await openSqliteStore({
    path,
    namespace: 'compare',
    clock: clock.read,
    timeoutMs: Number(timeout),
    ids: { approval: () => `apr_${right++}`, token: () => `t${right++}` },
  });
  const both = async <T>(work: (store: Store & Records) => Promise<T>): Promise<T> => {
    const [expected, got] = [await work(memory), await work(sqlite)];
    if (plain(expected) !== plain(got)) throw new Error(`expected ${plain(expected)}, got ${plain(got)}`);
    return got;
  };
  const instance = {
    id: 'i',
    pid: 1,
    host: 'h',
    namespace: 'n',
    policy: undefined,
    upstream: 'u',
    revision: 'r',
    startedAt: 5,
    confirmed: 2,
  };
  for (let round = 0; round < 6; round++) {
    const calls = [
      limited([counter('__proto__', 'month'), counter('b', 'second')], 3, 1),
      held(`f${round % 2}`, { maxPending: 1 }),
      STATELESS,
      limited([counter('b', 'minute')], 4, 3, 'attempts'),
    ];
    const verdicts = await both((one) => one.reserve(calls));
    if (round === 0) approvalOf(verdicts[1]);
    await both((one) => one.read([counter('b', 'second'), counter('__proto__', 'month'), counter('none')]));
    if (round % 3 === 0) await both((one) => one.settle(released(verdicts)));
    await both(async (one) => (await one.counters()).map((reading) => plain(reading)).sort());
    await compareRecords(both, round);
    await both((one) =>
      round % 2 === 0 ? one.pause({ policy: 'p', reason: `${round}` }) : one.resume('p').then(({ sequence }) => sequence),
    );
    await both((one) => one.control());
    await both((one) => one.announce({ ...instance, confirmed: round }));
    await both((one) => one.instances());
    clock.now += 700;
  }
  await both((one) => one.leave('i'));
  await both((one) => one.instances());
  await both((one) => one.close());
}

type Both = <T>(work: (store: Store & Records) => Promise<T>) => Promise<T>;

/** What people do, and what money needs. */
async function compareRecords(both: Both, round: number): Promise<void> {
  await both((one) => one.approvals.list({ state: 'pending', namespace: 'compare' }));
  const asked = [moneyCall('a'), moneyCall(`b${round}`), held('told', { notify: true, call: 'told', dedupeWindow: 0, timeout: 1_500 })];
  const verdicts = await both((one) => one.reserve(asked));
  for (const { id } of await both((one) => one.approvals.list({ state: 'pending', limit: 2 })))
    await both((one) => one.approvals.decide({ id, verdict: round === 4 ? 'deny' : 'approve', by: 'eve', reason: `${round}` }));
  const [first] = verdicts;
  if (first?.kind === 'reserved' && first.reservation.claim) {
    const { claim } = first.reservation;
    await both((one) => one.renew([claim]));
    await both((one) => one.settle([{ reservation: { ...first.reservation }, outcome: round % 2 === 0 ? 'kept' : 'released' }]));
    await both((one) => one.claims.resolve('a', 'happened', 'eve'));
  }
  await both((one) => one.approvals.expire());
  await both((one) => one.approvals.list({}));
  await both((one) => one.approvals.list({ state: 'expired', limit: 3 }));
  await both((one) => one.approvals.find('apr_1'));
  await both((one) => one.approvals.protect(`${round}`));
  await both((one) => one.approvals.secret());
  await both((one) => one.approvals.events(round, 5));
  const [due, late] = await both((one) => one.approvals.due('me', 'compare', 2));
  if (due) await both((one) => one.approvals.delivered(due.id));
  if (late) await both((one) => one.approvals.failed(late.id, late.event.at + 900));
  await both((one) => one.claims.list({}));
  await both((one) => one.claims.list({ state: 'unknown', namespace: 'compare', limit: 1 }));
}

function released(verdicts: readonly StoreVerdict[]): Settlement[] {
  return verdicts.flatMap((verdict) => (verdict.kind === 'reserved' ? [{ reservation: verdict.reservation, outcome: 'released' }] : []));
}

function plain(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function say(answer: Answer): void {
  writeSync(1, `${JSON.stringify(answer)}\n`);
}
