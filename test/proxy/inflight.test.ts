/** How many requests of an exchange wait: counted as they come and go, and never looked for among all. */
import { expect, test } from 'bun:test';
import { createInflight, type PendingRequest } from '../../src/proxy/requests/inflight.ts';

const request = (key: string, exchange: { readonly id: string } | undefined): PendingRequest => ({
  ...{ id: { key, text: key }, sentAs: { key, text: key }, method: 'ping', modern: false, since: 0 },
  ...{ to: exchange && { exchange, batch: undefined }, purpose: { kind: 'other' } },
});

test('a request counts for its exchange until it leaves, however it does, and once where another takes its place', () => {
  const [one, two] = [{ id: 'one' }, { id: 'two' }];
  const inflight = createInflight({ budget: { taken: 0 }, mayReplace: true, resumable: false });
  const counts = () => [inflight.waitingOn(one), inflight.waitingOn(two)];
  for (const [key, exchange] of [
    ['1', one],
    ['2', one],
    ['3', two],
    ['4', undefined],
  ] as const)
    inflight.add(request(key, exchange));
  expect(counts()).toEqual([2, 1]);
  inflight.add(request('1', two));
  expect(counts()).toEqual([1, 2]);
  expect(inflight.of(two).map(({ sentAs }) => sentAs.key)).toEqual(['3', '1']);
  inflight.take('1');
  inflight.take('1');
  inflight.cancel('2');
  expect(counts()).toEqual([0, 1]);
  inflight.add(request('5', one));
  inflight.giveUp('5');
  inflight.expire(1);
  expect(counts()).toEqual([0, 0]);
  inflight.add(request('6', one));
  inflight.drain();
  expect(counts()).toEqual([0, 0]);
});
