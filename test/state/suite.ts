/** What every adapter of the Store port does alike (house.md §5). Each adapter's test file runs it. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { type Instance, type Store, StoreError } from '../../src/core/store.ts';
import { WINDOW_UNITS } from '../../src/core/window.ts';
import {
  approvalOf,
  type Clock,
  clockAt,
  counter,
  draws,
  held,
  holdRequest,
  kinds,
  limited,
  requires,
  reservationOf,
  STATELESS,
  UNIT,
} from './calls.ts';

/** A fresh store on a clock; `dispose` closes it and removes what it left. */
export interface Fixture {
  readonly store: Store;
  readonly dispose: () => Promise<void>;
}

export type OpenFixture = (clock: Clock) => Promise<Fixture>;

const MAX_MICROS = Number.MAX_SAFE_INTEGER;

export function storeSuite(name: string, open: OpenFixture): void {
  describe(`${name}: the Store port`, () => {
    let clock: Clock;
    let fixture: Fixture;
    let store: Store;
    beforeEach(async () => {
      clock = clockAt('2026-03-04T10:30:15.500Z');
      fixture = await open(clock);
      store = fixture.store;
    });
    afterEach(() => fixture.dispose());

    const admitted = async (max: number, amounts: readonly number[]): Promise<string> => {
      const answers = [];
      for (const amount of amounts) answers.push(...(await store.reserve([limited([counter('c')], max, amount)])));
      return kinds(answers);
    };
    const countOf = async (id: string, unit: Parameters<typeof counter>[1] = 'day') => (await store.read([counter(id, unit)]))[0]?.micros;

    describe('limits (policy.md §6, I4)', () => {
      test('`lte X` admits exactly X calls', async () => {
        expect(await admitted(3 * UNIT, [UNIT, UNIT, UNIT, UNIT, UNIT])).toBe('reserved reserved reserved deny deny');
        expect(await countOf('c')).toBe(3 * UNIT);
      });

      test('a total of exactly X passes, a millionth more does not', async () => {
        expect(await admitted(UNIT, [UNIT - 1, 2, 1, 1])).toBe('reserved deny reserved deny');
      });

      test('`lt X` refuses a draw of nothing once X is reached, `lte X` takes it', async () => {
        const strict = { ...limited([counter('c')], UNIT, 0), steps: [requires({ counter: 0, max: UNIT - 1, after: UNIT })] };
        expect(kinds(await store.reserve([strict, limited([counter('c')], UNIT), strict, limited([counter('c')], UNIT, 0)]))).toBe(
          'reserved reserved deny reserved',
        );
      });

      test('bounds, lists and exclusions are judged on the value before the call', async () => {
        await store.reserve([limited([counter('c')], 5 * UNIT, 2 * UNIT)]);
        const reads = (term: object) => ({ ...STATELESS, counters: [counter('c')], steps: [requires({ counter: 0, ...term })] });
        const verdicts = await store.reserve([
          reads({ min: 2 * UNIT }),
          reads({ min: 2 * UNIT + 1 }),
          reads({ max: 2 * UNIT }),
          reads({ max: 2 * UNIT - 1 }),
          reads({ only: [1, 2 * UNIT] }),
          reads({ not: [2 * UNIT] }),
        ]);
        expect(kinds(verdicts)).toBe('reserved deny reserved deny reserved deny');
      });

      test('a call takes all of its counters or none', async () => {
        await store.reserve([limited([counter('b')], 2 * UNIT, 2 * UNIT)]);
        const verdicts = await store.reserve([limited([counter('a'), counter('b')], 2 * UNIT)]);
        expect(verdicts).toMatchObject([{ kind: 'deny', step: 1, counter: 1 }]);
        expect(await countOf('a')).toBe(0);
      });

      test('calls of one batch are judged in order, and each sees what those before it drew', async () => {
        const a = limited([counter('a')], 2 * UNIT);
        const both = limited([counter('a'), counter('b')], 2 * UNIT);
        expect(kinds(await store.reserve([a, both, a, STATELESS, limited([counter('b')], 2 * UNIT), both]))).toBe(
          'reserved reserved deny reserved reserved deny',
        );
        expect(await countOf('a')).toBe(2 * UNIT);
        expect(await countOf('b')).toBe(2 * UNIT);
      });

      test('two draws of one call on one counter add up', async () => {
        const twice = { ...limited([counter('c')], 3 * UNIT), draws: [draws(0, UNIT), draws(0, UNIT)] };
        expect(kinds(await store.reserve([twice, twice]))).toBe('reserved deny');
        const named = { ...limited([counter('d'), counter('d')], 3 * UNIT) };
        await store.reserve([named]);
        expect(await countOf('d')).toBe(2 * UNIT);
      });

      test('the greatest total is held exactly, and nothing passes it even without a limit', async () => {
        const free = (micros: number) => ({ ...STATELESS, counters: [counter('c')], draws: [draws(0, micros)] });
        expect(kinds(await store.reserve([free(MAX_MICROS - 1), free(2), free(1), free(1), free(Infinity)]))).toBe(
          'reserved deny reserved deny deny',
        );
        expect(await countOf('c')).toBe(MAX_MICROS);
      });

      test('an amount that is none takes nothing and fails', async () => {
        for (const micros of [Number.NaN, -1]) {
          const call = { ...STATELESS, counters: [counter('c')], draws: [draws(0, micros)] };
          await expect(store.reserve([limited([counter('c')], 9 * UNIT), call])).rejects.toBeInstanceOf(StoreError);
        }
        expect(await countOf('c')).toBe(0);
      });

      test('a denial moves nothing and says when the window ends', async () => {
        await store.reserve([limited([counter('c', 'hour')], UNIT)]);
        const verdicts = await store.reserve([limited([counter('c', 'hour')], UNIT)]);
        expect(verdicts).toEqual([
          { kind: 'deny', step: 0, counter: 0, retryAt: Date.parse('2026-03-04T11:00:00Z'), now: clock.now, shadow: [] },
        ]);
        expect(await countOf('c', 'hour')).toBe(UNIT);
      });

      test('calls that arrive together are admitted exactly up to the limit', async () => {
        const answers = await Promise.all(Array.from({ length: 50 }, () => store.reserve([limited([counter('c')], 7 * UNIT)])));
        expect(answers.filter((verdicts) => kinds(verdicts) === 'reserved')).toHaveLength(7);
      });
    });

    describe('steps (policy.md §5.5, §10)', () => {
      test('a deny step fires when its terms hold, and an empty one always', async () => {
        const deny = { kind: 'deny', terms: [{ counter: 0, min: UNIT }], shadow: false } as const;
        const call = { ...limited([counter('c')], 9 * UNIT), steps: [deny] };
        expect(kinds(await store.reserve([call, call]))).toBe('reserved deny');
        expect(kinds(await store.reserve([{ ...STATELESS, steps: [{ ...deny, terms: [] }] }]))).toBe('deny');
      });

      test('I1: deny beats hold, whatever stands first, and neither moves a counter', async () => {
        const full = limited([counter('c')], 0);
        const hold = { kind: 'hold', terms: [], shadow: false } as const;
        const verdicts = await store.reserve([{ ...full, steps: [hold, ...full.steps], hold: holdRequest('f') }]);
        expect(verdicts).toMatchObject([{ kind: 'deny', step: 1 }]);
        expect(await store.pending()).toEqual([]);
        await store.reserve([{ ...limited([counter('c')], UNIT), steps: [hold], hold: holdRequest('f') }]);
        expect(await countOf('c')).toBe(0);
      });

      test('a shadow step is recorded and decides nothing; draws that depend on it are not made', async () => {
        const shadow = { ...requires({ counter: 0, after: 0 }), shadow: true };
        const call = {
          counters: [counter('c'), counter('d')],
          steps: [shadow],
          draws: [draws(0, UNIT, { unlessShadow: [0] }), draws(1, UNIT)],
          hold: undefined,
        };
        const verdicts = await store.reserve([call]);
        expect(verdicts).toMatchObject([{ kind: 'reserved', shadow: [0], reservation: { draws: [{ id: 'd' }] } }]);
        expect([await countOf('c'), await countOf('d')]).toEqual([0, UNIT]);
      });

      test('a call without counters is judged all the same', async () => {
        const shadowHold = { kind: 'hold', terms: [], shadow: true } as const;
        const hold = { kind: 'hold', terms: [], shadow: false } as const;
        const verdicts = await store.reserve([
          STATELESS,
          { ...STATELESS, steps: [shadowHold] },
          { ...STATELESS, steps: [hold] },
          { ...STATELESS, steps: [{ ...hold, kind: 'deny' }] },
        ]);
        expect(verdicts).toEqual([
          { kind: 'reserved', reservation: { draws: [] }, now: clock.now, shadow: [] },
          { kind: 'reserved', reservation: { draws: [] }, now: clock.now, shadow: [0] },
          { kind: 'hold', step: 0, approval: undefined, now: clock.now, shadow: [] },
          { kind: 'deny', step: 0, counter: undefined, retryAt: undefined, now: clock.now, shadow: [] },
        ]);
      });
    });

    describe('settling (policy.md §6)', () => {
      test('a release gives back what was drawn, and no more than there is', async () => {
        const [first] = await store.reserve([limited([counter('c')], 9 * UNIT, 3 * UNIT)]);
        await store.reserve([limited([counter('c')], 9 * UNIT)]);
        await store.release([reservationOf(first)]);
        expect(await countOf('c')).toBe(UNIT);
        await store.release([reservationOf(first), reservationOf(first)]);
        expect(await countOf('c')).toBe(0);
      });

      test('a release goes into the window it was taken from, never into a later one', async () => {
        const [first] = await store.reserve([limited([counter('c', 'minute')], 9 * UNIT, 2 * UNIT)]);
        clock.now += 60_000;
        await store.reserve([limited([counter('c', 'minute')], 9 * UNIT, 5 * UNIT)]);
        await store.release([reservationOf(first)]);
        expect(await countOf('c', 'minute')).toBe(5 * UNIT);
        clock.now -= 60_000;
        expect(await countOf('c', 'minute')).toBe(0);
      });

      test('attempts stay', async () => {
        const [first] = await store.reserve([limited([counter('c')], 9 * UNIT, UNIT, 'attempts')]);
        await store.release([reservationOf(first)]);
        expect(await countOf('c')).toBe(UNIT);
      });

      test('a window that is forgotten takes nothing back', async () => {
        const draw = { id: 'c', unit: 'day', start: 0, micros: UNIT, count: 'successes' } as const;
        await store.release([{ draws: [draw] }]);
        expect(await store.counters()).toEqual([]);
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
        clock.now = Date.parse(before);
        const call = limited([counter('c', unit)], UNIT);
        expect(await store.reserve([call, call])).toMatchObject([{ kind: 'reserved' }, { kind: 'deny', retryAt: Date.parse(after) }]);
        clock.now += 1;
        expect(clock.now).toBe(Date.parse(after));
        expect(kinds(await store.reserve([call, call]))).toBe('reserved deny');
      });

      test('29 February and 31 January lie inside their months', async () => {
        for (const day of ['2026-01-31', '2028-02-29']) {
          clock.now = Date.parse(`${day}T12:00:00Z`);
          const call = limited([counter(day, 'month')], UNIT);
          expect(kinds(await store.reserve([call]))).toBe('reserved');
          clock.now += 11 * 3_600_000;
          expect(kinds(await store.reserve([call]))).toBe('deny');
        }
      });

      test('one id in two units is two counters, also where the windows start together', async () => {
        clock.now = Date.parse('2026-03-02T00:00:00Z');
        for (const unit of WINDOW_UNITS) await store.reserve([limited([counter('c', unit)], UNIT)]);
        expect((await store.counters()).map(({ unit, micros }) => [unit, micros]).sort()).toEqual(
          WINDOW_UNITS.map((unit) => [unit, UNIT]).sort(),
        );
      });
    });

    describe('clock steps (policy.md §6)', () => {
      test.each(WINDOW_UNITS)('a step back within 60 s frees nothing (%s)', async (unit) => {
        const call = limited([counter('c', unit)], UNIT);
        for (let step = 0; step < 70; step++) {
          await store.reserve([call]);
          clock.now += 1_000;
        }
        clock.now -= 1_000;
        for (const back of [1_000, 15_000, 59_000]) {
          const now = clock.now;
          clock.now -= back;
          expect(kinds(await store.reserve([call]))).toBe('deny');
          clock.now = now;
        }
      });

      test('a clock more than 60 s behind the newest record denies what needs a counter, and only that', async () => {
        const call = limited([counter('c')], 9 * UNIT);
        await store.reserve([call]);
        clock.now -= 60_000;
        expect(kinds(await store.reserve([call]))).toBe('reserved');
        clock.now -= 1_001;
        await expect(store.reserve([call])).rejects.toThrow(/the clock is 61 s behind the newest record/);
        expect(kinds(await store.reserve([STATELESS]))).toBe('reserved');
        clock.now += 1_001;
        expect(kinds(await store.reserve([call]))).toBe('reserved');
        expect(await countOf('c')).toBe(3 * UNIT);
      });

      test('a clock that says no time denies', async () => {
        clock.now = Number.NaN;
        await expect(store.reserve([limited([counter('c')], UNIT)])).rejects.toBeInstanceOf(StoreError);
      });
    });

    describe('names', () => {
      const names = [
        '__proto__',
        'constructor',
        'hasOwnProperty',
        'toString',
        '',
        ' ',
        'ä',
        'a\u0000b',
        '9:day',
        "'; DROP TABLE counters; --",
        '\u{1F600}',
      ];
      test('any name is a counter of its own', async () => {
        const calls = names.map((name, index) => limited([counter(name)], 99 * UNIT, (index + 1) * UNIT));
        expect(new Set(kinds(await store.reserve(calls)).split(' '))).toEqual(new Set(['reserved']));
        const readings = await store.read(names.map((name) => counter(name)));
        expect(readings.map(({ micros }) => micros)).toEqual(names.map((_, index) => (index + 1) * UNIT));
      });

      test('100,000 names, each exact', async () => {
        const ids = Array.from({ length: 100_000 }, (_, index) => `tool-${index}`);
        for (let from = 0; from < ids.length; from += 5_000)
          await store.reserve(ids.slice(from, from + 5_000).map((id) => limited([counter(id)], UNIT)));
        expect(await store.counters()).toHaveLength(100_000);
        expect(kinds(await store.reserve([limited([counter('tool-77777')], UNIT), limited([counter('tool-100000')], UNIT)]))).toBe(
          'deny reserved',
        );
      });
    });

    describe('readings', () => {
      test('`read` answers in order, with the window of now, and draws nothing', async () => {
        await store.reserve([limited([counter('a', 'hour')], 9 * UNIT)]);
        const start = Date.parse('2026-03-04T10:00:00Z');
        const expected = [
          { id: 'b', unit: 'hour', micros: 0, start, end: start + 3_600_000 },
          { id: 'a', unit: 'hour', micros: UNIT, start, end: start + 3_600_000 },
        ] as const;
        expect(await store.read([counter('b', 'hour'), counter('a', 'hour')])).toEqual([...expected]);
        expect(await store.counters()).toEqual([expected[1]]);
      });

      test('`counters` leaves out other windows and empty counts', async () => {
        const [first] = await store.reserve([limited([counter('given back')], UNIT)]);
        await store.reserve([limited([counter('old', 'minute')], UNIT), limited([counter('day')], UNIT)]);
        await store.release([reservationOf(first)]);
        clock.now += 60_000;
        expect((await store.counters()).map(({ id }) => id)).toEqual(['day']);
      });
    });

    describe('holds (policy.md §12)', () => {
      test('a held call gets a record, and its repeat the same one', async () => {
        const [first, second] = await store.reserve([held('f'), held('f')]);
        const approval = approvalOf(first);
        expect(approval).toEqual({ id: approval.id, expiresAt: clock.now + 900_000, reused: false });
        expect(approval.id).toMatch(/^apr_[a-z2-7]{16}$/);
        clock.now += 60_000;
        const [third] = await store.reserve([held('f')]);
        expect([approvalOf(second), approvalOf(third)]).toEqual([
          { ...approval, reused: true },
          { ...approval, reused: true },
        ]);
        const { fingerprint: _f, timeout: _t, dedupeWindow: _d, maxPending: _m, ...shown } = holdRequest('f');
        expect(await store.pending()).toEqual([
          { ...shown, id: approval.id, createdAt: approval.expiresAt - 900_000, expiresAt: approval.expiresAt },
        ]);
      });

      test('an expired record is not reused, nor one older than the dedupe window', async () => {
        const ids = new Set<string>();
        const again = async (after: number, more = {}) => {
          clock.now += after;
          const { id, reused } = approvalOf((await store.reserve([held('f', { timeout: 1_000, ...more })]))[0]);
          ids.add(id);
          return reused;
        };
        expect([
          await again(0),
          await again(999),
          await again(1),
          await again(500, { dedupeWindow: 500 }),
          await again(499, { dedupeWindow: 500 }),
        ]).toEqual([false, true, false, false, true]);
        expect(ids.size).toBe(3);
      });

      test('beyond the most pending records of an agent there is none, and another agent is not concerned', async () => {
        const two = { maxPending: 2, timeout: 1_000 };
        const agents = [{ agent: undefined }, { agent: '' }, { agent: 'bert' }];
        expect(kinds(await store.reserve([held('1', two), held('2', two), held('3', two), held('1', two)]))).toBe(
          'hold hold too_many_pending hold',
        );
        for (const agent of agents)
          expect(
            kinds(
              await store.reserve([
                held(`4 ${agent.agent}`, { ...two, ...agent }),
                held(`5 ${agent.agent}`, { ...two, ...agent }),
                held(`6 ${agent.agent}`, { ...two, ...agent }),
              ]),
            ),
          ).toBe('hold hold too_many_pending');
        expect(await store.pending()).toHaveLength(8);
        clock.now += 1_000;
        expect(await store.pending()).toEqual([]);
        expect(kinds(await store.reserve([held('3', two)]))).toBe('hold');
      });

      test('none may be made where none may pend', async () => {
        expect(await store.reserve([held('f', { maxPending: 0 })])).toEqual([
          { kind: 'too_many_pending', step: 0, now: clock.now, shadow: [] },
        ]);
      });

      test('pending records come oldest first', async () => {
        for (const fingerprint of ['b', 'a', 'c']) {
          await store.reserve([held(fingerprint, { message: fingerprint })]);
          clock.now += 1;
        }
        expect((await store.pending()).map(({ message }) => message)).toEqual(['b', 'a', 'c']);
      });
    });

    describe('pauses and instances (policy.md §11)', () => {
      test('a pause stands until it is resumed, and each change has a higher number', async () => {
        const start = await store.control();
        expect(start.pauses).toEqual([]);
        const first = await store.pause({ policy: undefined, reason: 'incident' });
        const second = await store.pause({ policy: 'all', reason: 'a policy called so' });
        const third = await store.pause({ policy: undefined, reason: 'another' });
        expect(start.sequence < first && first < second && second < third).toBe(true);
        const { sequence, pauses } = await store.control();
        expect(sequence).toBe(third);
        expect(pauses).toHaveLength(2);
        expect(pauses).toContainEqual({ policy: undefined, reason: 'another', since: clock.now });
        expect(pauses).toContainEqual({ policy: 'all', reason: 'a policy called so', since: clock.now });
        expect(await store.resume(undefined)).toEqual({ sequence: third + 1, ended: 1 });
        expect((await store.resume(undefined)).ended).toBe(0);
        expect((await store.control()).pauses).toEqual([{ policy: 'all', reason: 'a policy called so', since: clock.now }]);
      });

      test('instances announce, change and leave', async () => {
        const { seenAt: _, ...instance }: Instance = {
          id: 'i1',
          pid: 1,
          host: 'h',
          namespace: 'n',
          policy: undefined,
          upstream: 'u',
          revision: 'r',
          startedAt: clock.now,
          confirmed: 0,
          seenAt: 0,
        };
        await store.announce(instance);
        await store.announce({ ...instance, id: 'i2', namespace: 'other', policy: 'p', startedAt: clock.now + 1 });
        clock.now += 500;
        await store.announce({ ...instance, confirmed: 7 });
        expect(await store.instances()).toEqual([
          { ...instance, confirmed: 7, seenAt: clock.now },
          { ...instance, id: 'i2', namespace: 'other', policy: 'p', startedAt: clock.now - 499, seenAt: clock.now - 500 },
        ]);
        await store.leave('i1');
        await store.leave('nobody');
        expect((await store.instances()).map(({ id }) => id)).toEqual(['i2']);
        clock.now += 86_400_000;
        await store.announce(instance);
        expect((await store.instances()).map(({ id }) => id)).toEqual(['i1']);
      });
    });

    test('a closed store denies', async () => {
      await store.close();
      await expect(store.reserve([limited([counter('c')], UNIT)])).rejects.toThrow(/is closed/);
      await expect(store.control()).rejects.toBeInstanceOf(StoreError);
    });
  });
}
