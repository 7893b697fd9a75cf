/** Three instances' stores on one server in random histories (I4, I5, I6): one is ended and begins anew now and then. */
import { afterAll, beforeAll, describe } from 'bun:test';
import { openRedisStore } from '../../src/state/redis/redis.ts';
import { PROGRAMS, type RedisProcess, startRedis } from '../harness/redis-server.ts';
import type { Clock } from './calls.ts';
import { historySuite, type World } from './histories.ts';

const INSTANCES = 3;

describe.each(PROGRAMS)('%s, three instances', (program) => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await startRedis([], program);
  });
  afterAll(() => server.stop());

  async function world(clock: Clock): Promise<World> {
    const admin = await server.link();
    await admin.send([['FLUSHALL']], 5_000);
    admin.close();
    const open = () =>
      openRedisStore({
        connect: async () => ({ link: await server.link(), run: 'run', replicas: 0 }),
        timeoutMs: 30_000,
        namespace: 'test',
        clock: clock.read,
      });
    const stores: World['stores'] = [];
    for (let index = 0; index < INSTANCES; index++) stores.push(await open());
    return {
      stores,
      async restart(index) {
        await stores[index]?.close();
        stores[index] = await open();
      },
      async dispose() {
        for (const store of stores) await store.close();
      },
    };
  }
  historySuite(15, world);
});
