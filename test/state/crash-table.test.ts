/**
 * kill -9 at each step between a call's arrival and its settlement: what the store then says, and what becomes of the
 * next identical call (policy.md §6, §9, §12; I4, I5, I6). None is sent twice, and no count is lost.
 *
 *     killed while            counted   approval    claim       the next identical call
 *     nothing is reserved     no        approved    none        goes out
 *     in the reservation      no        approved    none        goes out
 *     reserved, not sent      yes       consumed    in flight   waits, then: outcome unknown
 *     sent, not settled       yes       consumed    in flight   waits, then: outcome unknown
 *     in the settlement       yes       consumed    in flight   waits, then: outcome unknown
 *     settled: committed      yes       consumed    done        is answered with the result
 *     settled: released       no        approved    none        goes out
 *     settled: kept           yes       consumed    unknown     outcome unknown
 */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Records, Store } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { approvalOf, CRASH_TIME, counter, kinds, moneyCall, temporaryFolder } from './calls.ts';

const SCRIPT = join(import.meta.dirname, 'children/crash-worker.ts');

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const open = (path: string, later = 0) => openSqliteStore({ path, namespace: 'test', clock: () => CRASH_TIME + later, timeoutMs: 5_000 });

/** Does something with a store of its own, at `later` ms from now. */
async function as<T>(path: string, later: number, work: (store: Store & Records) => Promise<T>): Promise<T> {
  const store = await open(path, later);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** A file in which the call waits for approval, or is approved. */
async function template(approved: boolean): Promise<string> {
  const path = join(folder.path, 'template.sqlite');
  await as(path, 0, async (store) => {
    const { id } = approvalOf((await store.reserve([moneyCall()]))[0]);
    if (approved) await store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: '' });
  });
  return path;
}

/** Runs the worker on a copy; answers with what it said, and whether it was killed. */
async function crash(from: string, statement: number, what: string) {
  const path = join(folder.path, 'crash.sqlite');
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  copyFileSync(from, path);
  const child = spawn(process.execPath, [SCRIPT, path, String(statement), what], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the worker ended with ${code} ${signal}: ${said}`);
  return { path, said: said.trim().split('\n').join(' '), killed: signal === 'SIGKILL' };
}

/** One line of the table: what is counted, the approval's state, the claim's, and what the next calls are told. */
async function after(path: string): Promise<string> {
  const now = await as(path, 0, async (store) => {
    const count = (await store.read([counter('paid', 'month')]))[0]?.micros;
    const [approval] = await store.approvals.list({});
    const [claim] = await store.claims.list({});
    const used = (await store.approvals.events(0, 100)).filter(({ type }) => type === 'approval.consumed').length;
    expect(used).toBe(approval?.attempts ?? -1);
    return `${count} ${approval?.state} ${claim?.state ?? 'none'}`;
  });
  const next = await as(path, 0, (store) => store.reserve([moneyCall()]));
  // A lease that a dead process held has lapsed by then.
  const later = await as(path, 11_000, (store) => store.reserve([moneyCall()]));
  return `${now} | ${kinds(next)}, ${kinds(later)}`;
}

const UNTOUCHED = '0 approved none | reserved, outcome_unknown';
const RESERVED = '1 consumed in_flight | in_flight, outcome_unknown';
const SETTLED = {
  committed: '1 consumed done | replay, replay',
  released: '0 approved none | reserved, outcome_unknown',
  kept: '1 consumed unknown | outcome_unknown, outcome_unknown',
};

test.each(['committed', 'released', 'kept'] as const)(
  'I4, I5, I6: killed before each statement of a call that ends %s',
  async (outcome) => {
    const from = await template(true);
    const seen = new Map<string, Set<string>>();
    // The statements of the reservation are the same, however the call ends.
    for (let statement = outcome === 'committed' ? 1 : 12; ; statement++) {
      const { path, said, killed } = await crash(from, statement, outcome);
      const line = await after(path);
      seen.set(said, (seen.get(said) ?? new Set()).add(line));
      if (!killed) break;
    }
    const lines = Object.fromEntries([...seen].map(([said, all]) => [said, [...all]]));
    expect(lines).toEqual({
      ...(outcome === 'committed' ? { '': [UNTOUCHED] } : lines[''] ? { '': [UNTOUCHED] } : {}),
      'reserved sent': [RESERVED],
      'reserved sent done': [SETTLED[outcome]],
    });
  },
  120_000,
);

test('I5: killed before each statement of a decision: it was made and told, or neither', async () => {
  const from = await template(false);
  const seen = new Set<string>();
  for (let statement = 1; ; statement++) {
    const { path, killed } = await crash(from, statement, 'approve');
    const told = await as(path, 0, async (store) => {
      const [approval] = await store.approvals.list({});
      const events = (await store.approvals.events(0, 100)).map(({ type }) => type);
      return `${approval?.state}: ${events.join(' ')}; ${kinds(await store.reserve([moneyCall()]))}`;
    });
    seen.add(told);
    if (!killed) break;
    expect(told).toBe('pending: approval.requested; hold');
  }
  expect([...seen].at(-1)).toBe('approved: approval.requested approval.approved; reserved');
}, 120_000);
