/** Delivered payment challenges (policy.md §8). Part of the suite that every adapter passes. */
import { describe, expect, test } from 'bun:test';
import type { DeliveredChallenge } from '../../src/core/challenge.ts';
import { counter, limited, reservationOf, UNIT } from './calls.ts';
import { type OpenFixture, useStore } from './fixture.ts';

const offer = { protocol: 'x402', intent: 'exact', asset: '0x1', amount: '5', key: 'k', expiresAt: undefined } as const;

export function challengeSuite(open: OpenFixture): void {
  const at = useStore(open);
  describe('payment challenges (policy.md §8)', () => {
    const challenge = (more: Partial<DeliveredChallenge> = {}): DeliveredChallenge => ({
      call: 'f',
      agent: 'null',
      offers: [offer],
      refused: [],
      until: at.clock.now + 600_000,
      ...more,
    });
    const draw = (micros: number, pays?: string) => ({ ...limited([counter('c')], 9 * UNIT, micros), pays });
    /** Delivers one that holds so much, and answers with its id. */
    const deliver = async (micros: number, more: Partial<DeliveredChallenge> = {}) => {
      const { store } = at;
      const [reserved] = await store.reserve([draw(micros)]);
      expect(await store.challenges.deliver(challenge(more), reservationOf(reserved))).toBe('kept');
      return (await store.challenges.openFor(more.call ?? 'f')).at(-1)?.id ?? '';
    };
    const kindOf = async (...calls: ReturnType<typeof draw>[]) => (await at.store.reserve(calls)).map(({ kind }) => kind).join(' ');

    test('are there for the call that they were made for, until their time is over', async () => {
      const { store, clock } = at;
      const id = await deliver(UNIT);
      expect(await store.challenges.openFor('f')).toMatchObject([{ id, call: 'f', agent: 'null', offers: [{ key: 'k', amount: '5' }] }]);
      expect(await store.challenges.openFor('g')).toEqual([]);
      clock.now += 600_000;
      expect(await store.challenges.openFor('f')).toEqual([]);
      expect(await kindOf(draw(UNIT, id))).toBe('unasked');
    });

    test('I4: what one holds becomes that of the call that pays it, once, and only where it is reserved', async () => {
      const id = await deliver(5 * UNIT);
      expect(await kindOf(draw(10 * UNIT, id))).toBe('deny');
      expect(await at.countOf('c')).toBe(5 * UNIT);
      expect(await kindOf(draw(6 * UNIT, id), draw(UNIT, id))).toBe('reserved unasked');
      expect(await kindOf(draw(UNIT, id))).toBe('unasked');
      expect(await at.countOf('c')).toBe(6 * UNIT);
    });

    test('a payment that failed gives back, and may be made again', async () => {
      const id = await deliver(5 * UNIT);
      const [paid] = await at.store.reserve([draw(5 * UNIT, id)]);
      for (let n = 0; n < 2; n++) await at.store.settle([{ reservation: reservationOf(paid), outcome: 'released' }]);
      expect(await at.countOf('c')).toBe(0);
      expect(await kindOf(draw(5 * UNIT, id), draw(0, id))).toBe('reserved unasked');
      expect(await at.countOf('c')).toBe(5 * UNIT);
    });

    test('a payment that succeeded, or of which nobody knows, is over', async () => {
      for (const outcome of ['committed', 'kept'] as const) {
        const id = await deliver(UNIT);
        const [paid] = await at.store.reserve([draw(UNIT, id)]);
        await at.store.settle([{ reservation: reservationOf(paid), outcome }]);
        expect(await kindOf(draw(0, id))).toBe('unasked');
      }
      expect(await at.countOf('c')).toBe(2 * UNIT);
    });

    test('I4: one that nobody paid gives back what it held, once', async () => {
      await deliver(5 * UNIT);
      expect(await at.store.challenges.expire()).toBe(0);
      at.clock.now += 599_999;
      expect(await at.store.challenges.expire()).toBe(0);
      at.clock.now += 1;
      expect(await Promise.all([at.store.challenges.expire(), at.store.challenges.expire()])).toEqual([1, 0]);
      expect(await at.countOf('c')).toBe(0);
    });

    test('an agent key has 256, whatever others have; none is forgotten for another', async () => {
      const { store } = at;
      const keep = (agent: string, call = agent) => store.challenges.deliver(challenge({ agent, call }), undefined);
      await keep('"ada"');
      for (let n = 0; n < 256; n++) expect(await keep('[null,"x"]')).toBe('kept');
      expect(await keep('[null,"x"]')).toBe('too_many');
      for (let n = 0; n < 300; n++) expect(await keep(`[null,"${n}"]`)).toBe('kept');
      expect((await store.challenges.openFor('"ada"')).length).toBe(1);
      at.clock.now += 600_000;
      expect(await keep('[null,"x"]')).toBe('kept');
    });
  });
}
