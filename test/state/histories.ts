/**
 * Random histories of calls, decisions, deaths, restarts and clock moves, against the model (I4, I5, I6).
 * `INTERCEPT_HISTORY_STEPS=100000` asks for that many steps instead of a few thousand.
 */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Records, Reservation, Store } from '../../src/core/store.ts';
import { approvalOf, type Clock, claimRequest, clockAt, counter, draws, holdRequest, requires } from './calls.ts';
import { type Model, type ModelApproval, type ModelCall, openModel, RULES, type Taken } from './history-model.ts';

/** The processes of a history: each has a store of its own, of the same records. */
export interface World {
  readonly stores: (Store & Records)[];
  /** The process dies without a word, and another takes its place. */
  restart(index: number): Promise<void>;
  dispose(): Promise<void>;
}

type Step =
  | { readonly do: 'call'; readonly by: number; readonly call: ModelCall }
  | { readonly do: 'settle'; readonly which: number; readonly outcome: 'committed' | 'released' | 'kept' }
  | { readonly do: 'renew'; readonly which: number }
  | { readonly do: 'decide'; readonly by: number; readonly which: number; readonly verdict: 'approve' | 'deny' }
  | { readonly do: 'resolve'; readonly by: number; readonly name: string; readonly verdict: 'happened' | 'did_not' }
  | { readonly do: 'expire'; readonly by: number }
  | { readonly do: 'die'; readonly by: number }
  | { readonly do: 'move'; readonly ms: number };

const LENGTH = 100;
const STEPS = Number(process.env.INTERCEPT_HISTORY_STEPS ?? 0);
const by = fc.nat();
const name = fc.constantFrom('a', 'b', 'c', 'd');
const call = fc.record({ name, asks: fc.boolean(), once: fc.boolean() });
const moves = fc.constantFrom(1, 500, 5_000, 9_999, 10_000, 20_000, 30_000, 40_000, 60_000, -1, -900, -5_000);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ do: fc.constant('call'), by, call }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('settle'), which: by, outcome: fc.constantFrom('committed', 'released', 'released', 'kept') }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('decide'), by, which: by, verdict: fc.constantFrom('approve', 'approve', 'deny') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('renew'), which: by }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resolve'), by, name, verdict: fc.constantFrom('happened', 'did_not') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire'), by }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die'), by }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('move'), ms: moves }) },
);

/** Adds the test; `runs` histories, unless the environment asks for more. */
export function historySuite(runs: number, open: (clock: Clock) => Promise<World>): void {
  const numRuns = STEPS > 0 ? Math.ceil((2 * STEPS) / LENGTH) : runs;
  const history = fc.array(step, { maxLength: LENGTH, size: 'max' });
  test(
    `I4, I5, I6: ${numRuns} random histories agree with the model`,
    async () => {
      const check = fc.asyncProperty(history, async (steps) => {
        const clock = clockAt('2026-03-04T10:30:15Z');
        const world = await open(clock);
        try {
          await play(steps, world, clock);
        } finally {
          await world.dispose();
        }
      });
      await fc.assert(check, { numRuns, seed: STEPS > 0 ? Date.now() : 20_260_304 });
    },
    Math.max(120_000, STEPS * 20),
  );
}

/** A call that was let through and is not settled; its process forgets it when it dies. */
interface Sent {
  readonly owner: number;
  readonly taken: Taken;
  readonly reservation: Reservation;
}

