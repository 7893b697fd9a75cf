/** One file, many processes: exact limits, deaths in the middle, and a lock that somebody keeps (I4, cli.md §4). */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Records, type Store, StoreError } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { counter, limited, moneyCall, STATELESS, temporaryFolder } from './calls.ts';
import { RUNTIMES, type Runtime, startWorker, type Worker } from './processes.ts';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let workers: Worker[];
let stores: (Store & Records)[];
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'intercept.sqlite');
  workers = [];
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  for (const worker of workers) worker.child.kill('SIGKILL');
  folder.remove();
});

const start = (options?: Parameters<typeof startWorker>[1]) => {
  const worker = startWorker(path, options);
  workers.push(worker);
  return worker;
};
const open = async (timeoutMs = 250) => {
  const store = await openSqliteStore({ path, namespace: 'test', clock: Date.now, timeoutMs });
  stores.push(store);
  return store;
};
const countOf = async (store: Store, id: string) => (await store.read([counter(id, 'month')]))[0]?.micros;

describe('I4: several processes on one limit', () => {
  const crowd: readonly Runtime[] = ['bun', 'node', 'bun', 'node'];

  test('exactly X are admitted, on both runtimes together', async () => {
    const all = crowd.map((runtime) => start({ runtime, timeoutMs: 5_000 }));
    await Promise.all(all.map((worker) => worker.ask({ open: true })));
    const answers = await Promise.all(all.map((worker) => worker.ask({ reserve: 'c', max: 1_000, times: 400 })));
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    expect(answers.reduce((sum, { reserved }) => sum + reserved, 0)).toBe(1_000);
    expect(answers.reduce((sum, { denied }) => sum + denied, 0)).toBe(600);
    expect(await countOf(await open(), 'c')).toBe(1_000);
    await Promise.all(all.map((worker) => worker.stop()));
    expect(all.map((worker) => worker.complaints()).join('')).toBe('');
  }, 120_000);

  test('what is released is free again, and nothing else', async () => {
    const all = crowd.map((runtime) => start({ runtime, timeoutMs: 5_000 }));
    await Promise.all(all.map((worker) => worker.ask({ open: true })));
    const answers = await Promise.all(all.map((worker) => worker.ask({ reserve: 'c', max: 300, times: 300, release: true })));
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    const kept = answers.reduce((sum, { reserved }) => sum + Math.ceil(reserved / 2), 0);
    expect(await countOf(await open(), 'c')).toBe(kept);
    expect(kept).toBeLessThanOrEqual(300);
  }, 120_000);
});

describe('I5, I6: several processes on the same calls', () => {
  const keys = Array.from({ length: 60 }, (_, index) => `pay ${index}`);
  const approveAll = async () => {
    const store = await open(10_000);
    await store.reserve(keys.map((key) => moneyCall(key)));
    for (const { id } of await store.approvals.list({ state: 'pending' }))
      await store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: '' });
    return store;
  };
  /** Each process begins somewhere else, so that they meet in many places. */
  const from = (index: number) => [...keys.slice(index * 13), ...keys.slice(0, index * 13)];
  /** Waits for so many calls, or until all are done. */
  const sends = async (worker: Worker, count: number) => {
    for (let seen = 0; seen < count; seen++) if (!(await worker.nextLine())?.startsWith('sent ')) return;
  };
  const sentBy = (all: readonly Worker[]) => all.flatMap(({ lines }) => lines.filter((line) => line.startsWith('sent ')));

  test('each call goes out once, on one approval', async () => {
    const store = await approveAll();
    const all = (['bun', 'node', 'bun', 'node'] as const).map((runtime) => start({ runtime, timeoutMs: 10_000 }));
    await Promise.all(all.map((worker) => worker.ask({ open: true })));
    const answers = await Promise.all(all.map((worker, index) => worker.ask({ pay: from(index) })));
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    expect(answers.reduce((sum, { reserved }) => sum + reserved, 0)).toBe(keys.length);
    expect(sentBy(all).sort()).toEqual(keys.map((key) => `sent ${key}`).sort());
    expect(await countOf(store, 'paid')).toBe(keys.length);
    expect((await store.approvals.list({ state: 'consumed' })).map(({ attempts }) => attempts)).toEqual(keys.map(() => 1));
    expect((await store.reserve(keys.map((key) => moneyCall(key)))).every(({ kind }) => kind === 'replay')).toBe(true);
  }, 60_000);

  test('also where some of them are killed: what a dead one had reserved is not sent by another', async () => {
    const store = await approveAll();
    const all = (['bun', 'node', 'bun'] as const).map((runtime) => start({ runtime, timeoutMs: 10_000 }));
    await Promise.all(all.map((worker) => worker.ask({ open: true })));
    const [first, second, third] = all as [Worker, Worker, Worker];
    first.tell({ pay: from(0) });
    second.tell({ pay: from(1) });
    const last = third.ask({ pay: from(2) });
    await sends(first, 3);
    first.child.kill('SIGKILL');
    await sends(second, 5);
    second.child.kill('SIGKILL');
    await last;
    await Promise.all([first, second].map((worker) => worker.stop()));
    const again = start({ timeoutMs: 10_000 });
    await again.ask({ open: true });
    await again.ask({ pay: keys });
    const sent = sentBy([...all, again]);
    expect(new Set(sent).size).toBe(sent.length);
    // One call at most was reserved by each of the dead and did not go out.
    expect(sent.length).toBeGreaterThanOrEqual(keys.length - 2);
    expect(await countOf(store, 'paid')).toBe(keys.length);
    expect(await store.approvals.list({ state: 'consumed' })).toHaveLength(keys.length);
  }, 60_000);
});

