/** Judging without a proxy: one call over a store, or on counters as somebody says that they stand. */
import type { Call, Decision, Trace } from '../core/decision.ts';
import type { Facts } from '../core/facts.ts';
import { identityText } from '../core/fingerprint.ts';
import { judge } from '../core/judge.ts';
import type { Plan } from '../core/plan.ts';
import type { CounterRef, Store, StoreVerdict } from '../core/store.ts';
import { windowAt } from '../core/window.ts';
import { sha256 } from '../policy/sha256.ts';
import { concludePlan, type JudgedCall, judgeCalls } from './judge.ts';
import { createLeases, type Leases } from './leases.ts';

/** The fingerprint of calls under a namespace, to a server (policy.md §12). */
export function fingerprintFor(namespace: string, upstream: string): Facts['fingerprint'] {
  return ({ agent, tool, args }) => sha256(identityText({ namespace, upstream, agent, tool, args }));
}

/** Judges a call and takes what it draws. Rejects with `StoreError` where the store does not answer. */
export async function judgeCall(
  call: Call,
  argsText: string,
  facts: Facts,
  { store, leases }: { readonly store: Pick<Store, 'reserve'>; readonly leases?: Leases },
  trace?: Trace,
): Promise<JudgedCall> {
  const arrival = { call, argsText, requestId: '1', client: undefined };
  const [judged] = await judgeCalls([arrival], facts, { store, leases, sha256, shownUpstream: '', failMode: 'throw' }, trace);
  return judged as JudgedCall;
}

/** Renews the claims of calls that are not settled yet. A store that fails says so when they are. */
export function openLeases(store: Store): Leases {
  return createLeases({ store, log: { warn() {}, error() {} } });
}

/** Decides as a store with these counters would, without drawing. `now` gives the time of a retry. */
export function decideOn(planned: Plan, read: (counter: CounterRef) => number, now: number | undefined): Decision {
  return concludePlan(planned, planned.kind === 'store' ? verdictOn(planned, read, now) : undefined);
}

function verdictOn(
  { reservable }: Extract<Plan, { kind: 'store' }>,
  read: (counter: CounterRef) => number,
  now: number | undefined,
): StoreVerdict | undefined {
  const { steps, draws, counters } = reservable;
  if (steps.length === 0 && draws.length === 0) return undefined;
  const { shadow, ...judged } = judge({ ...reservable, hold: undefined, claim: undefined }, counters.map(read));
  const base = { now: now ?? 0, shadow };
  switch (judged.kind) {
    case 'hold':
      return { ...base, kind: 'hold', step: judged.fired[0], approval: undefined };
    case 'deny': {
      const counter = counters[judged.counter ?? -1];
      const retryAt = counter && now !== undefined ? windowAt(counter.unit, now).end : undefined;
      return { ...base, kind: 'deny', step: judged.step, counter: judged.counter, retryAt };
    }
    case 'reserve': {
      const taken = judged.draws.map(({ counter, micros, count }) => ({ ...(counters[counter] as CounterRef), start: 0, micros, count }));
      return { ...base, kind: 'reserved', reservation: { draws: taken } };
    }
  }
}
