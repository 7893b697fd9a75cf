/** Several processes on one state server that are killed, as it is: nothing goes over a limit, and a loss is fenced (I4; bench/scale). */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { runFleet } from '../../bench/scale/fleet.ts';
import { PROGRAMS, type RedisProcess, startRedis } from '../harness/redis-server.ts';
import { temporaryFolder } from './calls.ts';

describe.skipIf(PROGRAMS.length === 0)('four processes on one state server', () => {
  let server: RedisProcess;
  const folder = temporaryFolder();
  beforeAll(async () => {
    server = await startRedis(['--appendonly', 'yes']);
  });
  afterAll(async () => {
    await server.stop();
    folder.remove();
  });
  const send = async (...command: string[]) => {
    const link = await server.link();
    await link.send([command], 5_000).finally(link.close);
  };
  const run = (calls: number, faults: readonly (() => Promise<void>)[]) =>
    runFleet({ where: `redis:${server.port}`, home: folder.path, calls, monthly: 1_500, instances: 4, faults });

  test('are killed, and it is killed and started again: 0 over, and no fence', async () => {
    const restart = () => server.kill().then(server.restart);
    const { sum } = await run(6_000, [() => send('SCRIPT', 'FLUSH'), restart]);
    expect(sum.windows().map(({ over }) => over)).toEqual([0, 0]);
    expect(sum.windows()[1]?.most).toBeGreaterThan(0);
    expect(sum.fenced()).toBe(0);
  }, 60_000);

  test('lose everything: a fence', async () => {
    const { sum } = await run(1_000, [() => send('FLUSHALL')]);
    expect(sum.fenced()).toBeGreaterThan(0);
  }, 60_000);
});
