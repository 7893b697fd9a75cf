/** One beat for all that is looked after from time to time (cli.md §4): an idle process wakes for it all at once. */
import { expect, test } from 'bun:test';
import { BEAT, createTicker } from '../../src/core/ticker.ts';

test('all of one period fall on the same beat, however late they began', () => {
  const ticker = createTicker();
  const seen: string[] = [];
  ticker.every(BEAT, () => void seen.push('pause'));
  ticker.every(2 * BEAT, () => void seen.push('sweep'));
  ticker.beat();
  ticker.every(2 * BEAT, () => void seen.push('approvals'));
  ticker.every(4 * BEAT, () => void seen.push('policy'));
  ticker.beat();
  expect(seen).toEqual(['pause', 'pause', 'sweep', 'approvals']);
  ticker.beat();
  ticker.beat();
  expect(seen.slice(4)).toEqual(['pause', 'pause', 'sweep', 'approvals', 'policy']);
});

test('what was stopped is done no more, also where the same beat stopped it', () => {
  const ticker = createTicker();
  let count = 0;
  const stops: (() => void)[] = [];
  ticker.every(BEAT, () => stops[0]?.());
  stops.push(ticker.every(BEAT, () => void count++));
  ticker.beat();
  expect(count).toBe(0);
});

test('what is to be done more often than it beats is done at each beat', () => {
  const ticker = createTicker();
  let count = 0;
  ticker.every(1, () => void count++);
  ticker.beat();
  ticker.beat();
  expect(count).toBe(2);
});