async function play(steps: readonly Step[], world: World, clock: Clock): Promise<void> {
  const model = openModel();
  const ids = new Map<ModelApproval, string>();
  const at = (index: number) => world.stores[index % world.stores.length] as Store & Records;
  let sent: Sent[] = [];
  for (const one of steps) {
    const now = clock.now;
    switch (one.do) {
      case 'move':
        clock.now += one.ms;
        break;
      case 'call': {
        const expected = model.reserve(one.call, now);
        const [verdict] = await at(one.by).reserve([reservable(one.call)]);
        expect(verdict?.kind).toBe(expected.kind as never);
        if (verdict?.kind === 'reserved' && expected.taken) {
          expect(verdict.reservation.approval?.id).toBe(expected.taken.approval && ids.get(expected.taken.approval));
          sent.push({ owner: one.by % world.stores.length, taken: expected.taken, reservation: verdict.reservation });
        }
        if (expected.approval) remember(ids, expected.approval, approvalOf(verdict).id);
        break;
      }
      case 'settle': {
        const [ended] = sent.splice(one.which % Math.max(1, sent.length), 1);
        if (!ended) break;
        model.settle(ended.taken, one.outcome, now);
        const { reservation } = ended;
        await at(ended.owner).settle([
          one.outcome === 'committed' ? { reservation, outcome: 'committed', result: '1' } : { reservation, outcome: one.outcome },
        ]);
        break;
      }
      case 'renew': {
        const kept = sent[one.which % Math.max(1, sent.length)];
        const claim = kept?.reservation.claim;
        if (kept && claim) expect(await at(kept.owner).renew([claim])).toEqual(model.renew(kept.taken, now) ? [] : [claim]);
        break;
      }
      case 'decide': {
        const approval = model.approvals[one.which % Math.max(1, model.approvals.length)];
        if (!approval) break;
        const decided = await at(one.by).approvals.decide({ id: ids.get(approval) ?? '', verdict: one.verdict, by: 'eve', reason: '' });
        expect(decided.kind).toBe(model.decide(approval, one.verdict, now) as never);
        break;
      }
      case 'resolve':
        expect((await at(one.by).claims.resolve(one.name, one.verdict, 'eve')).kind).toBe(
          model.resolve(one.name, one.verdict, now) as never,
        );
        break;
      case 'expire':
        expect(await at(one.by).approvals.expire()).toHaveLength(model.expire(now));
        break;
      case 'die':
        sent = sent.filter(({ owner }) => owner !== one.by % world.stores.length);
        await world.restart(one.by % world.stores.length);
        break;
    }
  }
  await compare(model, at(0), ids, clock.now);
}

/** What people see at the end of a history is what the model has. */
async function compare(model: Model, store: Store & Records, ids: ReadonlyMap<ModelApproval, string>, now: number): Promise<void> {
  expect((await store.read([COUNTER]))[0]?.micros).toBe(model.count());
  expect(model.count()).toBeLessThanOrEqual(RULES.limit);
  const states = new Map((await store.approvals.list({})).map((one) => [one.id, one.state]));
  for (const approval of model.approvals) expect(states.get(ids.get(approval) ?? '')).toBe(model.stateOf(approval, now));
  const claims = new Map((await store.claims.list({})).map((one) => [one.key, one.state]));
  for (const key of ['a', 'b', 'c', 'd']) expect(claims.get(key)).toBe(model.claimState(key, now) as never);
  const used = (await store.approvals.events(0, 1e6)).filter(({ type }) => type === 'approval.consumed');
  for (const [approval, id] of ids) expect(used.filter((event) => event.approval.id === id)).toHaveLength(approval.uses);
}

/** The id that the store gave to a record stays the same as long as the model speaks of the same one. */
function remember(ids: Map<ModelApproval, string>, approval: ModelApproval, id: string): void {
  expect(ids.get(approval) ?? id).toBe(id);
  ids.set(approval, id);
}

const COUNTER = counter('c', 'month');

function reservable({ name, asks, once }: ModelCall): Parameters<Store['reserve']>[0][number] {
  const { timeout, dedupe: dedupeWindow, maxPending, retries, window, limit } = RULES;
  return {
    counters: [COUNTER],
    steps: [requires({ counter: 0, after: limit }), ...(asks ? [{ kind: 'hold', terms: [], shadow: false } as const] : [])],
    draws: [draws(0, 1)],
    hold: asks ? () => holdRequest(name, { timeout, dedupeWindow, maxPending, retries }) : undefined,
    claim: once ? claimRequest(name, { window }) : undefined,
  };
}
