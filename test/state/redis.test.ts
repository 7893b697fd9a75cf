import { afterAll, beforeAll, describe } from 'bun:test';
import { openRedisStore } from '../../src/state/redis/redis.ts';
import { PROGRAMS, type RedisProcess, startRedis } from '../harness/redis-server.ts';
import { MAX_RESULTS, type OpenFixture } from './fixture.ts';
import { storeSuite } from './suite.ts';

describe.each(PROGRAMS)('%s', (program) => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await startRedis([], program);
  });
  afterAll(() => server.stop());

  const open: OpenFixture = async (clock) => {
    const admin = await server.link();
    await admin.send([['FLUSHALL']], 5_000);
    admin.close();
    const store = await openRedisStore({
      connect: async () => ({ link: await server.link(), run: 'run', replicas: 0 }),
      timeoutMs: 30_000,
      namespace: 'test',
      clock: clock.read,
      maxResults: MAX_RESULTS,
    });
    return { store, dispose: () => store.close() };
  };
  storeSuite('server', open);
});
