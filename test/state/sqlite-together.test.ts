/** How many transactions calls take (policy.md §9, §12), and that those which share one keep what they were promised (I4, I5, I6). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import type { Records, Reservable, Reservation, Settlement, Store, StoreVerdict } from '../../src/core/store.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { claiming, claimRequest, counter, held, kinds, limited, reservationOf, STATELESS } from './calls.ts';
import { useFolder } from './file-bench.ts';

const at = useFolder();
const prepare = DatabaseSync.prototype.prepare;

/** COMMITs of transactions since it was last asked. */
let commits = 0;
/** COMMITs to fail from now on; below 0, those that fail when all is written: the log has them when it is recovered. */
let faults = 0;

beforeEach(() => {
  [commits, faults] = [0, 0];
  DatabaseSync.prototype.prepare = function (sql) {
    const prepared = prepare.call(this, sql);
    if (sql !== 'COMMIT') return prepared;
    const run = prepared.run.bind(prepared);
    const value = () => {
      if (faults < 0 && faults++) {
        run();
        throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
      }
      if (faults > 0 && faults--) throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
      commits++;
      return run();
    };
    return Object.defineProperty(prepared, 'run', { value });
  };
});
afterEach(() => {
  DatabaseSync.prototype.prepare = prepare;
});

const taken = () => {
  const count = commits;
  commits = 0;
  return count;
};
/** When this turn of the event loop, and what waits for its end, are over. */
const nextTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const end = (verdict: StoreVerdict | undefined, outcome: 'committed' | 'released' = 'committed'): Settlement => ({
  reservation: reservationOf(verdict),
  outcome,
  ...(outcome === 'committed' ? { result: '"done"' } : {}),
});
const counting = (more: Partial<Reservable> = {}): Reservable => ({ ...limited([counter('c')], 1_000, 1), ...more });

/** The transactions of a call that goes out and succeeds: until it may go out, and from its answer until that is delivered. */
async function transactions(store: Store & Records, call: Reservable): Promise<readonly [before: number, after: number]> {
  taken();
  const [verdict] = await store.reserve([call]);
  const before = taken();
  await nextTurn();
  if (verdict?.kind === 'reserved') await store.settle([end(verdict)]);
  const after = taken();
  await nextTurn();
  expect(taken()).toBe(0);
  return [before, after];
}

test('a call takes one transaction before it goes out, and one more for its end where that is remembered', async () => {
  const store = await at.open();
  const seen = [
    ['stateless', await transactions(store, STATELESS)],
    ['counted', await transactions(store, counting())],
    ['held', await transactions(store, held('f'))],
    ['held again', await transactions(store, held('f'))],
    ['idempotent', await transactions(store, claiming('k'))],
    ['idempotent, counted', await transactions(store, counting({ claim: claimRequest('l') }))],
    ['idempotent, once more', await transactions(store, claiming('k'))],
  ];
  expect(seen).toEqual([
    ['stateless', [0, 0]],
    ['counted', [1, 0]],
    ['held', [1, 0]],
    ['held again', [1, 0]],
    ['idempotent', [1, 1]],
    ['idempotent, counted', [1, 1]],
    ['idempotent, once more', [1, 0]],
  ]);
});

test('I6: of calls that come together the first is written at once, all others together; so are their ends', async () => {
  const store = await at.open();
  const calls = Array.from({ length: 20 }, (_, time) => claiming(`k${time % 15}`));
  taken();
  const asked = calls.map((call) => store.reserve([call]));
  const [first] = await Promise.all(asked.slice(0, 1));
  expect(kinds(first ?? [])).toBe('reserved');
  expect(taken()).toBe(1);
  const verdicts = (await Promise.all(asked)).flat();
  expect(verdicts.map(({ kind }) => kind)).toEqual([...Array(15).fill('reserved'), ...Array(5).fill('in_flight')]);
  expect(taken()).toBe(1);
  await nextTurn();
  await Promise.all(verdicts.slice(0, 15).map((verdict) => store.settle([end(verdict)])));
  expect(taken()).toBe(2);
  const again = (await Promise.all(calls.map((call) => store.reserve([call])))).flat();
  expect(again.map(({ kind }) => kind)).toEqual(Array(20).fill('replay'));
});

test('I4: calls that share a transaction stop where the limit is, and what ends with them makes room', async () => {
  const store = await at.open();
  const call = () => limited([counter('c')], 5, 1);
  const verdicts = (await Promise.all(Array.from({ length: 9 }, () => store.reserve([call()])))).flat();
  expect(kinds(verdicts)).toBe('reserved reserved reserved reserved reserved deny deny deny deny');
  await nextTurn();
  const more = [store.reserve([call()]), store.settle([end(verdicts[0], 'released')]), store.reserve([call(), call()])];
  expect((await Promise.all(more)).map((said) => (said ? kinds(said) : 'settled'))).toEqual(['deny', 'settled', 'reserved deny']);
});

