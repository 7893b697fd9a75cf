import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { didYouMean, distance, nearest } from '../../src/policy/nearest.ts';

const KEYS = ['default', 'description', 'mode', 'hide', 'tools', 'rate_limit'];

test.each([
  ['defualt', 'default'],
  ['Default', 'default'],
  ['tool', 'tools'],
  ['ratelimit', 'rate_limit'],
  ['mod', 'mode'],
])('%s is nearest to %s', (text, key) => {
  expect(nearest(text, KEYS)).toBe(key);
  expect(didYouMean(text, KEYS)).toBe(`did you mean "${key}"?`);
});

test.each(['', 'x', 'colour', 'x'.repeat(1_000)])('%s is near to none', (text) => {
  expect(didYouMean(text, KEYS)).toBeUndefined();
});

test('a swap of neighbours is one step', () => {
  expect(distance('ab', 'ba')).toBe(1);
  expect(distance('', 'abc')).toBe(3);
});

test('distance is symmetric, and nothing for equal texts alone', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(distance(a, b)).toBe(distance(b, a));
      expect(distance(a, b) === 0).toBe(a === b);
    }),
  );
});
