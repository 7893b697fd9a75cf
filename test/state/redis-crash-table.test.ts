/** The table of `crash-table.test.ts` on a state server: kill -9 before each thing that a process asks of it (I4, I5, I6). */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Records, Store } from '../../src/core/store.ts';
import { openRedisStore } from '../../src/state/redis/redis.ts';
import { PROGRAMS, type RedisProcess, startRedis } from '../harness/redis-server.ts';
import { approvalOf, CRASH_TIME, counter, kinds, moneyCall } from './calls.ts';

const SCRIPT = join(import.meta.dirname, 'children/redis-crash-worker.ts');

describe.skipIf(PROGRAMS.length === 0)('on a state server', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  async function as<T>(later: number, work: (store: Store & Records) => Promise<T>): Promise<T> {
    const connect = async () => ({ link: await server.link(), run: 'run', replicas: 0 });
    const store = await openRedisStore({ connect, timeoutMs: 5_000, namespace: 'test', clock: () => CRASH_TIME + later });
    return work(store).finally(store.close);
  }

  async function crash(step: number, outcome: string) {
    const link = await server.link();
    await link.send([['FLUSHALL']], 5_000).finally(link.close);
    await as(0, async (store) => {
      const { id } = approvalOf((await store.reserve([moneyCall()]))[0]);
      await store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: '' });
    });
    const child = spawn(process.execPath, [SCRIPT, String(server.port), String(step), outcome], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    const [code, signal] = await once(child, 'close');
    if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the worker ended with ${code} ${signal}: ${said}`);
    return { said: said.trim().split('\n').join(' '), killed: signal === 'SIGKILL' };
  }

  async function after(): Promise<string> {
    const now = await as(0, async (store) => {
      const count = (await store.read([counter('paid', 'month')]))[0]?.micros;
      const [approval] = await store.approvals.list({});
      const [claim] = await store.claims.list({});
      return `${count} ${approval?.state} ${claim?.state ?? 'none'}`;
    });
    const next = await as(0, (store) => store.reserve([moneyCall()]));
    const later = await as(11_000, (store) => store.reserve([moneyCall()]));
    return `${now} | ${kinds(next)}, ${kinds(later)}`;
  }

  const UNTOUCHED = '0 approved none | reserved, outcome_unknown';
  const SETTLED = {
    committed: '1 consumed done | replay, replay',
    released: '0 approved none | reserved, outcome_unknown',
    kept: '1 consumed unknown | outcome_unknown, outcome_unknown',
  };

  test.each(['committed', 'released', 'kept'] as const)(
    'I4, I5, I6: killed before each question of a call that ends %s',
    async (outcome) => {
      const seen = new Map<string, Set<string>>();
      for (let step = 1; ; step++) {
        const { said, killed } = await crash(step, outcome);
        seen.set(said, (seen.get(said) ?? new Set()).add(await after()));
        if (!killed) break;
      }
      expect(Object.fromEntries([...seen].map(([said, all]) => [said, [...all]]))).toEqual({
        '': [UNTOUCHED],
        'reserved sent': ['1 consumed in_flight | in_flight, outcome_unknown'],
        'reserved sent done': [SETTLED[outcome]],
      });
    },
    120_000,
  );
});