test('one that cannot be written does not cost the others theirs', async () => {
  const store = await at.open();
  const nonsense = { ...counting(), draws: [{ counter: 7, micros: 1, count: 'successes', unlessShadow: [] }] } as const;
  const asked = [counting(), counting(), nonsense, counting({ claim: claimRequest('k') })].map((call) => store.reserve([call]));
  const said = await Promise.allSettled(asked);
  expect(said.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(await store.read([counter('c')])).toMatchObject([{ micros: 3 }]);
});

test('what waits for the end of its turn when the store is closed is written', async () => {
  const store = await at.open();
  const [verdict] = await store.reserve([claiming('k')]);
  await nextTurn();
  const asked = [store.reserve([counting()]), store.settle([end(verdict)]), store.reserve([counting()])];
  await store.close();
  await Promise.all(asked);
  const later = await at.open();
  expect(await later.read([counter('c')])).toMatchObject([{ micros: 2 }]);
  expect(await later.reserve([claiming('k')])).toMatchObject([{ kind: 'replay' }]);
});

test('policy.md §8: a price is replaced when the call that pays it is reserved, not when that fails', async () => {
  const store = await at.open();
  const reservation = reservationOf((await store.reserve([limited([counter('c')], 10, 6)]))[0]);
  await store.challenges.deliver({ call: 'f', agent: 'null', offers: [], refused: [], until: Number.MAX_SAFE_INTEGER }, reservation);
  const [challenge] = await store.challenges.openFor('f');
  const pays = challenge?.id ?? '';
  await nextTurn();
  faults = 1;
  await expect(store.reserve([{ ...limited([counter('c')], 10, 7), pays }])).rejects.toThrow(/the disk fails, or is full/);
  await nextTurn();
  expect(await store.reserve([{ ...limited([counter('c')], 10, 7), pays }])).toMatchObject([{ kind: 'reserved' }]);
  expect(await store.read([counter('c')])).toMatchObject([{ micros: 7 }]);
});

test('I4: what a commit that failed at its end may have given back is given back once', async () => {
  const store = await at.open();
  const calls = ['a', 'b', 'c'].map((name) => ({ ...limited([counter('c')], 10, 2), claim: claimRequest(name) }));
  const [first, second] = await store.reserve(calls);
  await nextTurn();
  faults = -1;
  await expect(store.settle([end(first, 'released')])).rejects.toThrow(/the disk fails, or is full/);
  await nextTurn();
  await store.settle([end(first, 'released')]);
  expect(await store.read([counter('c')])).toMatchObject([{ micros: 4 }]);
  expect(await store.reserve([claiming('a')])).toMatchObject([{ kind: 'reserved' }]);
  await nextTurn();
  await store.settle([end(second, 'released')]);
  expect(await store.read([counter('c')])).toMatchObject([{ micros: 2 }]);
});

type Asked =
  | { readonly kind: 'reserve'; readonly calls: readonly Reservable[] }
  | { readonly kind: 'settle'; readonly which: number; readonly outcome: 'committed' | 'released' | 'kept' };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const anyCall = fc.oneof(
  fc.integer({ min: 1, max: 3 }).map((micros) => limited([counter('c'), counter('d', 'hour')], 20, micros)),
  key.map((name) => claiming(name)),
  key.map((name) => ({ ...limited([counter('c')], 20, 1), claim: claimRequest(name) })),
  key.map((name) => held(name, { maxPending: 3 })),
);
const asked: fc.Arbitrary<Asked> = fc.oneof(
  fc.record({ kind: fc.constant('reserve'), calls: fc.array(anyCall, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constant('settle'), which: fc.nat(), outcome: fc.constantFrom('committed', 'released', 'kept') }),
);

/** Does what is asked; answers with what was said, and keeps what was reserved. */
async function does(store: Store, ask: Asked, reservations: Reservation[], done: readonly Reservation[]): Promise<string> {
  if (ask.kind === 'settle') {
    const reservation = done[ask.which % done.length];
    if (reservation) await store.settle([{ reservation, outcome: ask.outcome, ...(ask.outcome === 'committed' ? { result: '1' } : {}) }]);
    return 'settled';
  }
  const verdicts = await store.reserve(ask.calls);
  for (const verdict of verdicts) if (verdict.kind === 'reserved') reservations.push(verdict.reservation);
  return kinds(verdicts);
}

test('I4, I5, I6: what is asked together while another call is written is done as if all ends came first, and then all calls in order', async () => {
  const clock = () => Date.parse('2026-03-04T10:30:15Z');
  let file = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(asked, { minLength: 1, maxLength: 6 }), { maxLength: 12 }), async (rounds) => {
      const one = openMemoryStore({ clock, namespace: 'test' });
      const other = await at.open(`${at.folder}/${++file}/x.sqlite`, clock);
      const [held1, held2]: [Reservation[], Reservation[]] = [[], []];
      for (const asks of rounds) {
        // What is written at once, so that everything else is written together.
        const round: readonly Asked[] = [{ kind: 'reserve', calls: [limited([counter('d', 'hour')], 1_000, 1)] }, ...asks];
        const before = [[...held1], [...held2]] as const;
        const said: string[] = Array(round.length);
        const rest = round.map((_, index) => index).slice(1);
        const isEnd = (index: number) => round[index]?.kind === 'settle';
        for (const index of [0, ...rest.filter(isEnd), ...rest.filter((each) => !isEnd(each))])
          said[index] = await does(one, round[index] as Asked, held1, before[0]);
        expect(await Promise.all(round.map((ask) => does(other, ask, held2, before[1])))).toEqual(said);
        await nextTurn();
      }
      const places = [counter('c'), counter('d', 'hour')];
      expect(await other.read(places)).toEqual([...(await one.read(places))]);
      await other.close();
    }),
    { numRuns: 40, seed: 7 },
  );
}, 60_000);
