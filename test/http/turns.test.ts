/** What waits for its turn goes on in order, and alone nobody waits. */
import { expect, test } from 'bun:test';
import { createTurns } from '../../src/http/turns.ts';

test('a request alone waits for nobody', () => {
  const turns = createTurns();
  turns.enter();
  expect(turns.next()).toBeUndefined();
  turns.enter();
  turns.leave();
  expect(turns.next()).toBeUndefined();
});

test('several go on together after the turn, in the order in which they asked; those that come later wait for the next', async () => {
  const turns = createTurns();
  const seen: string[] = [];
  const go = async (name: string) => {
    turns.enter();
    await turns.next();
    seen.push(name);
    if (name === 'b') void go('later');
  };
  turns.enter();
  const all = ['a', 'b', 'c'].map(go);
  await Promise.resolve();
  expect(seen).toEqual([]);
  await Promise.all(all);
  expect(seen).toEqual(['a', 'b', 'c']);
  await turns.next();
  expect(seen).toEqual(['a', 'b', 'c', 'later']);
});
