/** The script judges as `core/judge.ts` and `state/step.ts` do: random batches on both, at instants where windows turn (scale.md §3). */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { MAX_MICROS } from '../../src/core/decimal.ts';
import type { Records, Reservable, Reservation, Step, Store, StoreVerdict } from '../../src/core/store.ts';
import { WINDOW_UNITS } from '../../src/core/window.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { openRedisStore } from '../../src/state/redis/redis.ts';
import { PROGRAMS, type RedisProcess, startRedis } from '../harness/redis-server.ts';
import { type Clock, claimRequest, clockAt, holdRequest } from './calls.ts';

let server: RedisProcess | undefined;
beforeAll(async () => {
  if (PROGRAMS.length > 0) server = await startRedis();
});
afterAll(() => server?.stop());

const micros = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(0, 1, MAX_MICROS - 1, MAX_MICROS, 1_000_000));
const index = fc.integer({ min: 0, max: 2 });
const term = fc.record(
  {
    counter: index,
    min: micros,
    max: micros,
    after: micros,
    only: fc.array(micros, { maxLength: 3 }),
    not: fc.array(micros, { maxLength: 3 }),
  },
  { requiredKeys: ['counter'] },
);
const step = fc.record({
  kind: fc.constantFrom('require', 'require', 'deny', 'hold'),
  terms: fc.array(term, { maxLength: 2 }),
  shadow: fc.boolean(),
}) as fc.Arbitrary<Step>;
const draw = fc.record({
  counter: index,
  micros,
  count: fc.constantFrom('attempts', 'successes'),
  unlessShadow: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
});
const counters = fc.tuple(
  ...[0, 1, 2].map((place) =>
    fc.record({ id: fc.constantFrom('a', 'b', `own${place}`, '1:a', 'ä"\\'), unit: fc.constantFrom(...WINDOW_UNITS) }),
  ),
);
const call = fc
  .record({
    counters,
    steps: fc.array(step, { maxLength: 3 }),
    draws: fc.array(draw, { maxLength: 3 }),
    holds: fc.boolean(),
    claim: fc.option(fc.constantFrom('k1', 'k2'), { nil: undefined, freq: 3 }),
  })
  .map(
    ({ holds, claim, ...rest }): Reservable => ({
      ...rest,
      hold: holds ? () => holdRequest('f') : undefined,
      claim: claim === undefined ? undefined : claimRequest(claim),
    }),
  ) as fc.Arbitrary<Reservable>;

/** Instants at which windows turn: Februaries, years, weeks, and steps of up to a minute back. */
const instants = fc.constantFrom(
  ...[
    '2024-02-29T23:59:59.999Z',
    '2026-02-28T23:59:59.999Z',
    '2026-12-31T23:59:59.999Z',
    '2027-01-03T23:59:59.500Z',
    '1970-01-05T00:00:00Z',
  ].map((text) => Date.parse(text)),
);
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ calls: fc.array(call, { minLength: 1, maxLength: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ settle: fc.nat(), outcome: fc.constantFrom('committed', 'released', 'kept') }) },
  { weight: 2, arbitrary: fc.record({ later: fc.constantFrom(1, 999, 10_001, 60_000, 3_600_000, -59_000) }) },
);

/** Ids and tokens differ from store to store. */
function shown(verdict: StoreVerdict): unknown {
  return JSON.parse(
    JSON.stringify(verdict, (key, value) => (key === 'id' && /^apr_/.test(value) ? 'apr' : key === 'token' ? 'token' : value)),
  );
}

interface Side {
  readonly store: Store & Records;
  readonly reservations: Reservation[];
}

async function carryOut(
  side: Side,
  one: { calls?: Reservable[]; settle?: number; outcome?: 'committed' | 'released' | 'kept' },
): Promise<unknown> {
  if (one.calls) {
    // A clock that is too far behind denies on both, with the same words.
    const verdicts = await side.store.reserve(one.calls).catch((error: unknown) => String(error));
    if (typeof verdicts === 'string') return verdicts;
    for (const verdict of verdicts) if (verdict.kind === 'reserved') side.reservations.push(verdict.reservation);
    return verdicts.map(shown);
  }
  const reservation = side.reservations[(one.settle ?? 0) % Math.max(1, side.reservations.length)];
  if (reservation && one.outcome) await side.store.settle([{ reservation, outcome: one.outcome, result: '{}' }]);
  return undefined;
}

test.skipIf(PROGRAMS.length === 0)(
  'the script and the shared rules give the same verdicts and counts',
  async () => {
    await fc.assert(
      fc.asyncProperty(instants, fc.array(act, { minLength: 1, maxLength: 8 }), async (start, acts) => {
        const clock: Clock = clockAt('2026-01-01T00:00:00Z');
        clock.now = start;
        const admin = await (server as RedisProcess).link();
        await admin.send([['FLUSHALL']], 5_000);
        const redis = await openRedisStore({
          connect: async () => ({ link: admin, run: 'run', replicas: 0 }),
          timeoutMs: 20_000,
          namespace: 'test',
          clock: clock.read,
        });
        const sides: Side[] = [
          { store: openMemoryStore({ clock: clock.read, namespace: 'test' }), reservations: [] },
          { store: redis, reservations: [] },
        ];
        try {
          for (const one of acts) {
            if ('later' in one) clock.now += one.later;
            else {
              const [expected, got] = [await carryOut(sides[0] as Side, one), await carryOut(sides[1] as Side, one)];
              expect(got).toEqual(expected);
            }
          }
          const [expected, got] = await Promise.all(
            sides.map(async ({ store }) => (await store.counters()).map((each) => JSON.stringify(each)).sort()),
          );
          expect(got).toEqual(expected);
        } finally {
          await redis.close();
        }
      }),
      { numRuns: Number(process.env.INTERCEPT_JUDGE_RUNS ?? 300) },
    );
  },
  120_000,
);
