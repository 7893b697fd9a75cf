/**
 * A process that carries out one call on a state server and is killed before it sends for the n-th time, or lives to the end.
 * It says on stdout how far it came. `redis-crash-worker.ts <port> <n> <committed|released|kept>`.
 */
import { writeSync } from 'node:fs';
import { openLink } from '../../../src/state/redis/link.ts';
import { openRedisStore } from '../../../src/state/redis/redis.ts';
import { CRASH_TIME, moneyCall, reservationOf } from '../calls.ts';

const [, , port = '', step = '', outcome = ''] = process.argv;
const say = (line: string) => writeSync(1, `${line}\n`);
let left = Infinity;

const store = await openRedisStore({
  async connect() {
    const link = await openLink({ host: '127.0.0.1', port: Number(port), database: 0 }, 5_000);
    const send: typeof link.send = (commands, deadline) => {
      if (--left === 0) process.kill(process.pid, 'SIGKILL');
      return link.send(commands, deadline);
    };
    return { link: { ...link, isOpen: true, send }, run: 'run', replicas: 0 };
  },
  timeoutMs: 5_000,
  namespace: 'test',
  clock: () => CRASH_TIME,
});
left = Number(step);
const reservation = reservationOf((await store.reserve([moneyCall()]))[0]);
say('reserved');
say('sent');
await store.settle([{ reservation, outcome: outcome as 'kept', ...(outcome === 'committed' ? { result: '"paid"' } : {}) }]);
say('done');
process.exit();
