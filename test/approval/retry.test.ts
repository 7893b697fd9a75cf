/** When a webhook is tried again (policy.md §12). */
import { expect, test } from 'bun:test';
import { keyOf, nextTry } from '../../src/approval/post.ts';

const DAY = 86_400_000;

test('policy.md §12: soon at first, rarer later, for a day', () => {
  const tried: number[] = [];
  let now = 0;
  for (let tries = 1; ; tries++) {
    const next = nextTry({ tries, at: 0, now, wish: undefined, chance: 0.5 });
    if (next === undefined) break;
    tried.push(next - now);
    now = next;
  }
  expect(tried.slice(0, 7)).toEqual([5_000, 15_000, 45_000, 135_000, 405_000, 1_215_000, 3_645_000]);
  expect(tried.slice(7).every((delay) => delay === 7_200_000)).toBe(true);
  expect([tried.length > 15, now <= DAY, now > DAY - 7_200_000]).toEqual([true, true, true]);
});

test('policy.md §12: chance spreads the tries; a server may ask for more time, not for less', () => {
  const at = (chance: number, wish?: number) => nextTry({ tries: 1, at: 0, now: 0, wish, chance });
  expect([at(0), at(1)]).toEqual([4_000, 6_000]);
  expect([at(0.5, 60_000), at(0.5, 0)]).toEqual([60_000, 5_000]);
});

test('policy.md §12: what is no secret is none', () => {
  expect(keyOf('whsec_not base64')).toBeUndefined();
  expect(keyOf('whsec_')).toBeUndefined();
  expect(keyOf('')).toBeUndefined();
  expect(keyOf('plain')).toEqual(Buffer.from('plain'));
});
