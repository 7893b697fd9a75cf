/** The kill switch as one process sees it (policy.md §11, cli.md §4), with a clock of the test's own. */
import { afterEach, expect, test } from 'bun:test';
import { type Control, type Store, StoreError } from '../../src/core/store.ts';
import { createTicker } from '../../src/core/ticker.ts';
import { type RunningPauseWatch, watchPauses } from '../../src/engine/pause-watch.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { START } from '../proxy/fixture.ts';

let watch: RunningPauseWatch;
const ticker = createTicker();
afterEach(() => watch.stop());

function open(failMode: 'closed' | 'open' = 'closed') {
  const memory = openMemoryStore({ clock: () => START, namespace: 'test' });
  const state = { now: 0, reads: 0, broken: false };
  const changes: Control[] = [];
  const control = async () => {
    state.reads += 1;
    if (state.broken) throw new StoreError('gone');
    return memory.control();
  };
  const store: Store = { ...memory, control };
  const logged: string[] = [];
  const to = (level: string) => (text: string) => void logged.push(`${level} ${text}`);
  const log = { debug() {}, info: to('info'), warn() {}, error: to('error') };
  watch = watchPauses({ store, monotonic: () => state.now, every: ticker.every, log, failMode, onChange: (one) => void changes.push(one) });
  return { store, state, changes, logged, now: async (policy?: string) => (await watch.current(policy))?.reason };
}

test('a reading is good for a second; then it is read again before anything passes', async () => {
  const { store, state, now } = open();
  expect(await now()).toBeUndefined();
  await store.pause({ policy: undefined, reason: 'stop' });
  state.now = 1_000;
  expect(await now()).toBeUndefined();
  expect(state.reads).toBe(1);
  state.now = 1_001;
  expect(await now()).toBe('stop');
  expect(state.reads).toBe(2);
});

test('a store that is lost is one error, and one line when it is back', async () => {
  const { state, logged } = open();
  await watch.poll();
  state.broken = true;
  for (let count = 0; count < 3; count++) await watch.poll();
  state.broken = false;
  for (let count = 0; count < 3; count++) await watch.poll();
  expect(logged).toEqual(['error state: the store is lost, and calls are denied until it is back: gone', 'info state: the store is back']);
});

test('a pause of another policy does not hold, one of all does', async () => {
  const { store, now } = open();
  await store.pause({ policy: 'other', reason: 'theirs' });
  await watch.poll();
  expect([await now('mine'), await now(undefined), await now('other')]).toEqual([undefined, undefined, 'theirs']);
  await store.pause({ policy: undefined, reason: 'all' });
  await watch.poll();
  expect(await now('mine')).toBe('all');
});

test('closed: once the reading is too old and the store is gone, it throws, and recovers with the store', async () => {
  const { state, now } = open();
  await watch.poll();
  state.broken = true;
  await watch.poll();
  expect(await now()).toBeUndefined();
  state.now = 1_001;
  await expect(now()).rejects.toThrow(StoreError);
  state.broken = false;
  expect(await now()).toBeUndefined();
});

test('policy.md §1.2: open: the last known pause stays while the store is gone', async () => {
  const { store, state, now } = open('open');
  await store.pause({ policy: undefined, reason: 'stop' });
  await watch.poll();
  state.broken = true;
  state.now = 60_000;
  expect(await now()).toBe('stop');
});

test('each new sequence is told once, resumptions too', async () => {
  const { store, changes } = open();
  await watch.poll();
  await watch.poll();
  await store.pause({ policy: undefined, reason: 'stop' });
  await watch.poll();
  await store.resume(undefined);
  await watch.poll();
  await watch.poll();
  expect(changes.map(({ sequence, pauses }) => [sequence, pauses.length])).toEqual([
    [0, 0],
    [1, 1],
    [2, 0],
  ]);
});

/** A store whose readings come when the test says so. */
function openSlow(failMode: 'closed' | 'open' = 'closed') {
  const memory = openMemoryStore({ clock: () => START, namespace: 'test' });
  const state = { now: 0 };
  const asked: PromiseWithResolvers<Control>[] = [];
  const changes: number[] = [];
  const control = () => {
    const one = Promise.withResolvers<Control>();
    asked.push(one);
    return one.promise;
  };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const onChange = ({ sequence }: Control) => void changes.push(sequence);
  watch = watchPauses({ store: { ...memory, control }, monotonic: () => state.now, every: ticker.every, log, failMode, onChange });
  const reason = async () => (await watch.current(undefined))?.reason;
  const say = async (sequence: number, ...reasons: string[]) => {
    asked.at(-1)?.resolve({ sequence, pauses: reasons.map((one) => ({ policy: undefined, reason: one, since: 0 })) });
    await Promise.resolve();
  };
  return { state, asked, changes, reason, say };
}

/** Lets what waits for settled promises go on. */
const settled = async () => {
  for (let round = 0; round < 20; round++) await Promise.resolve();
};

test('cli.md §4: the age of a reading counts from when it was asked for', async () => {
  const { state, asked, reason, say } = openSlow();
  const first = reason();
  state.now = 900;
  await say(0);
  expect(await first).toBeUndefined();
  state.now = 1_001;
  const second = reason();
  await settled();
  expect(asked.length).toBe(2);
  await say(1, 'stop');
  expect(await second).toBe('stop');
});

test('cli.md §4: one that took too long is asked for once more, and then denies', async () => {
  const { state, asked, reason, say } = openSlow();
  const told = reason();
  for (const at of [1_001, 2_002]) {
    state.now = at;
    await say(0);
    await settled();
  }
  await expect(told).rejects.toThrow(StoreError);
  expect(asked.length).toBe(2);
});

test('cli.md §4: a reading that failed is asked for again at once', async () => {
  const { asked, reason, say } = openSlow();
  const told = reason();
  asked[0]?.reject(new StoreError('busy'));
  await settled();
  expect(asked.length).toBe(2);
  await say(1, 'stop');
  expect(await told).toBe('stop');
  const polled = watch.poll();
  asked[2]?.reject(new StoreError('busy'));
  await settled();
  expect(asked.length).toBe(4);
  await say(1, 'stop');
  await polled;
});

test('readings that overlap are one', async () => {
  const { asked, reason, say } = openSlow();
  const all = [reason(), reason(), watch.poll().then(() => 'polled')];
  await settled();
  expect(asked.length).toBe(1);
  await say(1, 'stop');
  expect(await Promise.all(all)).toEqual(['stop', 'stop', 'polled']);
});

test('a reading with a lower sequence is none: nothing is confirmed back, and what is too old denies', async () => {
  const { state, changes, reason, say } = openSlow();
  const first = watch.poll();
  await say(5, 'stop');
  await first;
  const second = watch.poll();
  await say(4);
  await settled();
  await say(4);
  await second;
  expect([changes, await reason()]).toEqual([[5], 'stop']);
  state.now = 1_001;
  const told = reason();
  await say(4);
  await settled();
  await say(4);
  await expect(told).rejects.toThrow(StoreError);
});

test('cli.md §4: it is read at each beat, of which there are two a second', async () => {
  const { state } = open();
  for (let beats = 1; beats <= 3; beats++) {
    ticker.beat();
    await watch.poll();
    expect(state.reads).toBe(beats);
  }
});

test('policy.md §11: what was read last is known for as long as nothing newer is, without asking', async () => {
  const { state, say } = openSlow();
  const first = watch.poll();
  await say(5, 'stop');
  await first;
  state.now = 60_000;
  expect(watch.known('any')?.reason).toBe('stop');
});
