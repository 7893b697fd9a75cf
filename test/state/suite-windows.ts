/** When counts begin, end and come back (policy.md §6). Part of the suite that every adapter passes. */
import { describe, expect, test } from 'bun:test';
import { StoreError } from '../../src/core/store.ts';
import { WINDOW_UNITS } from '../../src/core/window.ts';
import { counter, kinds, limited, reservationOf, STATELESS, UNIT } from './calls.ts';
import { type OpenFixture, useStore } from './fixture.ts';

export function windowSuite(open: OpenFixture): void {
  const at = useStore(open);

  describe('settling (policy.md §6)', () => {
    test('a release gives back what was drawn, and no more than there is', async () => {
      const [first] = await at.store.reserve([limited([counter('c')], 9 * UNIT, 3 * UNIT)]);
      await at.store.reserve([limited([counter('c')], 9 * UNIT)]);
      await at.store.settle([{ reservation: reservationOf(first), outcome: 'released' }]);
      expect(await at.countOf('c')).toBe(UNIT);
      await at.store.settle([first, first].map((one) => ({ reservation: { ...reservationOf(one) }, outcome: 'released' as const })));
      expect(await at.countOf('c')).toBe(0);
    });

    test('a release goes into the window it was taken from, never into a later one', async () => {
      const [first] = await at.store.reserve([limited([counter('c', 'minute')], 9 * UNIT, 2 * UNIT)]);
      at.clock.now += 60_000;
      await at.store.reserve([limited([counter('c', 'minute')], 9 * UNIT, 5 * UNIT)]);
      await at.store.settle([{ reservation: reservationOf(first), outcome: 'released' }]);
      expect(await at.countOf('c', 'minute')).toBe(5 * UNIT);
      at.clock.now -= 60_000;
      expect(await at.countOf('c', 'minute')).toBe(0);
    });

    test('attempts stay', async () => {
      const [first] = await at.store.reserve([limited([counter('c')], 9 * UNIT, UNIT, 'attempts')]);
      await at.store.settle([{ reservation: reservationOf(first), outcome: 'released' }]);
      expect(await at.countOf('c')).toBe(UNIT);
    });

    test('a window that is forgotten takes nothing back', async () => {
      const draw = { id: 'c', unit: 'day', start: 0, micros: UNIT, count: 'successes' } as const;
      await at.store.settle([{ reservation: { draws: [draw] }, outcome: 'released' }]);
      expect(await at.store.counters()).toEqual([]);
    });
  });

  describe('windows (policy.md §6)', () => {
    const edges: readonly [string, (typeof WINDOW_UNITS)[number], string, string][] = [
      ['second', 'second', '2026-03-04T10:30:15.999Z', '2026-03-04T10:30:16Z'],
      ['minute', 'minute', '2026-03-04T10:30:59.999Z', '2026-03-04T10:31:00Z'],
      ['hour', 'hour', '2026-03-04T10:59:59.999Z', '2026-03-04T11:00:00Z'],
      ['day', 'day', '2026-03-04T23:59:59.999Z', '2026-03-05T00:00:00Z'],
      ['week: Sunday to Monday', 'week', '2026-03-08T23:59:59.999Z', '2026-03-09T00:00:00Z'],
      ['week across a year', 'week', '2027-01-03T23:59:59.999Z', '2027-01-04T00:00:00Z'],
      ['month', 'month', '2026-04-30T23:59:59.999Z', '2026-05-01T00:00:00Z'],
      ['February of a leap year', 'month', '2028-02-29T23:59:59.999Z', '2028-03-01T00:00:00Z'],
      ['February of another year', 'month', '2026-02-28T23:59:59.999Z', '2026-03-01T00:00:00Z'],
      ['the year', 'month', '2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00Z'],
    ];
    test.each(edges)('%s: the count starts anew at the edge and not before', async (_, unit, before, after) => {
      at.clock.now = Date.parse(before);
      const call = limited([counter('c', unit)], UNIT);
      expect(await at.store.reserve([call, call])).toMatchObject([{ kind: 'reserved' }, { kind: 'deny', retryAt: Date.parse(after) }]);
      at.clock.now += 1;
      expect(at.clock.now).toBe(Date.parse(after));
      expect(kinds(await at.store.reserve([call, call]))).toBe('reserved deny');
    });

    test('29 February and 31 January lie inside their months', async () => {
      for (const day of ['2026-01-31', '2028-02-29']) {
        at.clock.now = Date.parse(`${day}T12:00:00Z`);
        const call = limited([counter(day, 'month')], UNIT);
        expect(kinds(await at.store.reserve([call]))).toBe('reserved');
        at.clock.now += 11 * 3_600_000;
        expect(kinds(await at.store.reserve([call]))).toBe('deny');
      }
    });

    test('one id in two units is two counters, also where the windows start together', async () => {
      at.clock.now = Date.parse('2026-03-02T00:00:00Z');
      for (const unit of WINDOW_UNITS) await at.store.reserve([limited([counter('c', unit)], UNIT)]);
      expect((await at.store.counters()).map(({ unit, micros }) => [unit, micros]).sort()).toEqual(
        WINDOW_UNITS.map((unit) => [unit, UNIT]).sort(),
      );
    });
  });

  describe('clock steps (policy.md §6)', () => {
    test.each(WINDOW_UNITS)('a step back within 60 s frees nothing (%s)', async (unit) => {
      const call = limited([counter('c', unit)], UNIT);
      for (let step = 0; step < 70; step++) {
        await at.store.reserve([call]);
        at.clock.now += 1_000;
      }
      at.clock.now -= 1_000;
      for (const back of [1_000, 15_000, 59_000]) {
        const now = at.clock.now;
        at.clock.now -= back;
        expect(kinds(await at.store.reserve([call]))).toBe('deny');
        at.clock.now = now;
      }
    });

    test('a clock more than 60 s behind the newest record denies what needs a counter, and only that', async () => {
      const call = limited([counter('c')], 9 * UNIT);
      await at.store.reserve([call]);
      at.clock.now -= 60_000;
      expect(kinds(await at.store.reserve([call]))).toBe('reserved');
      at.clock.now -= 1_001;
      await expect(at.store.reserve([call])).rejects.toThrow(/the clock is 62 seconds behind the newest record/);
      expect(kinds(await at.store.reserve([STATELESS]))).toBe('reserved');
      at.clock.now += 1_001;
      expect(kinds(await at.store.reserve([call]))).toBe('reserved');
      expect(await at.countOf('c')).toBe(3 * UNIT);
    });

    test('a clock that says no time denies', async () => {
      at.clock.now = Number.NaN;
      await expect(at.store.reserve([limited([counter('c')], UNIT)])).rejects.toBeInstanceOf(StoreError);
    });
  });
}
