/** What goes wrong with a file, and that it denies until the file is good again (policy.md §1.2, cli.md §4). */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Store, StoreError } from '../../src/core/store.ts';
import { networkFileSystem } from '../../src/state/sqlite/filesystem.ts';
import { MIGRATIONS, migrate } from '../../src/state/sqlite/schema.ts';
import { openSqliteStore } from '../../src/state/sqlite.ts';
import { clockAt, counter, limited, STATELESS, temporaryFolder } from './calls.ts';
import { startWorker } from './processes.ts';

const CALL = limited([counter('c', 'month')], 1_000, 1);
const WAL = ['', '-wal', '-shm'];

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let stores: Store[];
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'state', 'intercept.sqlite');
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  folder.remove();
});

const open = async (at = path, clock = Date.now, namespace = 'test') => {
  const store = await openSqliteStore({ path: at, namespace, clock, timeoutMs: 250 });
  stores.push(store);
  return store;
};
const outcome = async (store: Store): Promise<string> =>
  store.reserve([CALL]).then(
    ([verdict]) => verdict?.kind ?? 'nothing',
    (error) => (error instanceof StoreError ? error.message : `not a StoreError: ${error}`),
  );
const countOf = async (store: Store) => (await store.read([counter('c', 'month')]))[0]?.micros;
/** Reserves until the answer is another one; the file is looked at once a second. */
const until = async (store: Store, expected: RegExp): Promise<void> => {
  const deadline = performance.now() + 5_000;
  for (let last = await outcome(store); !expected.test(last); last = await outcome(store)) {
    if (performance.now() > deadline) throw new Error(`expected ${expected}, got ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
/** Tries again until it succeeds. */
const eventually = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (const deadline = performance.now() + 5_000; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
};
/** A file with one committed count, and nothing beside it. */
const closedStore = async (at: string): Promise<void> => {
  const store = await open(at);
  await store.reserve([CALL]);
  await store.close();
};

describe('the file', () => {
  test('is private, and so are its folder and what SQLite puts beside it', async () => {
    await (await open()).reserve([CALL]);
    const modes = readdirSync(join(folder.path, 'state')).map((name) => statSync(join(folder.path, 'state', name)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    expect(statSync(join(folder.path, 'state')).mode & 0o777).toBe(0o700);
  });

  test('is made private where it was not; a folder that stood already is left as it is', async () => {
    await closedStore(path);
    chmodSync(path, 0o644);
    chmodSync(join(folder.path, 'state'), 0o755);
    await open();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder.path, 'state')).mode & 0o777).toBe(0o755);
  });

  test('keeps counts, holds and pauses over a restart, for each namespace apart', async () => {
    const first = await open();
    await first.reserve([CALL]);
    await first.pause({ policy: undefined, reason: 'over night' });
    await first.close();
    const [again, other] = [await open(), await open(path, Date.now, 'other')];
    expect([await countOf(again), await countOf(other)]).toEqual([1, 0]);
    expect((await other.control()).pauses).toMatchObject([{ reason: 'over night' }]);
    expect(await other.counters()).toEqual([]);
  });

  test('forgets windows one window after their end, a few at a time', async () => {
    const clock = clockAt('2026-03-04T10:00:00Z');
    const store = await open(path, clock.read);
    const db = new DatabaseSync(path);
    const rows = () => (db.prepare('SELECT count(*) AS n FROM counters').get() as { n: number }).n;
    await store.reserve(Array.from({ length: 500 }, (_, index) => limited([counter(`${index}`, 'minute')], 9, 1)));
    clock.now += 121_999;
    await store.reserve([CALL]);
    expect(rows()).toBe(501);
    clock.now += 1_000;
    for (const left of [301, 101, 1, 1]) {
      await store.reserve([CALL]);
      expect(rows()).toBe(left);
    }
    db.close();
  });

  test('of a network file system is refused by its type', () => {
    expect(networkFileSystem(0x6969)).toBe('NFS');
    // Some runtimes show the type as a signed number.
    expect(networkFileSystem(0xff534d42 | 0)).toBe('CIFS');
    expect([0xef53, 0x01021994, 0x9123683e, 0x58465342, 0x794c7630].map(networkFileSystem)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('deleted or replaced while it is open', () => {
  test('denies, does not make a new one, and goes on with its counts once it is back', async () => {
    const store = await open();
    expect(await outcome(store)).toBe('reserved');
    for (const end of WAL) renameSync(`${path}${end}`, `${path}.away${end}`);
    await until(store, /is gone; put it back, or restart/);
    expect(await outcome(store)).toMatch(/is gone/);
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    expect(await store.reserve([STATELESS])).toMatchObject([{ kind: 'reserved' }]);
    await expect(store.control()).rejects.toBeInstanceOf(StoreError);
    for (const end of WAL) if (statSync(`${path}.away${end}`, { throwIfNoEntry: false })) renameSync(`${path}.away${end}`, `${path}${end}`);
    const before = await countOf(store);
    expect(before).toBeGreaterThan(0);
    expect(await outcome(store)).toBe('reserved');
    expect(await countOf(store)).toBe((before ?? 0) + 1);
  }, 10_000);

  test('takes up the store that stands there now', async () => {
    const store = await open();
    for (let time = 0; time < 50; time++) await store.reserve([CALL]);
    await closedStore(join(folder.path, 'other.sqlite'));
    for (const end of WAL) rmSync(`${path}${end}`);
    renameSync(join(folder.path, 'other.sqlite'), path);
    await outcome(store);
    await eventually(async () => expect(await countOf(store)).toBe(1));
  }, 10_000);

  test('denies where an empty file, a folder or another database stands there', async () => {
    const store = await open();
    for (const end of WAL) rmSync(`${path}${end}`);
    writeFileSync(path, '');
    await until(store, /was replaced by one that is no store/);
    rmSync(path);
    mkdirSync(path);
    expect(await outcome(store)).toMatch(/is not a file/);
    rmSync(path, { recursive: true });
    new DatabaseSync(path).exec('CREATE TABLE theirs (x)');
    expect(await outcome(store)).toMatch(/no store/);
  }, 10_000);

  test('a log that was deleted is noticed, and all count together again', async () => {
    const store = await open();
    for (let time = 0; time < 5; time++) await store.reserve([CALL]);
    rmSync(`${path}-wal`);
    const other = await eventually(async () => {
      await outcome(store);
      return open();
    });
    await until(store, /^reserved$/);
    await other.reserve([CALL]);
    expect(await countOf(store)).toBeGreaterThan(6);
    expect(await countOf(store)).toBe(await countOf(other));
  }, 10_000);
});

describe('unfit from the start', () => {
  test('a corrupt file, a folder in its place, a file in its folder’s place', async () => {
    mkdirSync(join(folder.path, 'state'));
    writeFileSync(path, 'this is a letter to a friend and no database. '.repeat(200));
    await expect(open()).rejects.toThrow(/failed: file is not a database/);
    rmSync(path);
    mkdirSync(path);
    await expect(open()).rejects.toThrow(/is not a file/);
    await expect(
      open(join(folder.path, 'plain', 'x', 'y.sqlite')).then(() => open(join(folder.path, 'plain', 'x', 'y.sqlite', 'z.sqlite'))),
    ).rejects.toBeInstanceOf(StoreError);
  });

  test('a newer schema, or another program’s database', async () => {
    mkdirSync(join(folder.path, 'state'));
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    await expect(open()).rejects.toThrow(
      `has schema version ${MIGRATIONS.length + 1}, this program knows ${MIGRATIONS.length}; use a newer program`,
    );
    db.exec('PRAGMA user_version = 0; CREATE TABLE theirs (x)');
    await expect(open()).rejects.toThrow(/is a database of another program/);
    db.close();
  });

  test('a file or folder that may not be written (as a user who is not root)', async () => {
    await closedStore(path);
    for (const end of WAL) rmSync(`${path}${end}`, { force: end !== '' });
    await closedStore(path);
    const nobody = 65_534;
    const root = process.getuid?.() === 0;
    if (root) for (const one of [folder.path, join(folder.path, 'state'), path]) chownSync(one, nobody, nobody);
    chmodSync(path, 0o400);
    const worker = startWorker(path, { runtime: 'node' });
    const { errors } = await worker.ask(root ? { open: true, user: nobody } : { open: true });
    expect(errors.join()).toMatch(/StoreError: the state file ".*" can not be read and written by this user/);
    chmodSync(path, 0o600);
    expect(await worker.ask({ open: true, reserve: 'c' })).toEqual({ reserved: 1, denied: 0, errors: [] });
    await worker.stop();
  });
});

describe('failing while it is open', () => {
  test.each(['bun', 'node'] as const)(
    'a full disk denies, and counts go on where they were once there is room (%s)',
    async (runtime) => {
      await (await open()).close();
      const worker = startWorker(path, { runtime, limit: 150_000 });
      await worker.ask({ open: true });
      let [reserved, failures] = [0, [] as readonly string[]];
      for (let time = 0; time < 200 && failures.length === 0; time++) {
        const answer = await worker.ask({ reserve: 'c', times: 10 });
        reserved += answer.reserved;
        failures = answer.errors;
      }
      expect(failures.join()).toMatch(/StoreError: the state store ".*" failed: (disk I\/O error|database or disk is full)/);
      spawnSync('prlimit', [`--fsize=unlimited`, '--pid', String(worker.child.pid)]);
      const after = await worker.ask({ reserve: 'c', times: 10 });
      expect(after).toEqual({ reserved: 10, denied: 0, errors: [] });
      await worker.stop();
      expect(await countOf(await open())).toBe(reserved + 10);
    },
    20_000,
  );

  test('a file that was overwritten denies, and is used again once it is restored', async () => {
    const store = await open();
    await store.reserve([CALL]);
    const other = startWorker(path);
    await other.ask({ sql: `PRAGMA wal_checkpoint(TRUNCATE); VACUUM INTO '${path}.copy'` });
    await other.stop();
    // By another process: a descriptor closed here would drop the locks of this one.
    spawnSync('dd', ['if=/dev/urandom', `of=${path}`, 'bs=4096', `count=${Math.ceil(statSync(path).size / 4096)}`, 'conv=notrunc']);
    spawnSync('truncate', ['-s', '0', `${path}-wal`]);
    await expect(open()).rejects.toBeInstanceOf(StoreError);
    await until(store, /^the state store ".*" failed: /);
    expect(await outcome(store)).toMatch(/failed: file is not a database/);
    for (const end of WAL) rmSync(`${path}${end}`, { force: true });
    renameSync(`${path}.copy`, path);
    await until(store, /^reserved$/);
    expect(await countOf(store)).toBe(2);
  }, 10_000);

  test('a fault inside a transaction leaves nothing of it behind', async () => {
    const store = await open();
    const db = new DatabaseSync(path);
    db.exec("CREATE TRIGGER broken BEFORE INSERT ON counters WHEN NEW.id = 'second' BEGIN SELECT RAISE(FAIL, 'broken'); END");
    await expect(store.reserve([CALL, limited([counter('second', 'month')], 9, 1)])).rejects.toThrow(/failed: broken/);
    expect(await countOf(store)).toBe(0);
    db.exec('DROP TRIGGER broken');
    db.close();
    expect(await outcome(store)).toBe('reserved');
  });
});

describe('schema versions', () => {
  const first = MIGRATIONS.slice(0, 1);
  const second = (db: DatabaseSync) => db.exec('ALTER TABLE counters ADD COLUMN note TEXT');

  test('an older file becomes a newer one and keeps what it counted', async () => {
    await closedStore(path);
    const db = new DatabaseSync(path);
    migrate(db, path, false, [...first, second]);
    expect(db.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: 2 });
    expect(db.prepare('SELECT micros, note FROM counters').all()).toMatchObject([{ micros: 1, note: null }]);
    expect(() => migrate(db, path, true, first)).toThrow(/has schema version 2, this program knows 1/);
    db.close();
  });

  test('a migration that fails changes nothing', () => {
    mkdirSync(join(folder.path, 'state'));
    const db = new DatabaseSync(path);
    const broken = () => {
      throw new Error('no');
    };
    expect(() => migrate(db, path, true, [...first, second, broken])).toThrow('no');
    expect(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toMatchObject({ n: 0 });
    expect(db.isTransaction).toBe(false);
    db.close();
  });

  test('of a store as it is made: every file begins at the newest', async () => {
    await closedStore(path);
    expect(readFileSync(path).readUInt32BE(60)).toBe(MIGRATIONS.length);
  });
});
