import { expect, test } from 'bun:test';
import type { StoredRecord } from '../../src/audit/evidence/read.ts';
import { summarise } from '../../src/audit/evidence/summary.ts';

const at = (second: number, type: string, more: Record<string, unknown> = {}): StoredRecord => ({
  ts: `2026-03-01T12:00:${String(second).padStart(2, '0')}.000Z`,
  type,
  instance: 'i1',
  policy: 'stripe',
  revision: 'r1',
  ...more,
});
const call = (second: number, result: string, more: Record<string, unknown> = {}) =>
  at(second, 'tool_call', { tool: 'refund', result, ...more });

test('counts results, rules, tools and instances', async () => {
  const summary = await summarise([
    at(0, 'startup', { upstream: 'node s.js', pid: 7 }),
    call(1, 'allowed', { tool: 'list' }),
    call(2, 'denied', { rule: 'cap', code: 'limit' }),
    call(3, 'denied', { rule: 'cap', code: 'limit', instance: 'i2' }),
    call(4, 'denied', { code: 'state_error' }),
    call(5, 'approval_required', { rule: 'ask' }),
    call(6, 'replayed'),
    at(7, 'shutdown', { revision: 'r2' }),
  ]);
  expect(summary.totals).toEqual({ allowed: 1, denied: 3, approval_required: 1, replayed: 1 });
  expect(summary.denyRules).toEqual([
    { rule: 'cap', count: 2 },
    { rule: '(state_error)', count: 1 },
  ]);
  expect(summary.tools).toEqual([
    { tool: 'refund', calls: 5 },
    { tool: 'list', calls: 1 },
  ]);
  expect(summary.instances).toMatchObject([
    { instance: 'i1', policy: 'stripe', revision: 'r2', upstream: 'node s.js', pid: 7, firstSeen: '2026-03-01T12:00:00.000Z', ended: true },
    { instance: 'i2', ended: false },
  ]);
  expect(summary.recentDenials.map((denial) => denial.code)).toEqual(['state_error', 'limit', 'limit']);
});

test('keeps the ten newest denials, whichever file they come from', async () => {
  const denials = Array.from({ length: 250 }, (_, i) =>
    call(0, 'denied', { ts: new Date(1_000_000 + ((i * 37) % 250) * 1000).toISOString() }),
  );
  const { recentDenials, totals } = await summarise(denials);
  expect(totals.denied).toBe(250);
  expect(recentDenials.map((denial) => Date.parse(denial.ts))).toEqual(Array.from({ length: 10 }, (_, i) => 1_000_000 + (249 - i) * 1000));
});

test('sums up what enforcement would have done, by rule (policy.md §10)', async () => {
  const would = [
    { result: 'denied', code: 'limit', rule: 'cap' },
    { result: 'approval_required', code: 'approval_required', rule: 'cap' },
  ];
  const { shadow, totals } = await summarise([
    call(1, 'allowed', { shadow: true, would }),
    call(2, 'allowed', { shadow: true, would: would.slice(0, 1) }),
  ]);
  expect(totals).toMatchObject({ allowed: 2, denied: 0 });
  expect(shadow).toEqual([
    { rule: 'cap', result: 'denied', code: 'limit', count: 2 },
    { rule: 'cap', result: 'approval_required', code: 'approval_required', count: 1 },
  ]);
});

test('passes over what it does not know', async () => {
  const odd = [
    at(1, 'novel', { instance: 5 }),
    call(2, '__proto__', { would: 'x' }),
    call(3, 'constructor', { tool: 9, would: [null, 3, {}] }),
  ];
  const { totals, tools } = await summarise(odd);
  expect(totals).toEqual({ allowed: 0, denied: 0, approval_required: 0, replayed: 0 });
  expect(tools).toHaveLength(2);
});

test('takes a stream', async () => {
  async function* stream() {
    yield call(1, 'allowed');
  }
  expect((await summarise(stream())).totals.allowed).toBe(1);
});
