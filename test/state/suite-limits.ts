/** What a counter admits (policy.md §5.5, §6; I1, I4). Part of the suite that every adapter passes. */
import { describe, expect, test } from 'bun:test';
import { StoreError } from '../../src/core/store.ts';
import { counter, draws, holdRequest, kinds, limited, requires, STATELESS, UNIT } from './calls.ts';
import { type OpenFixture, useStore } from './fixture.ts';

const MAX_MICROS = Number.MAX_SAFE_INTEGER;

export function limitSuite(open: OpenFixture): void {
  const at = useStore(open);

  describe('limits (policy.md §6, I4)', () => {
    test('`lte X` admits exactly X calls', async () => {
      expect(await at.admitted(3 * UNIT, [UNIT, UNIT, UNIT, UNIT, UNIT])).toBe('reserved reserved reserved deny deny');
      expect(await at.countOf('c')).toBe(3 * UNIT);
    });

    test('a total of exactly X passes, a millionth more does not', async () => {
      expect(await at.admitted(UNIT, [UNIT - 1, 2, 1, 1])).toBe('reserved deny reserved deny');
    });

    test('`lt X` refuses a draw of nothing once X is reached, `lte X` takes it', async () => {
      const strict = { ...limited([counter('c')], UNIT, 0), steps: [requires({ counter: 0, max: UNIT - 1, after: UNIT })] };
      expect(kinds(await at.store.reserve([strict, limited([counter('c')], UNIT), strict, limited([counter('c')], UNIT, 0)]))).toBe(
        'reserved reserved deny reserved',
      );
    });

    test('bounds, lists and exclusions are judged on the value before the call', async () => {
      await at.store.reserve([limited([counter('c')], 5 * UNIT, 2 * UNIT)]);
      const reads = (term: object) => ({ ...STATELESS, counters: [counter('c')], steps: [requires({ counter: 0, ...term })] });
      const verdicts = await at.store.reserve([
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
      await at.store.reserve([limited([counter('b')], 2 * UNIT, 2 * UNIT)]);
      const verdicts = await at.store.reserve([limited([counter('a'), counter('b')], 2 * UNIT)]);
      expect(verdicts).toMatchObject([{ kind: 'deny', step: 1, counter: 1 }]);
      expect(await at.countOf('a')).toBe(0);
    });

    test('calls of one batch are judged in order, and each sees what those before it drew', async () => {
      const a = limited([counter('a')], 2 * UNIT);
      const both = limited([counter('a'), counter('b')], 2 * UNIT);
      expect(kinds(await at.store.reserve([a, both, a, STATELESS, limited([counter('b')], 2 * UNIT), both]))).toBe(
        'reserved reserved deny reserved reserved deny',
      );
      expect(await at.countOf('a')).toBe(2 * UNIT);
      expect(await at.countOf('b')).toBe(2 * UNIT);
    });

    test('two draws of one call on one counter add up', async () => {
      const twice = { ...limited([counter('c')], 3 * UNIT), draws: [draws(0, UNIT), draws(0, UNIT)] };
      expect(kinds(await at.store.reserve([twice, twice]))).toBe('reserved deny');
      const named = { ...limited([counter('d'), counter('d')], 3 * UNIT) };
      await at.store.reserve([named]);
      expect(await at.countOf('d')).toBe(2 * UNIT);
    });

    test('the greatest total is held exactly, and nothing passes it even without a limit', async () => {
      const free = (micros: number) => ({ ...STATELESS, counters: [counter('c')], draws: [draws(0, micros)] });
      expect(kinds(await at.store.reserve([free(MAX_MICROS - 1), free(2), free(1), free(1), free(Infinity)]))).toBe(
        'reserved deny reserved deny deny',
      );
      expect(await at.countOf('c')).toBe(MAX_MICROS);
    });

    test('an amount that is none takes nothing and fails', async () => {
      for (const micros of [Number.NaN, -1]) {
        const call = { ...STATELESS, counters: [counter('c')], draws: [draws(0, micros)] };
        await expect(at.store.reserve([limited([counter('c')], 9 * UNIT), call])).rejects.toBeInstanceOf(StoreError);
      }
      expect(await at.countOf('c')).toBe(0);
    });

    test('a denial moves nothing and says when the window ends', async () => {
      await at.store.reserve([limited([counter('c', 'hour')], UNIT)]);
      const verdicts = await at.store.reserve([limited([counter('c', 'hour')], UNIT)]);
      expect(verdicts).toEqual([
        { kind: 'deny', step: 0, counter: 0, retryAt: Date.parse('2026-03-04T11:00:00Z'), now: at.clock.now, shadow: [] },
      ]);
      expect(await at.countOf('c', 'hour')).toBe(UNIT);
    });

    test('calls that arrive together are admitted exactly up to the limit', async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => at.store.reserve([limited([counter('c')], 7 * UNIT)])));
      expect(answers.filter((verdicts) => kinds(verdicts) === 'reserved')).toHaveLength(7);
    });
  });

  describe('steps (policy.md §5.5, §10)', () => {
    test('a deny step fires when its terms hold, and an empty one always', async () => {
      const deny = { kind: 'deny', terms: [{ counter: 0, min: UNIT }], shadow: false } as const;
      const call = { ...limited([counter('c')], 9 * UNIT), steps: [deny] };
      expect(kinds(await at.store.reserve([call, call]))).toBe('reserved deny');
      expect(kinds(await at.store.reserve([{ ...STATELESS, steps: [{ ...deny, terms: [] }] }]))).toBe('deny');
    });

    test('I1: deny beats hold, whatever stands first, and neither moves a counter', async () => {
      const full = limited([counter('c')], 0);
      const hold = { kind: 'hold', terms: [], shadow: false } as const;
      const verdicts = await at.store.reserve([{ ...full, steps: [hold, ...full.steps], hold: () => holdRequest('f') }]);
      expect(verdicts).toMatchObject([{ kind: 'deny', step: 1 }]);
      expect(await at.store.approvals.list({ state: 'pending' })).toEqual([]);
      await at.store.reserve([{ ...limited([counter('c')], UNIT), steps: [hold], hold: () => holdRequest('f') }]);
      expect(await at.countOf('c')).toBe(0);
    });

    test('a shadow step is recorded and decides nothing; draws that depend on it are not made', async () => {
      const shadow = { ...requires({ counter: 0, after: 0 }), shadow: true };
      const call = {
        counters: [counter('c'), counter('d')],
        steps: [shadow],
        draws: [draws(0, UNIT, { unlessShadow: [0] }), draws(1, UNIT)],
        hold: undefined,
        claim: undefined,
      };
      const verdicts = await at.store.reserve([call]);
      expect(verdicts).toMatchObject([{ kind: 'reserved', shadow: [0], reservation: { draws: [{ id: 'd' }] } }]);
      expect([await at.countOf('c'), await at.countOf('d')]).toEqual([0, UNIT]);
    });

    test('a call without counters is judged all the same', async () => {
      const shadowHold = { kind: 'hold', terms: [], shadow: true } as const;
      const hold = { kind: 'hold', terms: [], shadow: false } as const;
      const verdicts = await at.store.reserve([
        STATELESS,
        { ...STATELESS, steps: [shadowHold] },
        { ...STATELESS, steps: [hold] },
        { ...STATELESS, steps: [{ ...hold, kind: 'deny' }] },
      ]);
      expect(verdicts).toEqual([
        { kind: 'reserved', reservation: { draws: [] }, now: at.clock.now, shadow: [] },
        { kind: 'reserved', reservation: { draws: [] }, now: at.clock.now, shadow: [0] },
        { kind: 'hold', step: 0, approval: undefined, now: at.clock.now, shadow: [] },
        { kind: 'deny', step: 0, counter: undefined, retryAt: undefined, now: at.clock.now, shadow: [] },
      ]);
    });
  });
}
