/**
 * kill -9 at each step between a call's arrival and its settlement (I4, I5, I6): what the store then holds, and what the
 * next identical call does. docs/retries.md has the same table.
 */
import { expect, test } from 'bun:test';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Records, Store } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { BUN, temporaryFolder } from '../harness/paths.ts';
import type { Order, Step } from './children/call-once.ts';
import { OK } from './fixture.ts';

const POLICY = `version: "1"
tools:
  pay:
    idempotency_window: 5m
    rules: [{name: ask, action: require_approval, approval_timeout: 1h}, {name: cap, rate_limit: 10/month}]
`;
const FAILURE = { error: { code: 1, message: 'no' } };
/** A claim is a lease of 10 s; its window is counted from there. */
const LAPSED = 11_000;
const OVER = LAPSED + 5 * 60_000;

interface Row {
  readonly dieAt: Step;
  readonly answer: object;
  readonly executed: number;
  readonly counted: number;
  readonly approval: 'approved' | 'consumed';
  readonly claim: 'unknown' | 'done' | undefined;
  /** What the next identical call gets once the claim has lapsed, and how often the server executed it by then. */
  readonly next: string;
  readonly total: number;
}

const lost = { counted: 1, approval: 'consumed', claim: 'unknown', next: 'denied outcome_unknown' } as const;
const ROWS: readonly Row[] = [
  { dieAt: 'arrival', answer: { result: OK }, executed: 0, counted: 0, approval: 'approved', claim: undefined, next: 'server', total: 1 },
  { dieAt: 'reserved', answer: { result: OK }, executed: 0, total: 0, ...lost },
  { dieAt: 'recorded', answer: { result: OK }, executed: 0, total: 0, ...lost },
  { dieAt: 'sent', answer: { result: OK }, executed: 1, total: 1, ...lost },
  { dieAt: 'answered', answer: { result: OK }, executed: 1, total: 1, ...lost },
  { dieAt: 'answered', answer: FAILURE, executed: 1, total: 1, ...lost },
  {
    ...{ dieAt: 'settled', answer: { result: OK }, executed: 1, counted: 1, approval: 'consumed', claim: 'done' },
    ...{ next: 'replayed already_done', total: 1 },
  },
  // It definitely failed: all is given back, and the next one is sent.
  { dieAt: 'settled', answer: FAILURE, executed: 1, counted: 0, approval: 'approved', claim: undefined, next: 'error 1', total: 2 },
];

for (const row of ROWS) {
  const { dieAt, answer } = row;
  test(`I4, I5, I6: killed at "${dieAt}", the server ${answer === FAILURE ? 'failing' : 'succeeding'}`, async () => {
    const { path, remove } = await temporaryFolder();
    try {
      const at = (name: string) => join(path, name);
      const order = { store: at('s.sqlite'), events: at('events'), ledger: at('ledger'), policy: POLICY, answer };
      const call = (ahead: number, step: Step = 'never') => callOnce({ ...order, ahead, dieAt: step });
      const executed = () => (existsSync(order.ledger) ? readFileSync(order.ledger, 'utf8').split('\n').length - 1 : 0);

      expect(await call(0)).toBe('held approval_required');
      await withStore(order.store, 0, async ({ approvals }) => {
        const [record] = await approvals.list({ state: 'pending' });
        await approvals.decide({ id: record?.id ?? '', verdict: 'approve', by: 'ada', reason: '' });
      });
      expect(await call(0, dieAt)).toBe('killed');
      await withStore(order.store, LAPSED, async (store) => {
        expect({
          executed: executed(),
          counted: (await store.counters()).reduce((sum, { micros }) => sum + micros / 1e6, 0),
          approval: (await store.approvals.list({}))[0]?.state,
          claim: (await store.claims.list({}))[0]?.state,
        }).toEqual({ executed: row.executed, counted: row.counted, approval: row.approval, claim: row.claim });
      });
      expect(await call(LAPSED)).toBe(row.next);
      expect(executed()).toBe(row.total);
      // When its window is over, what nobody knows may be asked for anew: by a human.
      if (row.claim === 'unknown') expect(await call(OVER)).toBe('held approval_required');
      expect(executed()).toBe(row.total);
    } finally {
      await remove();
    }
  }, 60_000);
}

/** What the agent got, or `killed`. */
function callOnce(order: Order): Promise<string> {
  const env = { ...process.env, CALL_ONCE: JSON.stringify(order) };
  return new Promise((resolve, reject) => {
    execFile(BUN, [join(import.meta.dirname, 'children/call-once.ts')], { env, timeout: 30_000 }, (error, stdout, stderr) => {
      if (error?.signal === 'SIGKILL' && !error.killed) resolve('killed');
      else if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(stdout.trim());
    });
  });
}

async function withStore(path: string, ahead: number, work: (store: Store & Records) => Promise<void>): Promise<void> {
  const store = await openSqliteStore({ path, namespace: 'test', clock: () => Date.now() + ahead, timeoutMs: 5_000 });
  await work(store).finally(() => store.close());
}
