/** What happens to a file while it is open, and that it denies until the file is good again (policy.md §1.2, cli.md §4). */
import { describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../src/core/store.ts';
import { counter, limited, STATELESS } from './calls.ts';
import { CALL, countOf, ENDS, eventually, outcome, until, useFolder } from './file-bench.ts';
import { startWorker } from './processes.ts';

const at = useFolder();

describe('deleted or replaced while it is open', () => {
  test('denies, does not make a new one, and goes on with its counts once it is back', async () => {
    const store = await at.open();
    expect(await outcome(store)).toBe('reserved');
    for (const end of ENDS) renameSync(`${at.path}${end}`, `${at.path}.away${end}`);
    await until(store, /is gone; put it back, or restart/);
    expect(await outcome(store)).toMatch(/is gone/);
    expect(statSync(at.path, { throwIfNoEntry: false })).toBeUndefined();
    expect(await store.reserve([STATELESS])).toMatchObject([{ kind: 'reserved' }]);
    await expect(store.control()).rejects.toBeInstanceOf(StoreError);
    for (const end of ENDS)
      if (statSync(`${at.path}.away${end}`, { throwIfNoEntry: false })) renameSync(`${at.path}.away${end}`, `${at.path}${end}`);
    const before = await countOf(store);
    expect(before).toBeGreaterThan(0);
    expect(await outcome(store)).toBe('reserved');
    expect(await countOf(store)).toBe((before ?? 0) + 1);
  }, 120_000);

  test('denies where the file alone is gone and its log remains', async () => {
    const store = await at.open();
    await outcome(store);
    renameSync(at.path, `${at.path}.away`);
    await until(store, /is gone; put it back, or restart/);
    renameSync(`${at.path}.away`, at.path);
    expect(await countOf(store)).toBeGreaterThan(0);
  }, 120_000);

  test('takes up the store that stands there now', async () => {
    const store = await at.open();
    for (let time = 0; time < 50; time++) await store.reserve([CALL]);
    await at.closedStore(join(at.folder, 'other.sqlite'));
    for (const end of ENDS) rmSync(`${at.path}${end}`);
    renameSync(join(at.folder, 'other.sqlite'), at.path);
    await outcome(store);
    await eventually(async () => expect(await countOf(store)).toBe(1));
  }, 120_000);

  test('denies where an empty file, a folder or another database stands there', async () => {
    const store = await at.open();
    for (const end of ENDS) rmSync(`${at.path}${end}`);
    writeFileSync(at.path, '');
    await until(store, /was replaced by one that is no store/);
    rmSync(at.path);
    mkdirSync(at.path);
    expect(await outcome(store)).toMatch(/is not a file/);
    rmSync(at.path, { recursive: true });
    new DatabaseSync(at.path).exec('CREATE TABLE theirs (x)');
    expect(await outcome(store)).toMatch(/no store/);
  }, 120_000);

  test('a log that was deleted is noticed, and all count together again', async () => {
    const store = await at.open();
    for (let time = 0; time < 5; time++) await store.reserve([CALL]);
    rmSync(`${at.path}-wal`);
    const other = await eventually(async () => {
      await outcome(store);
      return at.open();
    });
    await until(store, /^reserved$/);
    await other.reserve([CALL]);
    expect(await countOf(store)).toBeGreaterThan(6);
    expect(await countOf(store)).toBe(await countOf(other));
  }, 120_000);
});

describe('failing while it is open', () => {
  test.each(['bun', 'node'] as const)(
    'a full disk denies, and counts go on where they were once there is room (%s)',
    async (runtime) => {
      await (await at.open()).close();
      const worker = startWorker(at.path, { runtime, limit: 150_000 });
      await worker.ask({ open: true });
      let [reserved, failures] = [0, [] as readonly string[]];
      for (let time = 0; time < 200 && failures.length === 0; time++) {
        const answer = await worker.ask({ reserve: 'c', times: 10 });
        reserved += answer.reserved;
        failures = answer.errors;
      }
      expect(failures.join()).toMatch(/StoreError: the state store ".*" failed: the disk (fails, or )?is full/);
      spawnSync('prlimit', [`--fsize=unlimited`, '--pid', String(worker.child.pid)]);
      const after = await worker.ask({ reserve: 'c', times: 10 });
      expect(after).toEqual({ reserved: 10, denied: 0, errors: [] });
      await worker.stop();
      expect(await countOf(await at.open())).toBe(reserved + 10);
    },
    20_000,
  );

  test('a file that was overwritten denies, and is used again once it is restored', async () => {
    const store = await at.open();
    await store.reserve([CALL]);
    const other = startWorker(at.path);
    await other.ask({ sql: `PRAGMA wal_checkpoint(TRUNCATE); VACUUM INTO '${at.path}.copy'` });
    await other.stop();
    // By another process: a descriptor closed here would drop the locks of this one.
    spawnSync('dd', ['if=/dev/urandom', `of=${at.path}`, 'bs=4096', `count=${Math.ceil(statSync(at.path).size / 4096)}`, 'conv=notrunc']);
    spawnSync('truncate', ['-s', '0', `${at.path}-wal`]);
    await expect(at.open()).rejects.toBeInstanceOf(StoreError);
    await until(store, /^the state store ".*" failed: /);
    expect(await outcome(store)).toMatch(/failed: it is no database/);
    spawnSync('cp', [`${at.path}.copy`, at.path]);
    await until(store, /^reserved$/);
    expect(await countOf(store)).toBe(2);
  }, 120_000);

  test('a fault inside a transaction leaves nothing of it behind', async () => {
    const store = await at.open();
    const db = new DatabaseSync(at.path);
    db.exec("CREATE TRIGGER broken BEFORE INSERT ON counters WHEN NEW.id = 'second' BEGIN SELECT RAISE(FAIL, 'broken'); END");
    await expect(store.reserve([CALL, limited([counter('second', 'month')], 9, 1)])).rejects.toThrow(/failed: broken/);
    expect(await countOf(store)).toBe(0);
    db.exec('DROP TRIGGER broken');
    db.close();
    expect(await outcome(store)).toBe('reserved');
  });
});
