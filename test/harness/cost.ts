/** What work costs: processor time, which a busy machine does not change much, of the quickest of several runs. */
import { expect } from 'bun:test';
import type { Slices } from '../../src/core/slices.ts';

/** ms. What is measured takes at least so long, so that the clock's steps do not matter. */
const LEAST = 4;
const RUNS = 3;
/** A linear reader costs 4 times as much for 4 times the input; caches and collections of garbage may add half of that. */
const MOST = 6;
/** Bytes of the largest input, so that a reader that is too quick to be measured ends somewhere. */
const LARGEST = 4 * 1024 * 1024;

/** ms of processor time that the quickest of several runs takes. */
export function costOf(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** Expects that `work` on four times the input costs at most six times as much. `make` gives an input of about so many bytes. */
export function expectLinear<T>(make: (bytes: number) => T, work: (input: T) => unknown): void {
  work(make(16 * 1024));
  let bytes = 48 * 1024;
  let once = costOfInput(make(bytes), work);
  while (once < LEAST && bytes < LARGEST / 4) {
    bytes *= 4;
    once = costOfInput(make(bytes), work);
  }
  // What is quicker than the clock can tell, on megabytes, is quick enough.
  if (once < 1) return;
  const input = make(bytes * 4);
  // A collection of garbage may fall into all runs of one measurement, and not into those of five.
  const ratios: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    ratios.push(costOfInput(input, work) / once);
    if ((ratios.at(-1) as number) <= MOST) return;
    once = costOfInput(make(bytes), work);
  }
  expect(Math.min(...ratios)).toBeLessThanOrEqual(MOST);
}

function costOfInput<T>(input: T, work: (input: T) => unknown): number {
  return costOf(() => work(input));
}

/** ms that one slice may keep others waiting (wire.md §2.13). */
const LONGEST = 50;

/** Expects that no slice takes longer. What else the process does, as collecting garbage, falls into one attempt or another. */
export function expectShortSlices(work: () => Slices<unknown>): void {
  const longest: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    longest.push(longestSlice(work()));
    if ((longest.at(-1) as number) <= LONGEST) return;
  }
  expect(Math.min(...longest)).toBeLessThanOrEqual(LONGEST);
}

/** Expects the same of the turns of the event loop, while `work` goes on. */
export async function expectShortTurns(work: () => Promise<unknown>): Promise<void> {
  const longest: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    longest.push(await longestTurn(work));
    if ((longest.at(-1) as number) <= LONGEST) return;
  }
  expect(Math.min(...longest)).toBeLessThanOrEqual(LONGEST);
}

async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let isDone = false;
  const working = new Promise((resolve) => setImmediate(resolve)).then(work).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const before = process.cpuUsage();
    await new Promise((resolve) => setImmediate(resolve));
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
  }
  await working;
  return longest;
}

function longestSlice(slices: Slices<unknown>): number {
  let longest = 0;
  for (let done = false; !done; ) {
    const before = process.cpuUsage();
    done = slices.next().done === true;
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
  }
  return longest;
}
