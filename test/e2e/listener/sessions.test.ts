/** wire.md §2.7, §5: whose sessions are whose, and which make room for others. */
import { describe, expect, test } from 'bun:test';
import type { Agent } from '../../../src/serve/listener/agents.ts';
import { ALONE, createSessions, IDLE, type Listed } from '../../../src/serve/listener/sessions.ts';

const agent = (key: string) => ({ key }) as Agent;

interface Fake extends Listed {
  ended: string | undefined;
}

function session(of: Agent, touched = 0, busy = false): Fake {
  const made: Fake = {
    agent: of,
    oneStream: false,
    touched,
    ended: undefined,
    returned: true,
    isBusy: () => busy,
    async end(why) {
      made.ended = why;
    },
  };
  return made;
}

describe('sessions', () => {
  const [one, two] = [agent('1'), agent('2')];
  test('exist for the agent that opened them alone, whatever their id is', () => {
    const sessions = createSessions<Fake>({ most: 9, kinds: [] }, () => 0);
    for (const id of ['a', '__proto__', 'constructor', '']) {
      const opened = session(one);
      expect(sessions.find(id, one)).toBeUndefined();
      expect(sessions.add(id, opened)).toBe(true);
      expect([sessions.find(id, one), sessions.find(id, two)]).toEqual([opened, undefined]);
    }
  });
  test('of an agent cannot be taken over by another; by the same one the old ends', () => {
    const sessions = createSessions<Fake>({ most: 9, kinds: [] }, () => 0);
    const [first, again, foreign] = [session(one), session(one), session(two)];
    sessions.add('a', first);
    expect(sessions.add('a', foreign)).toBe(false);
    expect(sessions.find('a', one)).toBe(first);
    expect(sessions.add('a', again)).toBe(true);
    expect(first.ended).toBeDefined();
    sessions.remove('a', first);
    expect(sessions.find('a', one)).toBe(again);
  });
  test('that nobody has used for long make room, others do not', () => {
    let opening = 0;
    const sessions = createSessions<Fake>({ most: 2, kinds: [] }, () => opening);
    const [busy, idle] = [session(one, 0, true), session(one, 10)];
    expect(sessions.mayOpen(0)).toBe(true);
    opening = 2;
    expect(sessions.mayOpen(0)).toBe(false);
    opening = 0;
    sessions.add('busy', busy);
    sessions.add('idle', idle);
    expect(sessions.mayOpen(IDLE + 9)).toBe(false);
    expect(sessions.mayOpen(IDLE + 10)).toBe(true);
    expect([busy.ended, idle.ended !== undefined, sessions.size]).toEqual([undefined, true, 1]);
  });
  test('of two kinds share their places, and make room for each other', () => {
    const places = { most: 2, kinds: [] };
    let opening = 0;
    const [relayed, own] = [createSessions<Fake>(places, () => 0), createSessions<Fake>(places, () => opening)];
    const idle = session(one, 0);
    relayed.add('a', idle);
    opening = 1;
    expect([relayed.mayOpen(0), own.mayOpen(0)]).toEqual([false, false]);
    expect(own.mayOpen(IDLE)).toBe(true);
    expect([idle.ended !== undefined, relayed.size]).toEqual([true, 0]);
  });
});

test('wire.md §5: of a session whose client did not come back nothing is left after a minute, whoever wants its place', () => {
  const one = agent('1');
  const sessions = createSessions<Fake>({ most: 9, kinds: [] }, () => 0);
  const [alone, waiting, returned] = [session(one), session(one, 0, true), session(one)];
  for (const each of [alone, waiting]) each.returned = false;
  for (const [id, each] of Object.entries({ alone, waiting, returned })) sessions.add(id, each);
  sessions.endAlone(ALONE - 1);
  expect(sessions.size).toBe(3);
  sessions.endAlone(ALONE);
  expect([sessions.find('alone', one), sessions.size, alone.ended]).toEqual([undefined, 2, 'its client did not come back']);
});
