/** Each operation of the store, with its n-th statement failing: it says so, has done nothing, and works again (policy.md §1.2). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { DatabaseSync } from 'node:sqlite';
import { type Records, type Reservation, type Store, StoreError } from '../../src/core/store.ts';
import { approvalOf, counter, limited, moneyCall, reservationOf } from './calls.ts';
import { useFolder } from './file-bench.ts';

const at = useFolder();
const prepare = DatabaseSync.prototype.prepare;

/** Fails the n-th statement from when it is set; 0: none. */
let left = 0;

beforeEach(() => {
  DatabaseSync.prototype.prepare = function (sql) {
    const prepared = prepare.call(this, sql);
    for (const name of ['run', 'get', 'all'] as const) {
      const go = prepared[name].bind(prepared) as (...args: unknown[]) => unknown;
      const value = (...args: unknown[]) => {
        if (left > 0 && --left === 0) throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
        return go(...args);
      };
      Object.defineProperty(prepared, name, { value });
    }
    return prepared;
  };
});
afterEach(() => {
  left = 0;
  DatabaseSync.prototype.prepare = prepare;
});

const TABLES = ['counters', 'approvals', 'approval_events', 'claims', 'heads', 'pauses'];

/** Everything that is stored, but for how far time has come. */
function contents(): string {
  const db = new DatabaseSync(at.path);
  const rows = TABLES.map((name) => prepare.call(db, `SELECT * FROM ${name}`).all());
  db.close();
  return JSON.stringify(rows).replace(/"newest":\d+/, '');
}

type Stage = Store & Records;
interface Scene {
  readonly store: Stage;
  readonly id: string;
  readonly reservation: Reservation;
}

/** A call that waits for approval, one that went out, and one whose outcome nobody knows. */
async function scene(): Promise<Scene> {
  now = NOW;
  const store = await at.open(at.path, () => now);
  const reserve = async (key: string) => (await store.reserve([moneyCall(key)]))[0];
  const approve = (id: string) => store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: '' });
  for (const key of ['out', 'lost', 'ready']) await approve(approvalOf(await reserve(key)).id);
  const reservation = reservationOf(await reserve('out'));
  await store.settle([{ reservation: reservationOf(await reserve('lost')), outcome: 'kept' }]);
  const { id } = approvalOf((await store.reserve([{ ...moneyCall('waiting'), hold: () => ({ ...holdOf('waiting'), notify: true }) }]))[0]);
  return { store, id, reservation };
}

let now = 0;
const NOW = Date.parse('2026-03-04T10:30:15Z');
const holdOf = (key: string) => {
  const hold = moneyCall(key).hold?.([0]);
  if (!hold) throw new Error('the call asks for no approval');
  return hold;
};

const OPERATIONS: readonly [name: string, work: (scene: Scene) => Promise<unknown>][] = [
  ['reserve: a new record', ({ store }) => store.reserve([moneyCall('new')])],
  ['reserve: an approval, a claim and a count', ({ store }) => store.reserve([moneyCall('ready')])],
  ['reserve: a count', ({ store }) => store.reserve([limited([counter('c')], 9, 1)])],
  ['settle: committed', ({ store, reservation }) => store.settle([{ reservation, outcome: 'committed', result: '"r"' }])],
  ['settle: released', ({ store, reservation }) => store.settle([{ reservation, outcome: 'released' }])],
  ['settle: kept', ({ store, reservation }) => store.settle([{ reservation, outcome: 'kept' }])],
  ['renew', ({ store, reservation }) => store.renew(reservation.claim ? [reservation.claim] : [])],
  ['decide: approve', ({ store, id }) => store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: '' })],
  ['decide: deny', ({ store, id }) => store.approvals.decide({ id, verdict: 'deny', by: 'eve', reason: '' })],
  [
    'expire',
    ({ store }) => {
      now = NOW + 3_600_000;
      return store.approvals.expire();
    },
  ],
  ['due', ({ store }) => store.approvals.due('me', 'test', 9)],
  ['protect', ({ store }) => store.approvals.protect('hash')],
  ['resolve: happened', ({ store }) => store.claims.resolve('lost', 'happened', 'eve')],
  ['resolve: did not', ({ store }) => store.claims.resolve('lost', 'did_not', 'eve')],
  [
    'list, find, events, secret',
    async ({ store, id }) => {
      await store.approvals.list({});
      await store.approvals.find(id);
      await store.approvals.events(0, 9);
      await store.approvals.secret();
      await store.claims.list({});
    },
  ],
];

test.each(OPERATIONS)('%s', async (_, work) => {
  const stage = await scene();
  const before = contents();
  let failures = 0;
  for (let nth = 1; ; nth++) {
    left = nth;
    const fault = await work(stage).then(
      () => undefined,
      (error: unknown) => error,
    );
    const failed = left === 0;
    left = 0;
    if (!failed) {
      expect(fault).toBeUndefined();
      break;
    }
    failures++;
    expect(fault).toBeInstanceOf(StoreError);
    expect(String(fault)).toContain('the disk fails, or is full');
    expect(contents()).toBe(before);
  }
  expect(failures).toBeGreaterThan(0);
});
