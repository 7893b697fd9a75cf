/** Random histories against a reference model small enough to be believed (I4, policy.md §6). */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Reservation, StoreError } from '../../src/core/store.ts';
import { type WindowUnit, windowAt } from '../../src/core/window.ts';
import { clockAt, counter, limited } from './calls.ts';
import type { OpenFixture } from './fixture.ts';

type Draw = readonly [id: string, unit: WindowUnit, amount: number];
type Action =
  | { readonly kind: 'reserve'; readonly calls: readonly (readonly Draw[])[]; readonly attempts: boolean }
  | { readonly kind: 'release'; readonly which: number }
  | { readonly kind: 'move'; readonly by: number };

const LIMIT = 10;
const unit = fc.constantFrom<WindowUnit>('second', 'minute', 'day', 'month');
const draw = fc.tuple(fc.constantFrom('a', 'b', '__proto__'), unit, fc.integer({ min: 0, max: 5 }));
const call = fc.uniqueArray(draw, { maxLength: 3, selector: ([id, per]) => `${id} ${per}` });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('reserve'), calls: fc.array(call, { minLength: 1, maxLength: 4 }), attempts: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('release'), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('move'),
      by: fc.constantFrom(1, 999, 1_000, 30_000, 60_000, 86_400_000, -1, -1_000, -30_000, -59_000, -3_600_000),
    }),
  },
);

/** The model: a sum for each counter and window, kept for ever. */
function openModel() {
  const sums = new Map<string, number>();
  const key = ([id, per]: Draw, now: number) => `${windowAt(per, now).start} ${per} ${id}`;
  let newest = -Infinity;
  return {
    behind: (now: number) => newest - now,
    take(draws: readonly Draw[], now: number): (() => void) | undefined {
      newest = Math.max(newest, now);
      if (draws.some((one) => (sums.get(key(one, now)) ?? 0) + one[2] > LIMIT)) return undefined;
      for (const one of draws) sums.set(key(one, now), (sums.get(key(one, now)) ?? 0) + one[2]);
      return () => {
        for (const one of draws) sums.set(key(one, now), Math.max(0, (sums.get(key(one, now)) ?? 0) - one[2]));
      };
    },
    sum: (one: Draw, now: number) => sums.get(key(one, now)) ?? 0,
  };
}

export function modelSuite(open: OpenFixture): void {
  test('random histories of reserve, release and clock steps agree with the model (I4)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (history) => {
        const clock = clockAt('2026-02-28T23:59:30Z');
        const { store, dispose } = await open(clock);
        try {
          await agree(history, clock, store);
        } finally {
          await dispose();
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);
}

async function agree(
  history: readonly Action[],
  clock: ReturnType<typeof clockAt>,
  store: Awaited<ReturnType<OpenFixture>>['store'],
): Promise<void> {
  const model = openModel();
  const taken: { reservation: Reservation; giveBack: () => void }[] = [];
  for (const step of history) {
    if (step.kind === 'move') clock.now += step.by;
    else if (step.kind === 'release') await releaseOne(step.which);
    else await reserveAll(step);
  }

  async function releaseOne(which: number): Promise<void> {
    const [one] = taken.splice(which % Math.max(1, taken.length), 1);
    if (!one) return;
    await store.settle([{ reservation: one.reservation, outcome: 'released' }]);
    one.giveBack();
  }

  async function reserveAll({ calls, attempts }: Action & { kind: 'reserve' }): Promise<void> {
    const asked = calls.map((draws) => ({
      ...limited(
        draws.map(([id, per]) => counter(id, per)),
        LIMIT,
      ),
      draws: draws.map(([, , micros], index) => ({
        counter: index,
        micros,
        count: attempts ? ('attempts' as const) : ('successes' as const),
        unlessShadow: [],
      })),
    }));
    const counts = calls.some((draws) => draws.length > 0);
    // An adapter may write down the newest time up to a second late.
    const late = counts ? model.behind(clock.now) : 0;
    const verdicts = await store.reserve(asked).catch((error) => error);
    if (verdicts instanceof Error) {
      expect(verdicts).toBeInstanceOf(StoreError);
      expect(late).toBeGreaterThan(60_000);
      return;
    }
    expect(late).toBeLessThanOrEqual(61_000);
    for (const [index, draws] of calls.entries()) {
      const giveBack = draws.length === 0 ? () => {} : model.take(draws, clock.now);
      const verdict = verdicts[index];
      expect(verdict?.kind).toBe(giveBack ? 'reserved' : 'deny');
      if (giveBack && verdict?.kind === 'reserved')
        taken.push({ reservation: verdict.reservation, giveBack: attempts ? () => {} : giveBack });
    }
    for (const one of calls.flat()) expect((await store.read([counter(one[0], one[1])]))[0]?.micros).toBe(model.sum(one, clock.now));
  }
}
