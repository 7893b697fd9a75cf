/** What survives the loss of power and what only the death of a process (cli.md §2): the level at which each operation commits. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { DatabaseSync } from 'node:sqlite';
import { approvalOf, claiming, counter, held, limited, reservationOf } from './calls.ts';
import { useFolder } from './file-bench.ts';

const at = useFolder();
const prepare = DatabaseSync.prototype.prepare;

/** SQLite's levels at the COMMITs since it was last emptied. */
let commits: string[] = [];

beforeEach(() => {
  DatabaseSync.prototype.prepare = function (sql) {
    const prepared = prepare.call(this, sql);
    if (sql !== 'COMMIT') return prepared;
    const run = prepared.run.bind(prepared);
    const level = prepare.call(this, 'PRAGMA synchronous');
    const value = () => {
      const { synchronous } = level.get() as { synchronous: number };
      commits.push(synchronous === 2 ? 'full' : synchronous === 1 ? 'normal' : `synchronous ${synchronous}`);
      return run();
    };
    return Object.defineProperty(prepared, 'run', { value });
  };
});
afterEach(() => {
  DatabaseSync.prototype.prepare = prepare;
});

test('approvals and claims commit for good; counters, and what may be lost, do not wait for the disk', async () => {
  const store = await at.open();
  const levels: [string, string][] = [];
  const record = async <T>(name: string, work: Promise<T>): Promise<T> => {
    const result = await work;
    levels.push([name, commits.join(' ')]);
    commits = [];
    return result;
  };
  commits = [];
  const [counted] = await record('count', store.reserve([limited([counter('c')], 9, 1)]));
  await record('give back a count', store.settle([{ reservation: reservationOf(counted), outcome: 'released' }]));
  const [asked] = await record('hold', store.reserve([held('f', { notify: true })]));
  await record('approve', store.approvals.decide({ id: approvalOf(asked).id, verdict: 'approve', by: 'eve', reason: '' }));
  const [approved] = await record('consume', store.reserve([held('f')]));
  await record('give back an approval', store.settle([{ reservation: reservationOf(approved), outcome: 'released' }]));
  const [again] = await store.reserve([held('f')]);
  commits = [];
  await record('an approved call succeeded', store.settle([{ reservation: reservationOf(again), outcome: 'committed' }]));
  const [claimed] = await record('claim', store.reserve([claiming('k')]));
  const { claim } = reservationOf(claimed);
  await record('renew', store.renew(claim ? [claim] : []));
  await record('succeed', store.settle([{ reservation: reservationOf(claimed), outcome: 'committed', result: '1' }]));
  await record('take a delivery', store.approvals.due('me', 'test', 1));
  await record('protect', store.approvals.protect('hash'));
  await record('list', store.approvals.list({}));
  expect(levels).toEqual([
    ['count', 'normal'],
    ['give back a count', 'normal'],
    ['hold', 'full'],
    ['approve', 'full'],
    ['consume', 'full'],
    ['give back an approval', 'full'],
    ['an approved call succeeded', 'normal'],
    ['claim', 'full'],
    ['renew', 'normal'],
    ['succeed', 'full'],
    ['take a delivery', 'normal'],
    ['protect', 'full'],
    ['list', ''],
  ]);
});

test('a sync reaches the drive, also where that of the system stops before it', async () => {
  let connection: DatabaseSync | undefined;
  DatabaseSync.prototype.prepare = function (sql) {
    connection = this;
    return prepare.call(this, sql);
  };
  const store = await at.open();
  const drive = () => (prepare.call(connection as DatabaseSync, 'PRAGMA fullfsync').get() as { fullfsync: number }).fullfsync;
  expect(drive()).toBe(1);
  await store.reserve([held('f')]);
  expect(drive()).toBe(1);
});

test('a store in which nothing is held or claimed prepares no statement for it', async () => {
  const prepared: string[] = [];
  const store = await at.open();
  const watched = DatabaseSync.prototype.prepare;
  DatabaseSync.prototype.prepare = function (sql) {
    prepared.push(sql);
    return watched.call(this, sql);
  };
  await store.reserve([limited([counter('c')], 9, 1)]);
  await store.reserve([limited([counter('c')], 9, 1)]);
  // The sweep looks once a second for what is over.
  expect(prepared.filter((sql) => !sql.startsWith('DELETE'))).toEqual([]);
});
