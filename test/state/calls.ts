/** Calls and clocks that the store's tests share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentKey } from '../../src/core/agent-key.ts';
import type { Evidence, HoldRequest } from '../../src/core/approval.ts';
import type { ClaimRequest } from '../../src/core/claim.ts';
import type { CounterRef, Reservable, ReservedDraw, Step, StoreVerdict, Term } from '../../src/core/store.ts';

export const UNIT = 1_000_000;

export interface Clock {
  now: number;
  readonly read: () => number;
}

export function clockAt(text: string): Clock {
  const clock: Clock = { now: Date.parse(text), read: () => clock.now };
  return clock;
}

export function counter(id: string, unit: CounterRef['unit'] = 'day'): CounterRef {
  return { id, unit };
}

export function requires(...terms: readonly Term[]): Step {
  return { kind: 'require', terms, shadow: false };
}

export function draws(index: number, micros: number, more: Partial<ReservedDraw> = {}): ReservedDraw {
  return { counter: index, micros, count: 'successes', unlessShadow: [], ...more };
}

/** A call that draws `micros` from each counter and may not pass `max` on any. */
export function limited(
  counters: readonly CounterRef[],
  max: number,
  micros: number = UNIT,
  count: ReservedDraw['count'] = 'successes',
): Reservable {
  return {
    counters,
    steps: counters.map((_, index) => requires({ counter: index, after: max })),
    draws: counters.map((_, index) => draws(index, micros, { count })),
    hold: undefined,
    claim: undefined,
  };
}

export const STATELESS: Reservable = { counters: [], steps: [], draws: [], hold: undefined, claim: undefined };

export const EVIDENCE: Evidence = {
  upstream: 'npx server',
  policy: 'stripe',
  revision: '0123456789ab',
  client: 'agent/1.0',
  rules: [{ rule: 'ask', message: 'a human decides' }],
  overrides: ['the amount is at most 500'],
};

export function holdRequest(fingerprint: string, more: Partial<HoldRequest> = {}): HoldRequest {
  const fixed = { tool: 'cancel_subscription', rule: 'ask', message: 'a human decides', args: '{"id":"sub_1"}' };
  const limits = { timeout: 900_000, dedupeWindow: 900_000, maxPending: 20, retries: 2, notify: false };
  const agent = 'agent' in more ? more.agent : 'anna';
  const named = { agent, agentKey: agentKey({ agent }) };
  return { fingerprint, call: fingerprint, ...named, evidence: EVIDENCE, ...limits, ...fixed, ...more };
}

export function held(fingerprint: string, more: Partial<HoldRequest> = {}): Reservable {
  return {
    counters: [],
    steps: [{ kind: 'hold', terms: [], shadow: false }],
    draws: [],
    hold: () => holdRequest(fingerprint, more),
    claim: undefined,
  };
}

export function claimRequest(key: string, more: Partial<ClaimRequest> = {}): ClaimRequest {
  return { key, window: 300_000, tool: 'cancel_subscription', agent: 'anna', args: '{"id":"sub_1"}', ...more };
}

/** An idempotent call that nothing else limits. */
export function claiming(key: string, more: Partial<ClaimRequest> = {}): Reservable {
  return { ...STATELESS, claim: claimRequest(key, more) };
}

/** When the calls of the crash table are made, however long a slow machine takes over them. */
export const CRASH_TIME = Date.parse('2026-03-04T10:30:15Z');

/** A call that takes everything that there is: a count, an approval and a claim. */
export function moneyCall(key = 'pay'): Reservable {
  const hold = held(key, { maxPending: 1_000 });
  return { ...hold, counters: [counter('paid', 'month')], draws: [draws(0, 1)], claim: claimRequest(key) };
}

export function kinds(verdicts: readonly StoreVerdict[]): string {
  return verdicts.map((verdict) => verdict.kind).join(' ');
}

export function reservationOf(verdict: StoreVerdict | undefined) {
  if (verdict?.kind !== 'reserved') throw new Error(`expected a reservation, got ${verdict?.kind}`);
  return verdict.reservation;
}

export function approvalOf(verdict: StoreVerdict | undefined) {
  if (verdict?.kind !== 'hold' || !verdict.approval) throw new Error(`expected a recorded hold, got ${verdict?.kind}`);
  return verdict.approval;
}

/** A folder of its own for one test, and how to remove it. */
export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'intercept-state-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
