/** Names, readings, holds, pauses and instances (policy.md §11, §12). Part of the suite that every adapter passes. */
import { describe, expect, test } from 'bun:test';
import { type Instance, StoreError } from '../../src/core/store.ts';
import { approvalOf, counter, held, holdRequest, kinds, limited, reservationOf, UNIT } from './calls.ts';
import { type OpenFixture, useStore } from './fixture.ts';

export function recordSuite(open: OpenFixture): void {
  const at = useStore(open);

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
      expect(new Set(kinds(await at.store.reserve(calls)).split(' '))).toEqual(new Set(['reserved']));
      const readings = await at.store.read(names.map((name) => counter(name)));
      expect(readings.map(({ micros }) => micros)).toEqual(names.map((_, index) => (index + 1) * UNIT));
    });

    test('100,000 names, each exact', async () => {
      const ids = Array.from({ length: 100_000 }, (_, index) => `tool-${index}`);
      for (let from = 0; from < ids.length; from += 5_000)
        await at.store.reserve(ids.slice(from, from + 5_000).map((id) => limited([counter(id)], UNIT)));
      expect(await at.store.counters()).toHaveLength(100_000);
      expect(kinds(await at.store.reserve([limited([counter('tool-77777')], UNIT), limited([counter('tool-100000')], UNIT)]))).toBe(
        'deny reserved',
      );
    }, 60_000);
  });

  describe('readings', () => {
    test('`read` answers in order, with the window of now, and draws nothing', async () => {
      await at.store.reserve([limited([counter('a', 'hour')], 9 * UNIT)]);
      const start = Date.parse('2026-03-04T10:00:00Z');
      const expected = [
        { id: 'b', unit: 'hour', micros: 0, start, end: start + 3_600_000 },
        { id: 'a', unit: 'hour', micros: UNIT, start, end: start + 3_600_000 },
      ] as const;
      expect(await at.store.read([counter('b', 'hour'), counter('a', 'hour')])).toEqual([...expected]);
      expect(await at.store.counters()).toEqual([expected[1]]);
    });

    test('`counters` leaves out other windows and empty counts', async () => {
      const [first] = await at.store.reserve([limited([counter('given back')], UNIT)]);
      await at.store.reserve([limited([counter('old', 'minute')], UNIT), limited([counter('day')], UNIT)]);
      await at.store.settle([{ reservation: reservationOf(first), outcome: 'released' }]);
      at.clock.now += 60_000;
      expect((await at.store.counters()).map(({ id }) => id)).toEqual(['day']);
    });
  });

  describe('holds (policy.md §12)', () => {
    test('a held call gets a record, and its repeat the same one', async () => {
      const [first, second] = await at.store.reserve([held('f'), held('f')]);
      const approval = approvalOf(first);
      expect(approval).toEqual({ id: approval.id, expiresAt: at.clock.now + 900_000, reused: false });
      expect(approval.id).toMatch(/^apr_[a-z2-7]{16}$/);
      at.clock.now += 60_000;
      const [third] = await at.store.reserve([held('f')]);
      expect([approvalOf(second), approvalOf(third)]).toEqual([
        { ...approval, reused: true },
        { ...approval, reused: true },
      ]);
      const {
        fingerprint: _f,
        call: _c,
        dedupeWindow: _d,
        maxPending: _m,
        notify: _n,
        evidence: _e,
        agentKey: _a,
        ...shown
      } = holdRequest('f');
      expect(await at.store.approvals.list({ state: 'pending' })).toMatchObject([
        { ...shown, id: approval.id, createdAt: approval.expiresAt - 900_000, expiresAt: approval.expiresAt },
      ]);
    });

    test('an expired record is not reused, nor one older than the dedupe window', async () => {
      const ids = new Set<string>();
      const again = async (after: number, more = {}) => {
        at.clock.now += after;
        const { id, reused } = approvalOf((await at.store.reserve([held('f', { timeout: 1_000, ...more })]))[0]);
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
      expect(kinds(await at.store.reserve([held('1', two), held('2', two), held('3', two), held('1', two)]))).toBe(
        'hold hold too_many_pending hold',
      );
      for (const agent of agents)
        expect(
          kinds(
            await at.store.reserve([
              held(`4 ${agent.agent}`, { ...two, ...agent }),
              held(`5 ${agent.agent}`, { ...two, ...agent }),
              held(`6 ${agent.agent}`, { ...two, ...agent }),
            ]),
          ),
        ).toBe('hold hold too_many_pending');
      expect(await at.store.approvals.list({ state: 'pending' })).toHaveLength(8);
      at.clock.now += 1_000;
      expect(await at.store.approvals.list({ state: 'pending' })).toEqual([]);
      expect(kinds(await at.store.reserve([held('3', two)]))).toBe('hold');
    });

    test('none may be made where none may pend', async () => {
      expect(await at.store.reserve([held('f', { maxPending: 0 })])).toEqual([
        { kind: 'too_many_pending', step: 0, now: at.clock.now, shadow: [] },
      ]);
    });

    test('pending records come oldest first', async () => {
      for (const fingerprint of ['b', 'a', 'c']) {
        await at.store.reserve([held(fingerprint, { message: fingerprint })]);
        at.clock.now += 1;
      }
      expect((await at.store.approvals.list({ state: 'pending' })).map(({ message }) => message)).toEqual(['b', 'a', 'c']);
    });
  });

  describe('pauses and instances (policy.md §11)', () => {
    test('a pause stands until it is resumed, and each change has a higher number', async () => {
      const start = await at.store.control();
      expect(start.pauses).toEqual([]);
      const first = await at.store.pause({ policy: undefined, reason: 'incident' });
      const second = await at.store.pause({ policy: 'all', reason: 'a policy called so' });
      const third = await at.store.pause({ policy: undefined, reason: 'another' });
      expect(start.sequence < first && first < second && second < third).toBe(true);
      const { sequence, pauses } = await at.store.control();
      expect(sequence).toBe(third);
      expect(pauses).toHaveLength(2);
      expect(pauses).toContainEqual({ policy: undefined, reason: 'another', since: at.clock.now });
      expect(pauses).toContainEqual({ policy: 'all', reason: 'a policy called so', since: at.clock.now });
      expect(await at.store.resume(undefined)).toEqual({ sequence: third + 1, ended: 1 });
      expect((await at.store.resume(undefined)).ended).toBe(0);
      expect((await at.store.control()).pauses).toEqual([{ policy: 'all', reason: 'a policy called so', since: at.clock.now }]);
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
        startedAt: at.clock.now,
        confirmed: 0,
        seenAt: 0,
      };
      await at.store.announce(instance);
      await at.store.announce({ ...instance, id: 'i2', namespace: 'other', policy: 'p', startedAt: at.clock.now + 1 });
      at.clock.now += 500;
      await at.store.announce({ ...instance, confirmed: 7 });
      expect(await at.store.instances()).toEqual([
        { ...instance, confirmed: 7, seenAt: at.clock.now },
        { ...instance, id: 'i2', namespace: 'other', policy: 'p', startedAt: at.clock.now - 499, seenAt: at.clock.now - 500 },
      ]);
      await at.store.leave('i1');
      await at.store.leave('nobody');
      expect((await at.store.instances()).map(({ id }) => id)).toEqual(['i2']);
      at.clock.now += 86_400_000;
      await at.store.announce(instance);
      expect((await at.store.instances()).map(({ id }) => id)).toEqual(['i1']);
    });
  });

  test('a closed store denies', async () => {
    await at.store.close();
    await expect(at.store.reserve([limited([counter('c')], UNIT)])).rejects.toThrow(/is closed/);
    await expect(at.store.control()).rejects.toBeInstanceOf(StoreError);
  });
}