test.each(RUNTIMES)('%s: the whole port answers as the memory store does', async (runtime) => {
  expect(await start({ runtime }).ask({ compare: true })).toEqual({ reserved: 0, denied: 0, errors: [] });
});

test('I4: killed at any instant, what was acknowledged is counted, and no more than was tried', async () => {
  await (await open()).close();
  let [tried, acknowledged] = [0, 0];
  for (let round = 0; round < 10; round++) {
    const worker = start({ runtime: round % 2 === 0 ? 'bun' : 'node' });
    worker.tell({ open: true });
    worker.tell({ reserve: 'c', times: 1_000_000, loud: true });
    for (let seen = Math.floor(Math.random() * 300); seen >= 0; seen--) await worker.nextLine();
    worker.child.kill('SIGKILL');
    await worker.stop();
    tried += worker.lines.filter((line) => line === 'try').length;
    acknowledged += worker.lines.filter((line) => line === 'ok').length;
    const store = await open();
    const count = (await countOf(store, 'c')) ?? -1;
    expect(count).toBeGreaterThanOrEqual(acknowledged);
    expect(count).toBeLessThanOrEqual(tried);
    await store.close();
  }
  expect(acknowledged).toBeGreaterThan(0);
}, 120_000);

describe('a lock that another process keeps', () => {
  test('denies after the time-out, in order, while the event loop goes on', async () => {
    const store = await open(500);
    const other = start();
    await other.ask({ lock: true });
    let [ticks, longest, last] = [0, 0, performance.now()];
    const ticker = setInterval(() => {
      ticks++;
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const started = performance.now();
    const refused = Array.from({ length: 5 }, () => store.reserve([limited([counter('c')], 9, 1)]).catch((error) => error));
    for (const one of refused) {
      const error = await one;
      expect(error).toBeInstanceOf(StoreError);
      expect(error.message).toMatch(/stayed locked by another process for 500 ms/);
    }
    const took = performance.now() - started;
    clearInterval(ticker);
    expect(took).toBeGreaterThanOrEqual(499);
    expect(ticks).toBeGreaterThanOrEqual(10);
    // A wait inside SQLite would have shown as one gap of the whole time-out.
    expect(longest).toBeLessThan(400);
    await other.ask({ lock: false });
    expect(await store.reserve([limited([counter('c')], 9, 1)])).toMatchObject([{ kind: 'reserved' }]);
    // Nothing of what was refused is done later on.
    expect((await store.counters()).map(({ micros }) => micros)).toEqual([1]);
  });

  test('does not concern calls without counters, nor readings', async () => {
    const store = await open(0);
    await start().ask({ lock: true });
    expect(await store.reserve([STATELESS])).toMatchObject([{ kind: 'reserved' }]);
    expect((await store.control()).pauses).toEqual([]);
    await expect(store.reserve([limited([counter('c')], 9)])).rejects.toThrow(/stayed locked/);
  });

  test('is waited for, and then everything runs in the order it came', async () => {
    const store = await open(10_000);
    const other = start();
    await other.ask({ lock: true });
    const answers = [3, 2, 1].map((micros) => store.reserve([limited([counter('c')], 4, micros)]));
    const paused = store.pause({ policy: undefined, reason: 'later' });
    await other.ask({ lock: false });
    expect((await Promise.all(answers)).flat().map(({ kind }) => kind)).toEqual(['reserved', 'deny', 'reserved']);
    expect(await paused).toBe(1);
  });

  test('gone between two calls does not let the second pass the first', async () => {
    const store = await open(10_000);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const first = store.reserve([limited([counter('c')], 1, 1)]);
    other.exec('ROLLBACK');
    const second = store.reserve([limited([counter('c')], 1, 1)]);
    expect([await first, await second]).toMatchObject([[{ kind: 'reserved' }], [{ kind: 'deny' }]]);
    other.close();
  });

  test('leaves nothing to be done once the store is closed', async () => {
    const store = await open(10_000);
    const other = start();
    await other.ask({ lock: true });
    const waiting = store.reserve([limited([counter('c')], 4, 1)]).catch((error) => error);
    await store.close();
    expect(String(await waiting)).toMatch(/^StoreError: .* is closed$/);
    await other.ask({ lock: false });
    expect(await (await open()).counters()).toEqual([]);
  });

  test('holds up a start for five seconds at most, where the time-out of calls is not longer', async () => {
    await (await open()).close();
    await start().ask({ lock: true });
    await expect(open(50)).rejects.toThrow(/stayed locked by another process for 5000 ms/);
  });
});
