/** policy.md §12: however many calls wait for a human, the store is looked at once for all of them. */
import { expect, test } from 'bun:test';
import type { Approvals } from '../../src/core/approval.ts';
import { watchApprovals } from '../../src/engine/approval-watch.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { until } from '../harness/wait.ts';
import { approvalOf, held } from '../state/calls.ts';

const WAITING = 256;
const NOW = Date.parse('2026-03-04T10:30:15Z');

/** A store whose looks are counted, and may be made to fail. */
function openStore() {
  const store = openMemoryStore({ clock: () => NOW, namespace: 'test' });
  const looks = { newest: 0, find: 0, events: 0, isFailing: false };
  const counted = <T>(name: 'newest' | 'find' | 'events', look: () => Promise<T>) => {
    looks[name]++;
    return looks.isFailing ? Promise.reject(new Error('no')) : look();
  };
  const approvals: Pick<Approvals, 'newest' | 'find' | 'events'> = {
    newest: () => counted('newest', () => store.approvals.newest()),
    find: (id, limit) => counted('find', () => store.approvals.find(id, limit)),
    events: (after, limit, argsLimit) => counted('events', () => store.approvals.events(after, limit, argsLimit)),
  };
  const hold = async (name: string) => approvalOf((await store.reserve([held(name, { maxPending: 1_000 })]))[0]).id;
  const decide = (id: string, verdict: 'approve' | 'deny' = 'approve') => store.approvals.decide({ id, verdict, by: 'ada', reason: '' });
  return { watch: watchApprovals({ approvals, log: { debug: () => {} } }), looks, hold, decide };
}

test('all that wait cost one look at a time, and each learns of its own decision', async () => {
  const { watch, looks, hold, decide } = openStore();
  const ids: string[] = [];
  for (let index = 0; index < WAITING; index++) ids.push(await hold(`${index}`));
  const followed = ids.map((id) => watch.follow(id));
  const before = looks.newest;
  await until('some looks', () => (looks.newest >= before + 4 ? true : undefined));
  // Each record was looked at once, when it was begun to be followed; since then there was nothing new to read.
  expect([looks.find, looks.events]).toEqual([WAITING, 0]);
  await decide(ids[7] ?? '');
  await followed[7]?.changed;
  expect(followed.filter(({ hasChanged }) => hasChanged)).toHaveLength(1);
  expect(looks.events).toBeLessThanOrEqual(2);
  for (const one of followed) one.stop();
});

test('what was decided before it was followed is told, and what is ended beside another, too', async () => {
  const { watch, hold, decide } = openStore();
  const [first, second, third] = [await hold('a'), await hold('b'), await hold('c')];
  const waiting = watch.follow(third);
  await decide(first, 'deny');
  const decided = watch.follow(first);
  await decided.changed;
  await decide(second);
  const late = watch.follow(second);
  await late.changed;
  expect(waiting.hasChanged).toBe(false);
  await decide(third);
  await waiting.changed;
  for (const one of [waiting, decided, late]) one.stop();
});

test('a store that fails is asked again, and nothing that happened meanwhile is missed', async () => {
  const { watch, looks, hold, decide } = openStore();
  const id = await hold('a');
  const waiting = watch.follow(id);
  await until('the first look', () => (looks.newest > 0 ? true : undefined));
  looks.isFailing = true;
  const failed = looks.newest;
  await until('failed looks', () => (looks.newest >= failed + 2 ? true : undefined));
  await decide(id);
  looks.isFailing = false;
  await waiting.changed;
  waiting.stop();
});
