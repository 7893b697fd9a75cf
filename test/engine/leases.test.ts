/** The leases of idempotent calls that a process carries out (policy.md §9, I6). */
import { expect, test } from 'bun:test';
import type { HeldClaim } from '../../src/core/claim.ts';
import { createLeases } from '../../src/engine/leases.ts';
import { until } from '../harness/wait.ts';

const claim = (key: string, token = 't'): HeldClaim => ({ key, token, window: 60_000 });

function open(lost: (claims: readonly HeldClaim[]) => readonly HeldClaim[] = () => []) {
  const renewed: string[][] = [];
  const logged: string[] = [];
  const log = { warn: (text: string) => void logged.push(text), error: (text: string) => void logged.push(text) };
  const store = {
    async renew(claims: readonly HeldClaim[]) {
      renewed.push(claims.map(({ key }) => key));
      return lost(claims);
    },
  };
  return { leases: createLeases({ store, log }), renewed, logged };
}

test('what is carried out is renewed, what has ended is not; its end is told', async () => {
  const { leases, renewed } = open();
  leases.keep(claim('a'));
  leases.keep(claim('b'));
  let told = false;
  void leases.ended('a')?.then(() => {
    told = true;
  });
  leases.end(claim('a', 'another'));
  expect(leases.ended('a')).toBeDefined();
  leases.end(claim('a'));
  await until('the end', () => (told ? true : undefined));
  expect(leases.ended('a')).toBeUndefined();
  await until('a renewal', () => renewed[0]);
  expect(renewed).toEqual([['b']]);
  leases.end(claim('b'));
}, 120_000);

test('one that is lost is said once, and renewed no more; a store that fails is asked again', async () => {
  let failures = 1;
  const { leases, renewed, logged } = open((claims) => {
    if (failures-- > 0) throw new Error('disk full');
    return claims.filter(({ key }) => key === 'lost');
  });
  leases.keep(claim('lost'));
  leases.keep(claim('kept'));
  await until('three renewals', () => (renewed.length >= 3 ? true : undefined), 20_000);
  expect(renewed.slice(0, 3)).toEqual([['lost', 'kept'], ['lost', 'kept'], ['kept']]);
  expect(logged).toEqual([expect.stringContaining('disk full'), expect.stringContaining('was lost')]);
  leases.end(claim('kept'));
}, 120_000);
