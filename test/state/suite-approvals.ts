/** Held calls and the people who decide them (policy.md §12, I5). Part of the suite that every adapter passes. */
import { describe, expect, test } from 'bun:test';
import { type Approval, type ApprovalFilter, EXPIRED_ARGS, type HoldRequest } from '../../src/core/approval.ts';
import { StoreError, type StoreVerdict } from '../../src/core/store.ts';
import { approvalOf, counter, draws, EVIDENCE, held, holdRequest, kinds, limited, requires, reservationOf, UNIT } from './calls.ts';
import { type Bench, type OpenFixture, useStore } from './fixture.ts';

const MINUTE = 60_000;
const TIMEOUT = 15 * MINUTE;

interface Desk {
  /** Asks for the held call once; the store's verdict. */
  ask(fingerprint?: string, more?: Partial<HoldRequest>): Promise<StoreVerdict>;
  /** Opens a record and decides it; its id. */
  decided(verdict: 'approve' | 'deny', fingerprint?: string, more?: Partial<HoldRequest>): Promise<string>;
  decide(id: string, verdict: 'approve' | 'deny', reason?: string): Promise<string>;
  state(id: string): Promise<Approval['state'] | undefined>;
}

function deskOf(at: Bench): Desk {
  const desk: Desk = {
    async ask(fingerprint = 'f', more = {}) {
      const [verdict] = await at.store.reserve([held(fingerprint, more)]);
      if (!verdict) throw new Error('no verdict');
      return verdict;
    },
    async decided(verdict, fingerprint = 'f', more = {}) {
      const { id } = approvalOf(await desk.ask(fingerprint, more));
      await desk.decide(id, verdict);
      return id;
    },
    decide: async (id, verdict, reason = 'because') => (await at.store.approvals.decide({ id, verdict, by: 'eve', reason })).kind,
    state: async (id) => (await at.store.approvals.find(id))[0]?.state,
  };
  return desk;
}

