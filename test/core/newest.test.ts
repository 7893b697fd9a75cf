/** I11: what is kept of what a peer sends is the newest of it, by number and by weight. */
import { expect, test } from 'bun:test';
import { openNewest } from '../../src/core/newest.ts';

test('the newest stay, and what was asked for is among them', () => {
  const newest = openNewest<number>(3);
  for (const n of [1, 2, 3]) newest.set(`${n}`, n);
  expect(newest.get('1')).toBe(1);
  newest.set('4', 4);
  expect(['1', '2', '3', '4'].map((key) => newest.get(key))).toEqual([1, undefined, 3, 4]);
});

test('a million entries leave as many as are kept', () => {
  const newest = openNewest<number>(256);
  for (let n = 0; n < 1_000_000; n++) newest.set(`${n}`, n);
  let kept = 0;
  for (let n = 0; n < 1_000_000; n++) if (newest.get(`${n}`) !== undefined) kept += 1;
  expect(kept).toBe(256);
});

test('heavy entries push others out, and what is heavier than all is not kept', () => {
  const newest = openNewest<string>(10, 100);
  newest.set('a', 'a', 60);
  newest.set('b', 'b', 60);
  expect([newest.get('a'), newest.get('b')]).toEqual([undefined, 'b']);
  newest.set('c', 'c', 101);
  expect([newest.get('b'), newest.get('c')]).toEqual(['b', undefined]);
  // What is set again counts once.
  newest.set('b', 'b', 90);
  newest.set('d', 'd', 10);
  expect([newest.get('b'), newest.get('d')]).toEqual(['b', 'd']);
});
