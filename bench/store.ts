/** What the store step takes of the processor, in process: three durable counters, for one call and for 32 that came together. */
import { join } from 'node:path';
import type { Reservable } from '../src/core/store.ts';
import { openSqliteStore } from '../src/state/sqlite/sqlite.ts';
import { median } from './stats.ts';

const TURNS = 40;
const STEPS = 100;

/** µs of processor time for each step (of this whole process, its compilers included), by how many calls it judges. */
export async function measureStore(folder: string): Promise<Readonly<Record<number, number>>> {
  const store = await openSqliteStore({ path: join(folder, 'store.sqlite'), namespace: 'bench', clock: Date.now, timeoutMs: 1_000 });
  const times: Record<number, number[]> = { 1: [], 32: [] };
  for (let turn = 0; turn < TURNS * 2; turn++) {
    for (const [width, own] of Object.entries(times)) {
      const calls = Array.from({ length: Number(width) }, () => CALL);
      const from = process.cpuUsage();
      for (let step = 0; step < STEPS; step++) {
        await store.reserve(calls);
        // What comes in one turn of the event loop shares a transaction.
        await new Promise(setImmediate);
      }
      const { user, system } = process.cpuUsage(from);
      // The first half warms up.
      if (turn >= TURNS) own.push((user + system) / STEPS);
    }
  }
  await store.close();
  return Object.fromEntries(Object.entries(times).map(([width, own]) => [width, median(own)]));
}

const UNITS = ['minute', 'hour', 'day'] as const;

const CALL: Reservable = {
  counters: UNITS.map((unit) => ({ id: `rate_limit|create_refund|${unit}|policy|success|`, unit })),
  steps: UNITS.map((_, counter) => ({ kind: 'require', terms: [{ counter, after: Number.MAX_SAFE_INTEGER }], shadow: false })),
  draws: UNITS.map((_, counter) => ({ counter, micros: 1, count: 'successes', unlessShadow: [] })),
  hold: undefined,
  claim: undefined,
};
