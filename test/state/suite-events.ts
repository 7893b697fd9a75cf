/** What is told of approvals, and delivered (policy.md §12). Part of the suite that every adapter passes. */
import { describe, expect, test } from 'bun:test';
import { MOST_EVENT_ARGS } from '../../src/core/approval.ts';
import { approvalOf, held, reservationOf } from './calls.ts';
import { type OpenFixture, useStore } from './fixture.ts';

const TIMEOUT = 900_000;

export function eventSuite(open: OpenFixture): void {
  const at = useStore(open);
  const hold = async (fingerprint: string, more = {}) => approvalOf((await at.store.reserve([held(fingerprint, more)]))[0]).id;
  const decide = (id: string, verdict: 'approve' | 'deny') => at.store.approvals.decide({ id, verdict, by: 'eve', reason: 'so' });
  const types = async (after = 0) =>
    (await at.store.approvals.events(after, 100)).map(({ type }) => type.slice('approval.'.length)).join(' ');

  describe('events', () => {
    test('one for every change, in order, numbered for good', async () => {
      const id = await hold('f', { retries: 0 });
      await at.store.reserve([held('f')]);
      await decide(id, 'approve');
      const [used] = await at.store.reserve([held('f')]);
      await at.store.settle([{ reservation: reservationOf(used), outcome: 'released' }]);
      await decide(await hold('g'), 'deny');
      await hold('h');
      at.clock.now += TIMEOUT;
      await at.store.approvals.expire();
      expect(await types()).toBe('requested approved consumed requested denied requested expired');
      const events = await at.store.approvals.events(0, 100);
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => (events[0]?.sequence ?? 0) + index));
      expect(await at.store.approvals.events(events[1]?.sequence ?? 0, 2)).toEqual(events.slice(2, 4));
      expect(await at.store.approvals.events(events.at(-1)?.sequence ?? 0, 10)).toEqual([]);
    });

    test('the newest is known by its number', async () => {
      expect(await at.store.approvals.newest()).toBe(0);
      await hold('f');
      await decide(await hold('g'), 'deny');
      expect(await at.store.approvals.newest()).toBe((await at.store.approvals.events(0, 9)).at(-1)?.sequence ?? -1);
    });

    test('few at a time where their arguments are large, and each in full', async () => {
      const args = JSON.stringify('x'.repeat(MOST_EVENT_ARGS / 2 - 2));
      for (const fingerprint of ['a', 'b', 'c', 'd']) await hold(fingerprint, { args });
      const first = await at.store.approvals.events(0, 100);
      expect(first.map(({ approval }) => approval.args === args)).toEqual([true, true]);
      const rest = await at.store.approvals.events(first.at(-1)?.sequence ?? 0, 100);
      expect(rest.length).toBe(2);
      expect(await at.store.approvals.events(rest.at(-1)?.sequence ?? 0, 100)).toEqual([]);
    });

    test('each shows the record as the event left it', async () => {
      const start = at.clock.now;
      const id = await hold('f');
      at.clock.now += 1_000;
      await decide(id, 'approve');
      at.clock.now += 1_000;
      await at.store.reserve([held('f')]);
      const [requested, approved, consumed] = await at.store.approvals.events(0, 9);
      expect(requested).toMatchObject({ at: start, approval: { id, state: 'pending', expiresAt: start + TIMEOUT, attempts: 0 } });
      expect(requested?.approval).toMatchObject({ decidedAt: undefined, decidedBy: undefined, reason: undefined, consumedAt: undefined });
      expect(approved?.approval).toMatchObject({ state: 'approved', decidedBy: 'eve', expiresAt: start + 1_000 + TIMEOUT, attempts: 0 });
      expect(consumed).toMatchObject({ at: start + 2_000, approval: { state: 'consumed', attempts: 1, consumedAt: start + 2_000 } });
    });

    test('a second approval of the same call that ended is told as expired', async () => {
      await hold('f', { call: 'f', dedupeWindow: 0 });
      await decide(await hold('f', { call: 'f', dedupeWindow: 0 }), 'deny');
      expect(await types()).toBe('requested requested denied expired');
    });
  });

  describe('deliveries', () => {
    const due = (owner = 'one', limit = 10) => at.store.approvals.due(owner, 'test', limit);

    test('only of records that somebody is to be told of, and only to their namespace', async () => {
      await hold('f');
      expect(await due()).toEqual([]);
      const id = await hold('g', { notify: true });
      expect(await at.store.approvals.due('one', 'other', 10)).toEqual([]);
      const [delivery, ...more] = await due();
      expect(delivery).toMatchObject({ tries: 1, event: { type: 'approval.requested', approval: { id } } });
      expect(more).toEqual([]);
    });

    test('what one has taken nobody else gets, until a minute later', async () => {
      await hold('f', { notify: true });
      await hold('g', { notify: true });
      const [first] = await due('one', 1);
      const [second] = await due('two');
      expect(first?.id).not.toBe(second?.id);
      expect(await due('three')).toEqual([]);
      at.clock.now += 59_999;
      expect(await due('three')).toEqual([]);
      at.clock.now += 1;
      expect((await due('three')).map(({ id, tries }) => [id, tries])).toEqual([
        [first?.id ?? '', 2],
        [second?.id ?? '', 2],
      ]);
    });

    test('delivered ones are over; failed ones come again when they are to, or never', async () => {
      for (const fingerprint of ['a', 'b', 'c']) await hold(fingerprint, { notify: true });
      const [a, b, c] = await due();
      await at.store.approvals.delivered(a?.id ?? '');
      await at.store.approvals.failed(b?.id ?? '', at.clock.now + 5_000);
      await at.store.approvals.failed(c?.id ?? '', undefined);
      // Late news of what is over changes nothing.
      await at.store.approvals.failed(a?.id ?? '', at.clock.now);
      await at.store.approvals.failed(c?.id ?? '', at.clock.now);
      for (const nonsense of ['', 'evt', `${a?.id}x`, 'apr_x-99', 'apr_x-1e3']) await at.store.approvals.delivered(nonsense);
      expect(await due()).toEqual([]);
      at.clock.now += 5_000;
      expect((await due()).map(({ id, tries }) => [id, tries])).toEqual([[b?.id ?? '', 2]]);
    });

    test('each has an id of its own, the same for every try', async () => {
      const id = await hold('f', { notify: true });
      await decide(id, 'deny');
      const first = await due();
      at.clock.now += 60_000;
      const again = await due();
      expect(again.map((one) => one.id)).toEqual(first.map((one) => one.id));
      expect(new Set(first.map((one) => one.id)).size).toBe(2);
    });
  });
}
