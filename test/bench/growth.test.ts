/** The judgement of the soak can fail: growth is told from noise. */
import { expect, test } from 'bun:test';
import { type Held, judge } from '../../bench/soak/growth.ts';

const MIB = 1024 ** 2;
const held = (more: Partial<Held> = {}): Held => ({ heap: 20 * MIB, rss: 120 * MIB, timers: 3, handles: 10, files: 30, ...more });
const samples = (at: (n: number) => Partial<Held>) => Array.from({ length: 40 }, (_, n) => held(at(n)));

test('what goes up and down stays', () => {
  expect(judge(samples((n) => ({ heap: (20 + (n % 5) * 8) * MIB, files: 30 + (n % 7) * 20 }))).grew).toEqual([]);
});

test.each([
  ['heap', (n: number) => ({ heap: (20 + n) * MIB })],
  ['rss', (n: number) => ({ rss: (120 + n * 6) * MIB })],
  ['timers', (n: number) => ({ timers: 3 + n * 2 })],
  ['handles', (n: number) => ({ handles: 10 + n * 2 })],
  ['files', (n: number) => ({ files: 30 + n * 2 })],
] as const)('%s that goes up each time has grown', (measure, at) => {
  expect(judge(samples(at)).grew).toEqual([measure]);
});
