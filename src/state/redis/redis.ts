/** The Store on Redis or Valkey (scale.md): limits, claims and challenges that hosts share. */
import type { CounterReading, CounterRef, Records, Reservation, Store } from '../../core/store.ts';
import { deliverChallenge, expireChallenges } from '../challenge.ts';
import { renewClaim } from '../claim.ts';
import { checkClock, windowFinder } from '../lifetime.ts';
import { judgeStateless, settleOnce } from '../step.ts';
import { checkCall } from './batch.ts';
import { openCarrier } from './carrier.ts';
import { redisControl } from './control.ts';
import { counterOf, KEYS, namespaceKeys } from './keys.ts';
import { inTime, openBatchLane } from './lane.ts';
import { portsOf, type RedisOptions, type RedisPorts } from './ports.ts';
import { redisRecords } from './records.ts';
import { stepRows } from './rows.ts';
import { openServer } from './server.ts';
import { createSweeper } from './sweep.ts';

/** Counters are read in steps of so many. */
const READ_STEP = 1_000;

/** Opens the store of a namespace, a new one where there is none. Rejects with `StoreError`. */
export async function openRedisStore(options: RedisOptions): Promise<Store & Records> {
  const server = await openServer(options);
  const ports = portsOf(server, options);
  // Only `state move` asks for them: no replica has to have it before calls are judged.
  if (options.namespace !== '') await ports.look([['SADD', KEYS.namespaces, options.namespace]]);
  const sweeper = createSweeper(ports);
  return { ...storeOf(ports, sweeper.tick), ...redisControl(ports), ...redisRecords(ports), close: server.close };
}

function storeOf(
  ports: RedisPorts,
  sweep: () => Promise<void>,
): Pick<Store, 'reserve' | 'settle' | 'challenges' | 'renew' | 'read' | 'counters'> {
  const { namespace, ids, server, transact, look } = ports;
  const windowOf = windowFinder();
  const settled = new WeakSet<Reservation>();
  const names = namespaceKeys(namespace);
  const lane = openBatchLane(openCarrier(ports, windowOf));
  const judge = inTime(lane, ports.timeoutMs);
  return {
    async reserve(calls) {
      const now = server.clock?.() ?? Date.now();
      const stateless = judgeStateless(calls, now);
      if (stateless) return stateless;
      if (!Number.isSafeInteger(now)) checkClock(now, 0);
      calls.forEach(checkCall);
      const swept = sweep();
      if (server.clock) await swept;
      return (await judge(calls)).map((verdict) => {
        if (verdict instanceof Error) throw verdict;
        return verdict;
      });
    },
    settle: settleOnce(settled, async (settlements) => void (await lane({ settlements, calls: [] }))),
    challenges: {
      deliver(challenge, reservation) {
        const id = ids.token();
        return transact((draft) => deliverChallenge(challenge, reservation, id, stepRows(draft, namespace), draft.now));
      },
      openFor: (call) => transact((draft) => stepRows(draft, namespace).challengesFor(call, draft.now)),
      expire: () => transact((draft) => expireChallenges(stepRows(draft, namespace), draft.now)),
    },
    renew: (claims) =>
      transact((draft) => {
        const rows = stepRows(draft, namespace);
        return claims.filter((claim) => !renewClaim(claim, rows, draft.now));
      }),
    async read(counters) {
      const { now, replies } = await look(counters.map((counter) => ['HGETALL', names.counter(counter)]));
      return counters.map((counter, index) => readingOf(counter, replies[index] as readonly string[], windowOf, now));
    },
    async counters() {
      const { now, replies } = await look([['ZRANGE', names.counters, '0', '-1']]);
      const members = (replies[0] as readonly string[]).map(counterOf);
      const all: CounterReading[] = [];
      for (let at = 0; at < members.length; at += READ_STEP) {
        const some = members.slice(at, at + READ_STEP);
        const values = await look(some.map((counter) => ['HGETALL', names.counter(counter)]));
        all.push(...some.map((counter, index) => readingOf(counter, values.replies[index] as readonly string[], windowOf, now)));
      }
      return all.filter(({ micros }) => micros > 0);
    },
  };
}

function readingOf(
  { id, unit }: CounterRef,
  fields: readonly string[],
  windowOf: ReturnType<typeof windowFinder>,
  now: number,
): CounterReading {
  const { start, end } = windowOf(unit, now);
  const place = fields.findIndex((field, index) => index % 2 === 0 && field === String(start));
  return { id, unit, micros: place < 0 ? 0 : Number(fields[place + 1]), start, end };
}
