/** The Store on Redis or Valkey (scale.md): limits, claims and challenges that hosts share. */
import { type CounterReading, type CounterRef, type Records, type Reservation, type Store, StoreError } from '../../core/store.ts';
import type { WindowUnit } from '../../core/window.ts';
import { deliverChallenge, expireChallenges } from '../challenge.ts';
import { renewClaim } from '../claim.ts';
import { type Ids, RANDOM_IDS } from '../ids.ts';
import { checkClock, MARK_STEP, windowFinder } from '../lifetime.ts';
import { judgeStateless, settleOnce } from '../step.ts';
import { encodeBatch } from './batch.ts';
import { openCarrier } from './carrier.ts';
import { COMMIT } from './commit-script.ts';
import { redisControl } from './control.ts';
import { type Draft, type DraftPorts, runDraft } from './draft.ts';
import { KEYS, namespaceKeys } from './keys.ts';
import { openBatchLane } from './lane.ts';
import { type Reply, ServerError } from './link.ts';
import { redisRecords } from './records.ts';
import { stepRows } from './rows.ts';
import { openServer, type Server, type ServerOptions } from './server.ts';
import { createSweeper } from './sweep.ts';

export interface RedisOptions extends ServerOptions {
  readonly namespace: string;
  /** Bytes that all stored results may take. */
  readonly maxResults?: number | undefined;
  readonly ids?: Ids | undefined;
}

/** Stored results may take so much together, where nobody says otherwise: 256 MiB. */
const MAX_RESULTS = 268_435_456;

/** Counters are read in steps of so many. */
const READ_STEP = 1_000;

/** What every part of the store works by. */
export interface RedisPorts {
  readonly server: Server;
  readonly namespace: string;
  readonly ids: Ids;
  readonly maxResults: number;
  /** Runs the shared rules and writes what they decide. */
  transact<T>(work: (draft: Draft) => T): Promise<T>;
  /** The same for what counts as a record in time: a clock that is too far behind is refused, and how far it came is kept. */
  change<T>(work: (draft: Draft) => T): Promise<T>;
  /** The store's time, and replies to commands that only read. */
  look(commands: readonly (readonly string[])[]): Promise<{ readonly now: number; readonly replies: readonly Reply[] }>;
}

/** Opens the store of a namespace, a new one where there is none. Rejects with `StoreError`. */
export async function openRedisStore(options: RedisOptions): Promise<Store & Records> {
  const server = await openServer(options);
  const ports = portsOf(server, options);
  const sweeper = createSweeper(ports);
  return { ...storeOf(ports, sweeper.tick), ...redisControl(ports), ...redisRecords(ports), close: async () => server.close() };
}

function portsOf(server: Server, { namespace, ids = RANDOM_IDS, maxResults = MAX_RESULTS }: RedisOptions): RedisPorts {
  const drafts: DraftPorts = {
    read: (commands) => server.read(commands),
    clock: server.clock,
    async commit(keys, conditions, writes) {
      const { reply, isKept } = await server.run(COMMIT, keys, [JSON.stringify(conditions), JSON.stringify(writes)]);
      if (reply[0] === 'again') return 'again';
      if (!isKept) throw new StoreError('too few replicas have what was written; it may or may not stand');
      return 'done';
    },
  };
  const transact = <T>(work: (draft: Draft) => T) => runDraft(drafts, work);
  return {
    ...{ server, namespace, ids, maxResults, transact },
    change: (work) =>
      transact((draft) => {
        keepTime(draft);
        return work(draft);
      }),
    async look(commands) {
      const [time, ...replies] = (await server.read([['TIME'], ...commands])).map((reply) => {
        if (reply instanceof ServerError) throw new StoreError(`the state server answered: ${reply.message}`);
        return reply;
      });
      const [seconds, micros] = time as readonly string[];
      return { now: server.clock?.() ?? Number(seconds) * 1000 + Math.floor(Number(micros) / 1000), replies };
    },
  };
}

/** SPEC: policy.md §6: refuses a clock that is too far behind, and writes down how far this one has come. */
function keepTime({ now, newest, write }: Draft): void {
  checkClock(now, newest);
  if (now - newest >= MARK_STEP) write('HSET', { key: KEYS.head }, 'newest', String(now));
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
  return {
    async reserve(calls) {
      const now = server.clock?.() ?? Date.now();
      const stateless = judgeStateless(calls, now);
      if (stateless) return stateless;
      if (!Number.isSafeInteger(now)) checkClock(now, 0);
      // Before it joins others, whose batch it must not spoil.
      for (const call of calls) encodeBatch([], [{ call, token: '' }], namespace, 0);
      const swept = sweep();
      if (server.clock) await swept;
      return (await lane({ settlements: [], calls })).map((verdict) => {
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

/** `unit:id`, as the index of counters has it. */
function counterOf(member: string): CounterRef {
  const end = member.indexOf(':');
  return { unit: member.slice(0, end) as WindowUnit, id: member.slice(end + 1) };
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

