/** One call from plan to decision over any store: what the proxy does for calls that arrive, without wire and audit. */
import { conclude, concludeDenied, concludeStateless } from '../core/conclude.ts';
import type { Call, Decision, Trace } from '../core/decision.ts';
import type { Facts } from '../core/facts.ts';
import { identityText } from '../core/fingerprint.ts';
import { judge } from '../core/judge.ts';
import { type Plan, plan } from '../core/plan.ts';
import type { CounterRef, Store, StoreVerdict } from '../core/store.ts';
import { windowAt } from '../core/window.ts';
import { sha256 } from '../policy/sha256.ts';
import { createLeases, type Leases } from './leases.ts';
import { reservableOf } from './reserve.ts';

export interface JudgedCall {
  readonly plan: Plan;
  readonly decision: Decision;
}

/** The fingerprint of calls under a namespace, to a server (policy.md §12). */
export function fingerprintFor(namespace: string, upstream: string): Facts['fingerprint'] {
  return ({ agent, tool, args }) => sha256(identityText({ namespace, upstream, agent, tool, args }));
}

/** Judges a call and takes what it draws. Rejects with `StoreError` where the store does not answer. */
export async function judgeCall(call: Call, argsText: string, facts: Facts, store: Store, trace?: Trace): Promise<JudgedCall> {
  const planned = plan(call, facts, trace);
  if (planned.kind === 'deny') return { plan: planned, decision: concludeDenied(planned) };
  const arrival = { call, argsText, requestId: '1', client: undefined };
  const asked = reservableOf(planned, arrival, facts, { sha256, shownUpstream: '' });
  if (!asked) return { plan: planned, decision: concludeStateless(planned) };
  const [verdict] = await store.reserve([asked]);
  if (!verdict) throw new Error('the store did not judge the call');
  return { plan: planned, decision: conclude(planned, verdict) };
}

/** Renews the claims of calls that are not settled yet. A store that fails says so when they are. */
export function openLeases(store: Store): Leases {
  return createLeases({ store, log: { warn() {}, error() {} } });
}

/** Says what a store with these counters would, without drawing; undefined where nothing is to be asked of one. `now` gives the time of a retry. */
export function verdictOn(
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
