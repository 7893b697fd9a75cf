/** Calls and settlements as the batch script takes them, and its answers as verdicts (scale.md §4). */
import { MAX_MICROS } from '../../core/decimal.ts';
import {
  type CounterRef,
  type DrawnCounter,
  type Reservable,
  type Reservation,
  type Settlement,
  StoreError,
  type StoreVerdict,
  type Term,
} from '../../core/store.ts';
import { answerOf, shorten, storedOf } from '../claim.ts';
import { claimFields, claimName, claimOf } from './claims.ts';
import { createNumbers } from './draft.ts';
import { counterMember, KEYS, namespaceKeys } from './keys.ts';
import type { RedisReply } from './link.ts';

/** A call with the token of the claim that it takes if it is reserved. */
export interface AskedCall {
  readonly call: Reservable;
  readonly token: string;
}

export interface EncodedBatch {
  readonly keys: readonly string[];
  readonly text: string;
}

/** Throws `StoreError` where a call cannot be carried out: before it joins others, whose batch it must not spoil. */
export function checkCall({ counters, draws, steps }: Reservable): void {
  for (const { counter, micros } of draws) {
    const ref = counters[counter];
    if (!ref) throw new StoreError(`a draw names counter ${counter}, but the call has ${counters.length}`);
    if (!(micros >= 0)) throw new StoreError(`a draw of ${micros} millionths from counter "${ref.id}" is no amount`);
  }
  for (const { min, max, after, only = [], not = [] } of steps.flatMap(({ terms }) => terms))
    for (const bound of [min, max, after, ...only, ...not])
      if (bound !== undefined && !Number.isFinite(bound)) throw new StoreError(`a bound of ${bound} millionths is none`);
}

/** Writes a batch of calls that were checked. */
export function encodeBatch(
  settlements: readonly Settlement[],
  calls: readonly AskedCall[],
  namespace: string,
  maxBytes: number,
): EncodedBatch {
  const names = namespaceKeys(namespace);
  const keys = createNumbers([KEYS.head, KEYS.applied, names.counters, KEYS.claimsByAge, KEYS.claimsByEnd, KEYS.results, KEYS.claimNames]);
  const counter = (ref: CounterRef) => keys.of(names.counter(ref));
  const batch = {
    s: settlements.map((settlement) => encodeSettlement(settlement, maxBytes, counter, (key) => keys.of(names.claim(key)), names.claim)),
    c: calls.map(({ call, token }) => ({
      c: call.counters.map((ref) => [counter(ref), ref.unit, counterMember(ref)]),
      s: call.steps.map(({ kind, shadow, terms }) => [KINDS[kind], shadow, terms.map(encodeTerm)]),
      d: call.draws.map((draw) => [draw.counter, Math.min(draw.micros, MOST), draw.unlessShadow]),
      h: call.hold !== undefined,
      p: call.pays !== undefined,
      q: call.claim && {
        k: keys.of(names.claim(call.claim.key)),
        n: claimName(call.claim.key, names.claim(call.claim.key)),
        w: call.claim.window,
        f: claimFields({ ...call.claim, args: shorten(call.claim.args) }, token, namespace),
      },
    })),
  };
  return { keys: keys.all, text: JSON.stringify(batch) };
}

/** JSON has no infinity; whatever is over the greatest total is denied alike. */
const MOST = 2 * MAX_MICROS;
const KINDS = { require: 0, deny: 1, hold: 2 } as const;

/** Absent bounds are `false`: JSON's null is no value of Lua. */
function encodeTerm({ counter, min, max, after, only, not }: Term): readonly unknown[] {
  return [counter, min ?? false, max ?? false, after ?? false, only ?? false, not ?? false];
}

/** The part of a settlement that the script does by itself: draws that go back, and the claim. */
function encodeSettlement(
  settlement: Settlement,
  maxBytes: number,
  counter: (ref: CounterRef) => number,
  claimNumber: (key: string) => number,
  claimKey: (key: string) => string,
): object {
  const { reservation, outcome } = settlement;
  const { claim, draws } = reservation;
  const back = outcome === 'released' ? draws.filter(({ count, micros }) => count !== 'attempts' && micros > 0) : [];
  const kept = outcome === 'committed' ? storedOf(settlement.result, maxBytes) : undefined;
  return {
    d: back.map((draw) => [counter(draw), String(draw.start), draw.micros]),
    q: claim && {
      ...{ k: claimNumber(claim.key), n: claimName(claim.key, claimKey(claim.key)), t: claim.token, w: claim.window, o: outcome },
      ...(kept?.result === undefined ? {} : { r: kept.result, b: kept.resultBytes }),
    },
  };
}

/** The answers, as far as the script came: the last may be `slow`, and then nothing was done for that call or the next. */
export function decodeAnswers(
  answers: readonly RedisReply[],
  calls: readonly AskedCall[],
  now: number,
): readonly (StoreVerdict | 'slow')[] {
  return answers.map((answer, index) => decode(answer as readonly string[], calls[index] as AskedCall, now));
}

function decode([kind, ...rest]: readonly string[], { call, token }: AskedCall, now: number): StoreVerdict | 'slow' {
  const [first = '', second = '', third = '', fourth = ''] = rest;
  switch (kind) {
    case 'r':
      return { kind: 'reserved', reservation: reservationOf(call, token, numbers(first), numbers(second)), now, shadow: numbers(first) };
    case 'd':
      return { kind: 'deny', step: Number(first), counter: number(second), retryAt: number(third), now, shadow: numbers(fourth) };
    case 'h':
      return { kind: 'hold', step: Number(first), approval: undefined, now, shadow: numbers(second) };
    case 'q': {
      const known = answerOf(claimOf(rest), now);
      if (known) return { ...known, now, shadow: [] };
      throw new StoreError('a claim stands that is over');
    }
    case 's':
      return 'slow';
    default:
      throw new StoreError(`the state server answered with a verdict "${kind}"`);
  }
}

function reservationOf(call: Reservable, token: string, shadow: readonly number[], starts: readonly number[]): Reservation {
  const draws = call.draws
    .filter(({ unlessShadow }) => !unlessShadow.some((index) => shadow.includes(index)))
    .map(({ counter, micros, count }): DrawnCounter => {
      const { id, unit } = call.counters[counter] as CounterRef;
      return { id, unit, start: starts[counter] as number, micros, count };
    });
  return call.claim ? { draws, claim: { key: call.claim.key, token, window: call.claim.window } } : { draws };
}

function numbers(text: string): readonly number[] {
  return text === '' ? [] : text.split(',').map(Number);
}

function number(text: string): number | undefined {
  return text === '' ? undefined : Number(text);
}
