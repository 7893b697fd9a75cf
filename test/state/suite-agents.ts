/** What is counted for each agent (policy.md §6, §12, I13). Part of the suite that every adapter passes. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type AgentIdentity, agentKey, KEYS_OF_A_NAME } from '../../src/core/agent-key.ts';
import { approvalOf, clockAt, held, kinds } from './calls.ts';
import { type OpenFixture, useStore } from './fixture.ts';

const MOST = 2;
const DENIALS = 3;
const TIMEOUT = 900_000;
const MADE_UP = Array.from({ length: 12 }, (_, index) => `credential ${index}`);

type Who = Pick<AgentIdentity, 'credential'> & { readonly agent?: string | undefined };

/** A call of an agent that no other call is like. */
function heldOf(who: Who, fingerprint: string) {
  return held(fingerprint, { agent: who.agent, agentKey: keyOf(who), maxPending: MOST });
}

function keyOf({ agent, credential }: Who): string {
  return agentKey({ agent, credential });
}

export function agentSuite(open: OpenFixture): void {
  const at = useStore(open);
  const fill = async (who: Who, times: number) =>
    kinds(await at.store.reserve(Array.from({ length: times }, (_, index) => heldOf(who, `${JSON.stringify(who)} ${index}`))));
  const deny = async (who: Who, fingerprint: string) => {
    const [verdict] = await at.store.reserve([heldOf(who, fingerprint)]);
    await at.store.approvals.decide({ id: approvalOf(verdict).id, verdict: 'deny', by: 'eve', reason: '' });
  };

  describe('agents without a name (I13)', () => {
    test('are told apart by their credentials: one fills its own places, and none of another', async () => {
      expect(await fill({ credential: 'a' }, MOST + 1)).toBe('hold hold too_many_pending');
      expect(await fill({ credential: 'b' }, MOST)).toBe('hold hold');
      expect(await fill({}, MOST)).toBe('hold hold');
    });

    test('the same name with another credential is another agent, too', async () => {
      expect(await fill({ agent: 'anna', credential: 'a' }, MOST + 1)).toBe('hold hold too_many_pending');
      expect(await fill({ agent: 'anna', credential: 'b' }, 1)).toBe('hold');
    });

    test('invented credentials fill the places of a few agents, and none of an agent with a name', async () => {
      for (const credential of MADE_UP.slice(0, KEYS_OF_A_NAME)) expect(await fill({ credential }, MOST)).toBe('hold hold');
      expect(await fill({ credential: 'one more' }, 1)).toBe('too_many_pending');
      expect(await fill({ agent: 'anna' }, MOST)).toBe('hold hold');
      at.clock.now += TIMEOUT;
      expect(await fill({ credential: 'one more' }, 1)).toBe('hold');
    });

    test('invented credentials beside a name fill no more than that, either', async () => {
      const agent = 'anna';
      for (const credential of MADE_UP.slice(0, KEYS_OF_A_NAME)) expect(await fill({ agent, credential }, MOST)).toBe('hold hold');
      expect(await fill({ agent, credential: 'one more' }, 1)).toBe('too_many_pending');
      expect(await fill({ agent: 'bert' }, 1)).toBe('hold');
    });

    test('denials of one are not held against another', async () => {
      for (let index = 0; index < DENIALS; index++) await deny({ credential: 'a' }, `junk ${index}`);
      expect(await fill({ credential: 'a' }, 1)).toBe('approval_denied');
      expect(await fill({ credential: 'b' }, 1)).toBe('hold');
      expect(await fill({}, 1)).toBe('hold');
    });
  });

  test('random agents, calls and denials agree with a count in memory', async () => {
    const who = fc.record({
      agent: fc.constantFrom(undefined, undefined, 'anna'),
      credential: fc.constantFrom(undefined, ...MADE_UP.slice(0, 7)),
    });
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('ask' as const), who }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('deny' as const), which: fc.nat() }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const { store, dispose } = await open(clockAt('2026-03-04T10:30:15Z'));
        const pending: { id: string; who: Who }[] = [];
        const denied: string[] = [];
        try {
          for (const [index, one] of steps.entries()) {
            if (one.do === 'ask') {
              const key = keyOf(one.who);
              const mine = pending.filter((record) => keyOf(record.who) === key).length;
              const named = pending.filter((record) => record.who.agent === one.who.agent).length;
              const crowded = mine >= MOST || named >= MOST * KEYS_OF_A_NAME ? 'too_many_pending' : 'hold';
              const expected = denied.filter((by) => by === key).length >= DENIALS ? 'approval_denied' : crowded;
              const verdicts = await store.reserve([heldOf(one.who, `${index}`)]);
              expect(kinds(verdicts)).toBe(expected);
              if (expected === 'hold') pending.push({ id: approvalOf(verdicts[0]).id, who: one.who });
            } else {
              const [record] = pending.splice(one.which % Math.max(1, pending.length), 1);
              if (!record) continue;
              await store.approvals.decide({ id: record.id, verdict: 'deny', by: 'eve', reason: '' });
              denied.push(keyOf(record.who));
            }
          }
        } finally {
          await dispose();
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);
}
