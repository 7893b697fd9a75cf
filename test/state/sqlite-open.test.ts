/** Opening the file: its permissions, what it keeps, what is refused, and schema versions (cli.md §2, §4). */
import { describe, expect, test } from 'bun:test';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../src/core/store.ts';
import { networkFileSystem } from '../../src/state/sqlite/filesystem.ts';
import { MIGRATIONS, migrate } from '../../src/state/sqlite/schema.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { clockAt, counter, limited } from './calls.ts';
import { CALL, countOf, ENDS, useFolder } from './file-bench.ts';
import { startWorker } from './processes.ts';

const at = useFolder();

describe('the file', () => {
  test('is private, and so are its folder and what SQLite puts beside it', async () => {
    await (await at.open()).reserve([CALL]);
    const modes = readdirSync(join(at.folder, 'state')).map((name) => statSync(join(at.folder, 'state', name)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    expect(statSync(join(at.folder, 'state')).mode & 0o777).toBe(0o700);
  });

  test('is made private where it was not; a folder that stood already is left as it is', async () => {
    await at.closedStore(at.path);
    chmodSync(at.path, 0o644);
    chmodSync(join(at.folder, 'state'), 0o755);
    await at.open();
    expect(statSync(at.path).mode & 0o777).toBe(0o600);
    expect(statSync(join(at.folder, 'state')).mode & 0o777).toBe(0o755);
  });

  test('keeps counts, holds and pauses over a restart, for each namespace apart', async () => {
    const first = await at.open();
    await first.reserve([CALL]);
    await first.pause({ policy: undefined, reason: 'over night' });
    await first.close();
    const [again, other] = [await at.open(), await at.open(at.path, Date.now, 'other')];
    expect([await countOf(again), await countOf(other)]).toEqual([1, 0]);
    expect((await other.control()).pauses).toMatchObject([{ reason: 'over night' }]);
    expect(await other.counters()).toEqual([]);
  });

  test('forgets windows one window after their end, a few at a time', async () => {
    const clock = clockAt('2026-03-04T10:00:00Z');
    const store = await at.open(at.path, clock.read);
    const db = new DatabaseSync(at.path);
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

describe('unfit from the start', () => {
  test('a corrupt file, a folder in its place, a file in its folder’s place', async () => {
    mkdirSync(join(at.folder, 'state'));
    writeFileSync(at.path, 'this is a letter to a friend and no database. '.repeat(200));
    await expect(at.open()).rejects.toThrow(/failed: it is no database/);
    rmSync(at.path);
    mkdirSync(at.path);
    await expect(at.open()).rejects.toThrow(/is not a file/);
    await expect(
      at.open(join(at.folder, 'plain', 'x', 'y.sqlite')).then(() => at.open(join(at.folder, 'plain', 'x', 'y.sqlite', 'z.sqlite'))),
    ).rejects.toBeInstanceOf(StoreError);
  });

  test('a newer schema, or another program’s database', async () => {
    mkdirSync(join(at.folder, 'state'));
    const db = new DatabaseSync(at.path);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    await expect(at.open()).rejects.toThrow(
      `has schema version ${MIGRATIONS.length + 1}, this program knows ${MIGRATIONS.length}; use a newer program`,
    );
    db.exec('PRAGMA user_version = 0; CREATE TABLE theirs (x)');
    await expect(at.open()).rejects.toThrow(/is a database of another program/);
    db.close();
  });

  test('a file or folder that may not be written (as a user who is not root)', async () => {
    await at.closedStore(at.path);
    for (const end of ENDS) rmSync(`${at.path}${end}`, { force: end !== '' });
    await at.closedStore(at.path);
    const nobody = 65_534;
    const root = process.getuid?.() === 0;
    if (root) for (const one of [at.folder, join(at.folder, 'state'), at.path]) chownSync(one, nobody, nobody);
    chmodSync(at.path, 0o400);
    const worker = startWorker(at.path, { runtime: 'node' });
    const { errors } = await worker.ask(root ? { open: true, user: nobody } : { open: true });
    expect(errors.join()).toMatch(/StoreError: the state file ".*" cannot be read and written by this user/);
    chmodSync(at.path, 0o600);
    expect(await worker.ask({ open: true, reserve: 'c' })).toEqual({ reserved: 1, denied: 0, errors: [] });
    await worker.stop();
  });
});

describe('schema versions', () => {
  const another = (db: DatabaseSync) => db.exec('ALTER TABLE counters ADD COLUMN note TEXT');
  const newer = [...MIGRATIONS, another];

  test('an older file becomes a newer one and keeps what it counted', async () => {
    await at.closedStore(at.path);
    const db = new DatabaseSync(at.path);
    migrate(db, at.path, false, newer);
    expect(db.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: newer.length });
    expect(db.prepare('SELECT micros, note FROM counters').all()).toMatchObject([{ micros: 1, note: null }]);
    expect(() => migrate(db, at.path, true)).toThrow(`has schema version ${newer.length}, this program knows ${MIGRATIONS.length}`);
    db.close();
  });

  test('version 1: counts and pauses stay, and held calls that nobody could decide are over', async () => {
    mkdirSync(join(at.folder, 'state'));
    const db = new DatabaseSync(at.path);
    migrate(db, at.path, true, MIGRATIONS.slice(0, 1));
    const now = Date.parse('2026-03-04T10:00:00Z');
    db.exec(`INSERT INTO namespaces VALUES (1, 'test');
      INSERT INTO counters VALUES (1, 'c', 'month', ${Date.parse('2026-03-01T00:00:00Z')}, 7, ${now + 9e9});
      UPDATE heads SET newest = ${now}, sequence = 3;
      INSERT INTO pauses VALUES ('all', NULL, 'over night', ${now});
      INSERT INTO approvals (id, ns, fingerprint, tool, agent, rule, message, args, timeout, created_at, expires_at)
        VALUES ('apr_aaaaaaaaaaaaaaaa', 1, 'f', 'pay', 'anna', 'ask', 'a human decides', '{"a":1}', 900000, ${now}, ${now + 900_000})`);
    db.close();
    const store = await at.open(at.path, () => now + 1);
    expect(await countOf(store)).toBe(7);
    expect(await store.control()).toMatchObject({ sequence: 3, pauses: [{ reason: 'over night' }] });
    expect(await store.approvals.list({})).toMatchObject([
      { id: 'apr_aaaaaaaaaaaaaaaa', state: 'expired', args: '{"a":1}', agent: 'anna' },
    ]);
    expect(await store.approvals.decide({ id: 'apr_aaaaaaaaaaaaaaaa', verdict: 'approve', by: 'x', reason: '' })).toMatchObject({
      kind: 'not_pending',
    });
  });

  test('a migration that fails changes nothing', () => {
    mkdirSync(join(at.folder, 'state'));
    const db = new DatabaseSync(at.path);
    const broken = () => {
      throw new Error('no');
    };
    expect(() => migrate(db, at.path, true, [...newer, broken])).toThrow('no');
    expect(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toMatchObject({ n: 0 });
    expect(db.isTransaction).toBe(false);
    db.close();
  });

  test('of a store as it is made: every file begins at the newest', async () => {
    await at.closedStore(at.path);
    expect(readFileSync(at.path).readUInt32BE(60)).toBe(MIGRATIONS.length);
  });
});

test('a file that another process is making is waited for, longer than a call may wait (cli.md §4)', async () => {
  mkdirSync(dirname(at.path), { recursive: true, mode: 0o700 });
  const other = new DatabaseSync(at.path);
  other.exec('PRAGMA journal_mode = WAL; BEGIN IMMEDIATE');
  const opening = openSqliteStore({ path: at.path, namespace: 'test', clock: Date.now, timeoutMs: 20 });
  setTimeout(() => other.exec('COMMIT'), 300);
  const store = await opening;
  expect(await store.counters()).toEqual([]);
  await store.close();
  other.close();
});