export function approvalSuite(open: OpenFixture): void {
  const at = useStore(open);
  const desk = deskOf(at);
  const settle = (verdict: StoreVerdict, outcome: 'committed' | 'released' | 'kept') =>
    at.store.settle([{ reservation: reservationOf(verdict), outcome }]);

  describe('I5: an approval (policy.md §12)', () => {
    test('lets exactly one identical call through, together with its draws', async () => {
      const call = { ...held('f'), counters: [counter('c')], draws: [draws(0, UNIT)] };
      const { id } = approvalOf((await at.store.reserve([call]))[0]);
      expect(await at.countOf('c')).toBe(0);
      expect(await desk.decide(id, 'approve')).toBe('decided');
      const [first, second] = await at.store.reserve([call, call]);
      expect(reservationOf(first)).toMatchObject({ approval: { id }, draws: [{ id: 'c', micros: UNIT }] });
      expect(second).toMatchObject({ kind: 'hold', approval: { reused: false } });
      expect(await at.countOf('c')).toBe(UNIT);
      expect(await desk.state(id)).toBe('consumed');
      expect(kinds(await at.store.reserve([call]))).toBe('hold');
    });

    test('is for its own fingerprint: an edited rule or a changed tool needs a new one', async () => {
      await desk.decided('approve', 'call under rule 1', { call: 'call' });
      expect(await desk.ask('call under rule 2', { call: 'call' })).toMatchObject({ kind: 'hold', approval: { reused: false } });
      expect(kinds([await desk.ask('call under rule 1', { call: 'call' })])).toBe('reserved');
    });

    test('stays consumed where the call succeeded, or nobody knows', async () => {
      for (const outcome of ['committed', 'kept'] as const) {
        const id = await desk.decided('approve', outcome);
        await settle(await desk.ask(outcome), outcome);
        expect(await desk.state(id)).toBe('consumed');
        expect(kinds([await desk.ask(outcome)])).toBe('hold');
      }
    });

    test('comes back after a failure as often as it allows, and then no more', async () => {
      const id = await desk.decided('approve', 'f', { retries: 2 });
      for (let attempt = 1; attempt <= 3; attempt++) {
        const verdict = await desk.ask();
        expect(reservationOf(verdict).approval?.id).toBe(id);
        await settle(verdict, 'released');
        expect((await at.store.approvals.find(id))[0]).toMatchObject({ attempts: attempt, state: attempt < 3 ? 'approved' : 'consumed' });
      }
      expect(kinds([await desk.ask()])).toBe('hold');
    });

    test('that was given back by one attempt is not given back again by another settlement of it', async () => {
      const id = await desk.decided('approve', 'f', { retries: 9 });
      const first = await desk.ask();
      await settle(first, 'released');
      const second = await desk.ask();
      const { reservation } = second as Extract<StoreVerdict, { kind: 'reserved' }>;
      await settle(first, 'released');
      // A copy, as another part of a program may hold one.
      await at.store.settle([{ reservation: { ...reservationOf(first) }, outcome: 'released' }]);
      expect(await desk.state(id)).toBe('consumed');
      await at.store.settle([{ reservation, outcome: 'committed' }]);
      await at.store.settle([{ reservation: { ...reservation }, outcome: 'released' }]);
      expect(await desk.state(id)).toBe('consumed');
    });

    test('that came back is found beside a later record, but a later denial stands before it', async () => {
      const id = await desk.decided('approve');
      const first = await desk.ask();
      const pending = approvalOf(await desk.ask()).id;
      await settle(first, 'released');
      const second = await desk.ask();
      expect(reservationOf(second).approval?.id).toBe(id);
      await desk.decide(pending, 'deny');
      await settle(second, 'released');
      expect(await desk.state(id)).toBe('approved');
      expect(await desk.ask()).toMatchObject({ kind: 'approval_denied', id: pending });
    });

    test('a settlement counts once, whatever the second one says', async () => {
      const call = { ...held('f'), counters: [counter('c')], draws: [draws(0, UNIT)] };
      await at.store.approvals.decide({
        id: approvalOf((await at.store.reserve([call]))[0]).id,
        verdict: 'approve',
        by: 'eve',
        reason: '',
      });
      const reservation = reservationOf((await at.store.reserve([call]))[0]);
      await at.store.settle([
        { reservation, outcome: 'kept' },
        { reservation, outcome: 'released' },
      ]);
      await at.store.settle([{ reservation, outcome: 'released' }]);
      expect(await at.countOf('c')).toBe(UNIT);
      expect(await desk.state(reservation.approval?.id ?? '')).toBe('consumed');
    });

    test('I1: is not consumed by a call that a counter denies', async () => {
      const id = await desk.decided('approve');
      const full = { ...held('f'), counters: [counter('c')], draws: [draws(0, UNIT)] };
      const denied = { ...full, steps: [...full.steps, requires({ counter: 0, after: 0 })] };
      expect(kinds(await at.store.reserve([denied]))).toBe('deny');
      expect(await desk.state(id)).toBe('approved');
    });

    test('covers all rules that fired, and is asked for those alone', async () => {
      const asked: (readonly number[])[] = [];
      const hold = (fired: readonly number[]) => {
        asked.push(fired);
        return holdRequest(fired.join());
      };
      const silent = { kind: 'hold', terms: [{ counter: 0, min: UNIT }], shadow: false } as const;
      const shadow = { kind: 'hold', terms: [], shadow: true } as const;
      const call = { ...held('f'), counters: [counter('c')], steps: [silent, shadow, ...held('f').steps, ...held('f').steps], hold };
      expect(await at.store.reserve([call])).toMatchObject([{ kind: 'hold', step: 2, shadow: [1] }]);
      expect(asked).toEqual([[2, 3]]);
    });
  });

  describe('deciding (policy.md §12)', () => {
    test('is for pending, unexpired records, once', async () => {
      const { id } = approvalOf(await desk.ask());
      const decided = await at.store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: 'fine' });
      expect(decided).toMatchObject({
        kind: 'decided',
        approval: { id, state: 'approved', decidedBy: 'eve', reason: 'fine', decidedAt: at.clock.now, expiresAt: at.clock.now + TIMEOUT },
      });
      expect(await at.store.approvals.decide({ id, verdict: 'deny', by: 'mallory', reason: '' })).toMatchObject({
        kind: 'not_pending',
        approval: { state: 'approved', decidedBy: 'eve' },
      });
      const late = approvalOf(await desk.ask('late')).id;
      at.clock.now += TIMEOUT;
      expect([await desk.decide(late, 'approve'), await desk.decide('apr_none', 'approve'), await desk.decide('', 'deny')]).toEqual([
        'not_pending',
        'unknown',
        'unknown',
      ]);
    });

    test('a record shows everything that a human needs', async () => {
      const { id } = approvalOf(await desk.ask('f', { args: '{"note":"\\u202e 1,000"}', agent: undefined }));
      expect(await at.store.approvals.find(id)).toEqual([
        {
          id,
          namespace: 'test',
          tool: 'cancel_subscription',
          agent: undefined,
          rule: 'ask',
          message: 'a human decides',
          args: '{"note":"\\u202e 1,000"}',
          evidence: EVIDENCE,
          state: 'pending',
          timeout: TIMEOUT,
          createdAt: at.clock.now,
          expiresAt: at.clock.now + TIMEOUT,
          decidedAt: undefined,
          decidedBy: undefined,
          reason: undefined,
          attempts: 0,
          retries: 2,
          consumedAt: undefined,
        },
      ]);
    });

    test('a denial stands until the timeout of its record ends', async () => {
      const id = await desk.decided('deny');
      expect(await desk.ask()).toMatchObject({ kind: 'approval_denied', step: 0, id, reason: 'because', until: at.clock.now + TIMEOUT });
      expect(kinds([await desk.ask('another')])).toBe('hold');
      at.clock.now += TIMEOUT - 1;
      expect(kinds([await desk.ask()])).toBe('approval_denied');
      at.clock.now += 1;
      expect(kinds([await desk.ask()])).toBe('hold');
    });

    test('ends other pending records of the same call, and of no other', async () => {
      const old = approvalOf(await desk.ask('f under rule 1', { call: 'f' })).id;
      const other = approvalOf(await desk.ask('g', { call: 'g' })).id;
      const id = await desk.decided('approve', 'f under rule 2', { call: 'f' });
      expect([await desk.state(old), await desk.state(other), await desk.state(id)]).toEqual(['expired', 'pending', 'approved']);
      expect((await at.store.approvals.find(old))[0]?.reason).toBe(`the same call was decided as ${id}`);
      expect(await desk.decide(old, 'approve')).toBe('not_pending');
    });

    test('two records of one call, made a dedupe window apart, let one call through', async () => {
      const first = approvalOf(await desk.ask('f', { dedupeWindow: MINUTE })).id;
      at.clock.now += MINUTE;
      const second = approvalOf(await desk.ask('f', { dedupeWindow: MINUTE })).id;
      expect(second).not.toBe(first);
      expect([await desk.decide(first, 'approve'), await desk.decide(second, 'approve')]).toEqual(['decided', 'not_pending']);
      expect(kinds([await desk.ask(), await desk.ask()])).toBe('reserved hold');
    });

    test('after three denials of a tool within a timeout, the agent holds no more calls of it', async () => {
      const start = at.clock.now;
      for (const fingerprint of ['1', '2', '3']) {
        await desk.decided('deny', fingerprint);
        at.clock.now += MINUTE;
      }
      expect(await desk.ask('4')).toMatchObject({ kind: 'approval_denied', id: undefined, until: start + TIMEOUT });
      const others = [{ agent: 'bert' }, { tool: 'pay' }, { agent: undefined }];
      for (const [index, other] of others.entries()) expect(kinds([await desk.ask(`other ${index}`, other)])).toBe('hold');
      at.clock.now = start + TIMEOUT - 1;
      expect(kinds([await desk.ask('4')])).toBe('approval_denied');
      at.clock.now += 1;
      expect(kinds([await desk.ask('4')])).toBe('hold');
    });

    test('a record that pends already is told of, also after three denials of others', async () => {
      const { id } = approvalOf(await desk.ask('4'));
      for (const fingerprint of ['1', '2', '3']) await desk.decided('deny', fingerprint);
      expect(await desk.ask('4')).toMatchObject({ kind: 'hold', approval: { id, reused: true } });
      await desk.decide(id, 'approve');
      expect(kinds([await desk.ask('4')])).toBe('reserved');
    });
  });

  describe('time (policy.md §12)', () => {
    test('an approved record lives for another timeout, also while it is given back', async () => {
      const { id } = approvalOf(await desk.ask());
      at.clock.now += TIMEOUT - 1;
      await desk.decide(id, 'approve');
      at.clock.now += TIMEOUT - 1;
      const verdict = await desk.ask();
      expect(kinds([verdict])).toBe('reserved');
      at.clock.now += 1;
      await settle(verdict, 'released');
      expect(await desk.state(id)).toBe('expired');
      expect(kinds([await desk.ask()])).toBe('hold');
    });

    test('an approved record that nobody used is over', async () => {
      const id = await desk.decided('approve');
      at.clock.now += TIMEOUT;
      expect(await desk.state(id)).toBe('expired');
      expect(kinds([await desk.ask()])).toBe('hold');
    });

    test('`expire` marks what is over, once', async () => {
      const pending = approvalOf(await desk.ask('p')).id;
      const approved = await desk.decided('approve', 'a');
      const denied = await desk.decided('deny', 'd');
      const used = await desk.decided('approve', 'u');
      await desk.ask('u');
      expect(await at.store.approvals.expire()).toEqual([]);
      at.clock.now += TIMEOUT;
      const later = approvalOf(await desk.ask('later')).id;
      const over = await at.store.approvals.expire();
      expect(over.map(({ id, state }) => `${id} ${state}`).sort()).toEqual([`${pending} expired`, `${approved} expired`].sort());
      expect(await at.store.approvals.expire()).toEqual([]);
      expect([await desk.state(denied), await desk.state(used), await desk.state(later)]).toEqual(['denied', 'consumed', 'pending']);
    });

    test('a clock that stepped back a little frees and ends nothing; one that is far behind decides nothing', async () => {
      const id = await desk.decided('approve');
      const pending = approvalOf(await desk.ask('p')).id;
      at.clock.now -= 59_000;
      const verdict = await desk.ask();
      expect(reservationOf(verdict).approval?.id).toBe(id);
      await settle(verdict, 'released');
      expect(await desk.state(id)).toBe('approved');
      at.clock.now -= 10 * MINUTE;
      await expect(desk.ask()).rejects.toBeInstanceOf(StoreError);
      await expect(desk.decide(pending, 'approve')).rejects.toBeInstanceOf(StoreError);
      expect((await at.store.approvals.list({ state: 'pending' })).map((one) => one.id)).toEqual([pending]);
      at.clock.now += 11 * MINUTE;
      expect(await desk.decide(pending, 'approve')).toBe('decided');
    });

    test('a clock that jumped ahead ends what was approved', async () => {
      const id = await desk.decided('approve');
      const verdict = await desk.ask();
      at.clock.now += 365 * 24 * 60 * MINUTE;
      await settle(verdict, 'released');
      expect(await desk.state(id)).toBe('expired');
    });
  });

  describe('lists', () => {
    test('pending ones oldest first, others newest first, by state and namespace', async () => {
      const ids: string[] = [];
      for (const fingerprint of ['a', 'b', 'c', 'd']) {
        ids.push(approvalOf(await desk.ask(fingerprint)).id);
        at.clock.now += 1;
      }
      const [a = '', b = '', c = '', d = ''] = ids;
      await desk.decide(b, 'deny');
      const list = async (filter: Parameters<typeof at.store.approvals.list>[0]) =>
        (await at.store.approvals.list(filter)).map(({ id }) => id);
      expect(await list({ state: 'pending' })).toEqual([a, c, d]);
      expect(await list({ state: 'pending', limit: 1 })).toEqual([a]);
      expect(await list({})).toEqual([d, c, b, a]);
      expect(await list({ limit: 2, namespace: 'test' })).toEqual([d, c]);
      expect(await list({ state: 'denied' })).toEqual([b]);
      expect(await list({ state: 'pending', after: a })).toEqual([c, d]);
      expect(await list({ state: 'pending', after: b, limit: 1 })).toEqual([c]);
      expect(await list({ after: c })).toEqual([b, a]);
      expect(await list({ after: d, limit: 1 })).toEqual([c]);
      for (const after of ['apr_nobody', '']) expect([await list({ after }), await list({ state: 'pending', after })]).toEqual([[], []]);
      expect(await list({ namespace: 'other' })).toEqual([]);
      expect(await list({ namespace: 'other', state: 'pending' })).toEqual([]);
      at.clock.now += TIMEOUT;
      expect(await list({ state: 'pending' })).toEqual([]);
      expect(await list({ state: 'expired' })).toEqual([d, c, a]);
    });

    test('a list reads as much of the arguments as it is asked for', async () => {
      const args = JSON.stringify({ text: 'ä'.repeat(100_000) });
      const id = approvalOf(await desk.ask('f', { args })).id;
      const read = async (filter: ApprovalFilter) => (await at.store.approvals.list(filter)).map((one) => one.args);
      for (const state of ['pending', undefined] as const) {
        expect(await read({ state, argsLimit: 12 })).toEqual([args.slice(0, 12)]);
        expect(await read({ state, argsLimit: 0 })).toEqual(['']);
        expect(await read({ state })).toEqual([args]);
      }
      expect((await at.store.approvals.find(id))[0]?.args).toBe(args);
      expect((await at.store.approvals.find(id, 3))[0]?.args).toBe(args.slice(0, 3));
      at.clock.now += TIMEOUT;
      expect((await at.store.approvals.expire()).map((one) => one.args.length)).toEqual([EXPIRED_ARGS]);
    });

    test('by a start of the id, with or without its prefix; wildcards are none', async () => {
      const { id } = approvalOf(await desk.ask());
      const find = async (start: string) => (await at.store.approvals.find(start)).map((one) => one.id);
      expect([await find(id), await find(id.slice(0, 6)), await find(id.slice(4)), await find(id.slice(4, 7))]).toEqual([
        [id],
        [id],
        [id],
        [id],
      ]);
      for (const none of ['', 'apr_%', '%', '_', 'apr__', `${id}x`, "' OR 1=1 --"]) expect(await find(none)).toEqual([]);
      approvalOf(await desk.ask('g'));
      expect(await find('apr_')).toHaveLength(2);
    });
  });

  describe('growth', () => {
    const HOUR = 60 * MINUTE;
    const count = async () => [(await at.store.approvals.list({})).length, (await at.store.approvals.events(0, 1_000)).length];
    /** What sweeps is a call that needs the store. */
    const sweep = async (times: number) => {
      for (let time = 0; time < times; time++) await at.store.reserve([limited([counter('sweep')], 9e9, 0)]);
    };

    test('records that nobody decided are forgotten after hours, decided ones after a day, with their events', async () => {
      for (let index = 0; index < 60; index++) await desk.ask(`${index}`, { maxPending: 60 });
      await desk.decided('approve', 'a', { agent: 'bert' });
      await desk.decided('deny', 'd', { agent: 'bert' });
      expect(await count()).toEqual([62, 64]);
      at.clock.now += TIMEOUT + 6 * HOUR;
      await sweep(5);
      expect(await count()).toEqual([2, 4]);
      at.clock.now += TIMEOUT + 18 * HOUR;
      await sweep(5);
      expect(await count()).toEqual([0, 0]);
    });

    test('records with large arguments are kept in full, and forgotten as soon as they end', async () => {
      const args = `{"text":"${'x'.repeat(100_000)}"}`;
      const { id } = approvalOf(await desk.ask('large', { args }));
      expect((await at.store.approvals.find(id))[0]?.args).toBe(args);
      at.clock.now += TIMEOUT + 2 * MINUTE;
      await sweep(1);
      expect(await count()).toEqual([0, 0]);
    });

    test('a denial that stands longer than a day is kept for as long', async () => {
      await desk.decided('deny', 'd', { timeout: 48 * HOUR });
      at.clock.now += 48 * HOUR - 1;
      await sweep(2);
      expect(kinds([await desk.ask('d')])).toBe('approval_denied');
    });
  });

  test('the approver secret is kept, and replaced', async () => {
    expect(await at.store.approvals.secret()).toBeUndefined();
    await at.store.approvals.protect('hash 1');
    await at.store.approvals.protect('hash 2');
    expect(await at.store.approvals.secret()).toBe('hash 2');
  });
}
