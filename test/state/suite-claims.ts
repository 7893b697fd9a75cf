/** Idempotent calls (policy.md §9, I6). Part of the suite that every adapter passes. */
import { describe, expect, test } from 'bun:test';
import { CLAIM_LEASE, MAX_RESULT_BYTES } from '../../src/core/claim.ts';
import { type Settlement, StoreError, type StoreVerdict } from '../../src/core/store.ts';
import { approvalOf, claiming, claimRequest, counter, draws, held, kinds, limited, reservationOf, STATELESS, UNIT } from './calls.ts';
import { MAX_RESULTS, type OpenFixture, useStore } from './fixture.ts';

const MINUTE = 60_000;
const WINDOW = 5 * MINUTE;

export function claimSuite(open: OpenFixture): void {
  const at = useStore(open);
  const ask = async (key = 'k', more = {}): Promise<StoreVerdict> => {
    const [verdict] = await at.store.reserve([claiming(key, more)]);
    if (!verdict) throw new Error('no verdict');
    return verdict;
  };
  const end = (verdict: StoreVerdict, how: { outcome: Settlement['outcome']; result?: string | undefined }) =>
    at.store.settle([{ reservation: reservationOf(verdict), ...how } as Settlement]);
  const claimOf = (verdict: StoreVerdict) => {
    const { claim } = reservationOf(verdict);
    if (!claim) throw new Error('expected a claim');
    return claim;
  };
  const succeed = async (key = 'k', result = '{"content":[]}', more = {}) => end(await ask(key, more), { outcome: 'committed', result });

  describe('I6: one of all identical calls (policy.md §9)', () => {
    test('wins, also where they come together; the others are told to wait', async () => {
      const [first, second, other] = await at.store.reserve([claiming('k'), claiming('k'), claiming('another')]);
      expect(kinds([first, second, other] as StoreVerdict[])).toBe('reserved in_flight reserved');
      expect(reservationOf(first).claim).toMatchObject({ key: 'k', window: WINDOW });
      expect(await ask()).toMatchObject({ kind: 'in_flight', until: at.clock.now + CLAIM_LEASE, shadow: [] });
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask('many')));
      expect(answers.filter(({ kind }) => kind === 'reserved')).toHaveLength(1);
    });

    test('a success is answered with its result, byte for byte, until the window ends', async () => {
      const result = '{"content":[{"type":"text","text":"\\u0000 \u{1F600} ä"}],"n":9007199254740993}';
      await succeed('k', result);
      expect(await ask()).toEqual({ kind: 'replay', result, at: at.clock.now, now: at.clock.now, shadow: [] });
      const done = at.clock.now;
      at.clock.now += WINDOW - 1;
      expect(await ask()).toMatchObject({ kind: 'replay', result, at: done });
      at.clock.now += 1;
      expect(kinds([await ask(), await ask()])).toBe('reserved in_flight');
    });

    test('a replay takes nothing: no counter, no approval', async () => {
      const call = { ...claiming('k'), ...limitOf(UNIT) };
      const [first] = await at.store.reserve([call]);
      await end(first as StoreVerdict, { outcome: 'committed', result: '1' });
      expect(kinds(await at.store.reserve([call, call]))).toBe('replay replay');
      expect(await at.countOf('c')).toBe(UNIT);
      expect(kinds(await at.store.reserve([{ ...call, claim: undefined }]))).toBe('deny');
      const askFirst = { ...held('f'), claim: claimRequest('k') };
      expect(kinds(await at.store.reserve([askFirst]))).toBe('replay');
      expect(await at.store.approvals.list({})).toEqual([]);
    });

    test('a call that is denied or held claims nothing', async () => {
      const denied = { ...claiming('k'), ...limitOf(0) };
      const holding = { ...held('f'), claim: claimRequest('k') };
      expect(kinds(await at.store.reserve([denied, holding, claiming('k')]))).toBe('deny hold reserved');
    });

    test('draws, approval and claim are taken together, and given back together', async () => {
      const call = { ...held('f'), counters: [counter('c')], draws: [draws(0, UNIT)], claim: claimRequest('k') };
      const { id } = approvalOf((await at.store.reserve([call]))[0]);
      await at.store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: '' });
      const [verdict] = await at.store.reserve([call]);
      expect(reservationOf(verdict)).toMatchObject({ draws: [{ micros: UNIT }], approval: { id }, claim: { key: 'k' } });
      await end(verdict as StoreVerdict, { outcome: 'released' });
      expect(await at.countOf('c')).toBe(0);
      expect((await at.store.approvals.find(id))[0]?.state).toBe('approved');
      expect(kinds(await at.store.reserve([call]))).toBe('reserved');
    });

    test('failures are forgotten', async () => {
      await end(await ask(), { outcome: 'released' });
      expect(await at.store.claims.list({})).toEqual([]);
      expect(kinds([await ask()])).toBe('reserved');
    });

    test('an unknown outcome denies until a window later', async () => {
      await end(await ask(), { outcome: 'kept' });
      expect(await ask()).toMatchObject({ kind: 'outcome_unknown', until: at.clock.now + WINDOW });
      at.clock.now += WINDOW - 1;
      expect(kinds([await ask()])).toBe('outcome_unknown');
      at.clock.now += 1;
      expect(kinds([await ask()])).toBe('reserved');
    });

    test('a large result is not kept, and the repeat is told that the call succeeded', async () => {
      for (const [key, result] of [
        ['ascii', 'x'.repeat(MAX_RESULT_BYTES + 1)],
        ['wide', 'ä'.repeat(MAX_RESULT_BYTES / 2 + 1)],
        ['none', undefined],
      ] as const) {
        await end(await ask(key), { outcome: 'committed', result });
        expect(await ask(key)).toMatchObject({ kind: 'already_done', until: at.clock.now + WINDOW });
      }
      await succeed('fits', 'ä'.repeat(MAX_RESULT_BYTES / 2));
      expect(kinds([await ask('fits')])).toBe('replay');
    });

    test('a window that changes while a record exists changes for later calls only', async () => {
      await succeed('k', '1', { window: MINUTE });
      at.clock.now += MINUTE - 1;
      expect(kinds([await ask('k', { window: 1 })])).toBe('replay');
      at.clock.now += 1;
      expect(kinds([await ask('k', { window: 60 * MINUTE })])).toBe('reserved');
      const held = await ask('l', { window: MINUTE });
      await end(held, { outcome: 'kept' });
      expect(await ask('l', { window: 2 * MINUTE })).toMatchObject({ kind: 'outcome_unknown', until: at.clock.now + MINUTE });
    });

    test('a record is bound to its key alone: other calls know nothing of it', async () => {
      await succeed('k');
      expect(kinds([await ask('K'), await ask('k '), await ask(''), await ask('__proto__')])).toBe('reserved reserved reserved reserved');
    });
  });

  describe('leases (policy.md §9)', () => {
    test('a renewed one stays in flight; one that lapsed is an unknown outcome for a window', async () => {
      const verdict = await ask();
      for (let round = 0; round < 4; round++) {
        at.clock.now += CLAIM_LEASE - 1;
        expect(await at.store.renew([claimOf(verdict)])).toEqual([]);
      }
      expect(await ask()).toMatchObject({ kind: 'in_flight', until: at.clock.now + CLAIM_LEASE });
      at.clock.now += CLAIM_LEASE;
      expect(await ask()).toMatchObject({ kind: 'outcome_unknown', until: at.clock.now + WINDOW });
      at.clock.now += WINDOW;
      expect(kinds([await ask()])).toBe('reserved');
    });

    test('what the owner knows counts, also after the lapse', async () => {
      const late = await ask('late');
      at.clock.now += CLAIM_LEASE + MINUTE;
      expect(kinds([await ask('late')])).toBe('outcome_unknown');
      expect(await at.store.renew([claimOf(late)])).toEqual([]);
      expect(kinds([await ask('late')])).toBe('in_flight');
      at.clock.now += CLAIM_LEASE;
      await end(late, { outcome: 'committed', result: '7' });
      expect(await ask('late')).toMatchObject({ kind: 'replay', result: '7' });
    });

    test('an owner that slept for hours still says what it knows, while nobody else has the claim', async () => {
      const verdict = await ask();
      at.clock.now += 12 * 60 * MINUTE;
      await at.store.reserve([claiming('other')]);
      await end(verdict, { outcome: 'committed', result: '1' });
      expect(kinds([await ask()])).toBe('replay');
    });

    test('a claim that somebody else has, or a human has settled, is lost', async () => {
      const first = await ask();
      at.clock.now += CLAIM_LEASE + WINDOW;
      const second = await ask();
      const lost = [claimOf(first)];
      expect(await at.store.renew([claimOf(first), claimOf(second)])).toEqual(lost);
      await end(first, { outcome: 'committed', result: 'stale' });
      await at.store.settle([{ reservation: { ...reservationOf(first) }, outcome: 'released' }]);
      expect(kinds([await ask()])).toBe('in_flight');
      await end(second, { outcome: 'committed', result: 'fresh' });
      expect(await ask()).toMatchObject({ kind: 'replay', result: 'fresh' });
      expect(await at.store.renew([claimOf(second)])).toEqual([claimOf(second)]);
    });

    test('a clock that steps back finds the record of a success again, also where everything old was swept', async () => {
      await succeed();
      at.clock.now += WINDOW;
      await ask('sweep');
      at.clock.now -= 1;
      expect(kinds([await ask()])).toBe('replay');
    });

    test('a clock that is far behind cuts no record of a success short', async () => {
      const verdict = await ask();
      at.clock.now -= 60 * MINUTE;
      await end(verdict, { outcome: 'committed', result: '1' });
      at.clock.now += 60 * MINUTE + WINDOW - 1;
      expect(kinds([await ask()])).toBe('replay');
    });

    test('a clock that steps back shortens no lease', async () => {
      const verdict = await ask();
      at.clock.now -= 50_000;
      expect(await at.store.renew([claimOf(verdict)])).toEqual([]);
      at.clock.now += 50_000 + CLAIM_LEASE - 1;
      expect(kinds([await ask()])).toBe('in_flight');
    });
  });

  describe('settled by a human (policy.md §9)', () => {
    const resolve = async (key: string, verdict: 'happened' | 'did_not') => (await at.store.claims.resolve(key, verdict, 'eve')).kind;

    test('`happened` denies for a window, `did_not` lets the call be sent again', async () => {
      await end(await ask('a'), { outcome: 'kept' });
      await end(await ask('b'), { outcome: 'kept' });
      at.clock.now += MINUTE;
      expect([await resolve('a', 'happened'), await resolve('b', 'did_not')]).toEqual(['resolved', 'resolved']);
      expect(await ask('a')).toMatchObject({ kind: 'already_done', until: at.clock.now + WINDOW });
      expect(kinds([await ask('b')])).toBe('reserved');
      expect(await at.store.claims.list({ state: 'done' })).toMatchObject([{ key: 'a', resolvedBy: 'eve' }]);
    });

    test('only unknown outcomes, lapsed ones among them', async () => {
      await ask('flying');
      await succeed('done');
      expect([await resolve('flying', 'did_not'), await resolve('done', 'did_not'), await resolve('none', 'happened')]).toEqual([
        'not_unknown',
        'not_unknown',
        'unknown',
      ]);
      at.clock.now += CLAIM_LEASE;
      expect(await resolve('flying', 'did_not')).toBe('resolved');
      expect(await resolve('flying', 'did_not')).toBe('unknown');
    });

    test('what a human settled, the late owner does not settle again', async () => {
      const verdict = await ask();
      at.clock.now += CLAIM_LEASE;
      await resolve('k', 'happened');
      expect(await at.store.renew([claimOf(verdict)])).toEqual([claimOf(verdict)]);
      await end(verdict, { outcome: 'released' });
      expect(kinds([await ask()])).toBe('already_done');
    });

    test('by a unique start of the key; wildcards are none', async () => {
      for (const key of ['abc1', 'abd2', 'ab']) await end(await ask(key), { outcome: 'kept' });
      expect([await resolve('', 'did_not'), await resolve('a%', 'did_not'), await resolve('abc', 'did_not')]).toEqual([
        'unknown',
        'unknown',
        'resolved',
      ]);
      expect(await at.store.claims.resolve('a', 'did_not', 'eve')).toMatchObject({
        kind: 'ambiguous',
        claims: [{ key: 'ab' }, { key: 'abd2' }],
      });
      expect(await resolve('ab', 'did_not')).toBe('resolved');
      expect((await at.store.claims.list({})).map(({ key }) => key)).toEqual(['abd2']);
    });

    test('lists, newest first, with the arguments of what is not known', async () => {
      await succeed('done', 'ää', { args: '{"amount":1}' });
      at.clock.now += 1;
      await end(await ask('lost', { args: '{"amount":2}' }), { outcome: 'kept' });
      at.clock.now += 1;
      await ask('flying', { agent: undefined });
      const all = await at.store.claims.list({});
      expect(all.map(({ key, state, args, resultBytes }) => [key, state, args, resultBytes])).toEqual([
        ['flying', 'in_flight', '{"id":"sub_1"}', undefined],
        ['lost', 'unknown', '{"amount":2}', undefined],
        ['done', 'done', '', 4],
      ]);
      expect(all[0]).toEqual({
        key: 'flying',
        namespace: 'test',
        tool: 'cancel_subscription',
        agent: undefined,
        args: '{"id":"sub_1"}',
        state: 'in_flight',
        claimedAt: at.clock.now,
        until: at.clock.now + CLAIM_LEASE,
        resultBytes: undefined,
        resolvedBy: undefined,
      });
      at.clock.now += CLAIM_LEASE;
      expect((await at.store.claims.list({ state: 'unknown' })).map(({ key }) => key)).toEqual(['flying', 'lost']);
      expect(await at.store.claims.list({ namespace: 'other' })).toEqual([]);
      expect(await at.store.claims.list({ limit: 1 })).toHaveLength(1);
      expect((await at.store.claims.list({ state: 'unknown', argsLimit: 1 })).map(({ args }) => args.length)).toEqual([1, 1]);
    });
  });

  test('stored results take no more than is allowed; the oldest go first, and their calls are not sent again', async () => {
    const third = 'x'.repeat(MAX_RESULTS / 3);
    for (const key of ['1', '2', '3']) {
      await succeed(key, third);
      at.clock.now += 1;
    }
    expect(kinds([await ask('1'), await ask('2'), await ask('3')])).toBe('replay replay replay');
    await succeed('4', 'y');
    expect(kinds([await ask('1'), await ask('2'), await ask('3'), await ask('4')])).toBe('already_done replay replay replay');
    at.clock.now += 1;
    await succeed('5', third);
    expect(kinds([await ask('2'), await ask('3'), await ask('4'), await ask('5')])).toBe('already_done replay replay replay');
    // What is forgotten in time makes room as well.
    at.clock.now += WINDOW;
    for (const key of ['6', '7', '8']) await succeed(key, third);
    expect(kinds([await ask('6'), await ask('7'), await ask('8')])).toBe('replay replay replay');
  });

  test('of large arguments the beginning is kept, as JSON', async () => {
    await ask('large', { args: `{"text":"${'x'.repeat(100_000)}"}` });
    const [claim] = await at.store.claims.list({});
    expect(JSON.parse(claim?.args ?? '')).toMatch(/^\{"text":"x{65527}… \(the first 65536 of 100011 characters\)$/);
  });

  test('finished records are forgotten in time', async () => {
    for (let index = 0; index < 50; index++) await succeed(`${index}`);
    await end(await ask('unknown'), { outcome: 'kept' });
    at.clock.now += WINDOW + 2 * MINUTE;
    for (let time = 0; time < 5; time++) await ask('sweep', { window: time });
    // A clock that steps back sees what is left.
    at.clock.now -= MINUTE;
    at.clock.now -= MINUTE - 1_000;
    const left = await at.store.claims.list({}).then((all) => all.map(({ key }) => key));
    expect(left).toEqual(['sweep']);
  });

  test('a closed store denies', async () => {
    await at.store.close();
    const { store } = at;
    const refused = [
      ask,
      () => store.approvals.list({}),
      () => store.claims.list({}),
      () => store.approvals.secret(),
      () => store.renew([]),
    ];
    for (const operation of refused) await expect(operation()).rejects.toBeInstanceOf(StoreError);
  });
}

/** `limit` on one counter, of which the call takes all. */
function limitOf(max: number) {
  const { counters, steps, draws: taken } = limited([counter('c')], max);
  return { ...STATELESS, counters, steps, draws: taken, claim: claimRequest('k') };
}
