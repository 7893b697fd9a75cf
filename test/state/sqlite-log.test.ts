/** Room in the write-ahead log: it is made beside the calls, and nothing that was committed is lost by it (cli.md §2, I4, I5). */
import { expect, test } from 'bun:test';
import { copyFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLogFile } from '../../src/state/sqlite/log-file.ts';
import { approvalOf, claiming, held, reservationOf } from './calls.ts';
import { CALL, countOf, useFolder } from './file-bench.ts';

const at = useFolder();
const ROOM = 4_718_592;
const PIECE = 524_288;
const logSize = () => statSync(`${at.path}-wal`).size;

test.skipIf(process.platform !== 'linux')('durable commits make the log as long as it gets, and counts alone do not', async () => {
  const store = await at.open();
  for (let time = 0; time < 20; time++) await store.reserve([CALL]);
  await new Promise(setImmediate);
  expect(logSize()).toBeLessThan(PIECE);
  let pieces = 0;
  for (; logSize() < ROOM; pieces++) {
    approvalOf((await store.reserve([held(`f${pieces}`, { maxPending: 99 })]))[0]);
    const size = logSize();
    await new Promise(setImmediate);
    expect(logSize()).toBe(Math.min(ROOM, size + PIECE));
  }
  expect(pieces).toBeGreaterThan(5);
  await store.reserve([held('more', { maxPending: 99 })]);
  await new Promise(setImmediate);
  expect(logSize()).toBe(ROOM);
  // What a power loss or a kill leaves: the file and its log, and no index of it.
  const copy = join(at.folder, 'copy.sqlite');
  copyFileSync(at.path, copy);
  copyFileSync(`${at.path}-wal`, `${copy}-wal`);
  const again = await at.open(copy);
  expect(await countOf(again)).toBe(20);
  expect(await again.approvals.list({ state: 'pending' })).toHaveLength(pieces + 1);
});

test('two processes write to a log that both make longer, and both see everything', async () => {
  const [one, other] = [await at.open(), await at.open()];
  for (let time = 0; time < 60; time++) {
    const store = time % 2 ? one : other;
    const [claimed] = await store.reserve([claiming(`k${time}`)]);
    await store.settle([{ reservation: reservationOf(claimed), outcome: 'committed', result: `"${time}"` }]);
    if (time % 5 === 0) await new Promise(setImmediate);
  }
  for (const store of [one, other])
    for (let time = 0; time < 60; time++)
      expect(await store.reserve([claiming(`k${time}`)])).toMatchObject([{ kind: 'replay', result: `"${time}"` }]);
});

test("another database's log at the same path is left alone", () => {
  const path = join(at.folder, 'log');
  writeFileSync(path, 'ours', { mode: 0o600 });
  const log = openLogFile(path);
  renameSync(path, `${path}.away`);
  writeFileSync(path, 'theirs');
  log.lengthen();
  expect([statSync(path).size, statSync(`${path}.away`).size, log.isShort]).toEqual([6, 4, false]);
});
