/**
 * A process that carries out one call on a store and is killed before its n-th SQL statement, or lives to the end.
 * It says on stdout how far it came. `crash-worker.ts <path> <n> <approve|committed|released|kept>`.
 */
import { writeSync } from 'node:fs';
import { loadDriver } from '../../../src/state/sqlite/connection.ts';
import { openSqliteRecords, openSqliteStore } from '../../../src/state/sqlite/sqlite.ts';
import { CRASH_TIME, moneyCall, reservationOf } from '../calls.ts';

const [, , path = '', statement = '', what = ''] = process.argv;
const say = (line: string) => writeSync(1, `${line}\n`);
let left = Infinity;

// Every statement of the store goes through a prepared one, BEGIN and COMMIT included.
const { DatabaseSync } = loadDriver();
const prepare = DatabaseSync.prototype.prepare;
DatabaseSync.prototype.prepare = function (sql) {
  const prepared = prepare.call(this, sql);
  for (const name of ['run', 'get', 'all'] as const) {
    const go = prepared[name].bind(prepared) as (...args: unknown[]) => unknown;
    Object.defineProperty(prepared, name, {
      value: (...args: unknown[]) => {
        if (--left === 0) process.kill(process.pid, 'SIGKILL');
        return go(...args);
      },
    });
  }
  return prepared;
};

const file = { path, namespace: 'test', clock: () => CRASH_TIME, timeoutMs: 5_000 };
if (what === 'approve') {
  const desk = await openSqliteRecords(file);
  const [pending] = await desk.approvals.list({ state: 'pending' });
  left = Number(statement);
  await desk.approvals.decide({ id: pending?.id ?? '', verdict: 'approve', by: 'eve', reason: '' });
} else {
  const store = await openSqliteStore(file);
  left = Number(statement);
  const [verdict] = await store.reserve([moneyCall()]);
  const reservation = reservationOf(verdict);
  say('reserved');
  say('sent');
  await store.settle([{ reservation, outcome: what as 'kept', ...(what === 'committed' ? { result: '"paid"' } : {}) }]);
}
say('done');
