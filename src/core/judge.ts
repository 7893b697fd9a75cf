/**
 * The store step's decision (policy.md §5.5), pure: a store calls it inside its transaction with the values it read.
 * INVARIANT I4: draws are taken only when every step passed, on values that the same transaction read.
 */

import { MAX_MICROS } from './decimal.ts';
import type { Reservable, ReservedDraw, Step, Term } from './store.ts';

export type Judgement = { readonly shadow: readonly number[] } & (
  | { readonly kind: 'reserve'; readonly draws: readonly ReservedDraw[] }
  | { readonly kind: 'deny'; readonly step: number; readonly counter: number | undefined }
  /** Every `hold` step that fired; `draws` are for a call whose approval stands. */
  | { readonly kind: 'hold'; readonly fired: readonly [number, ...number[]]; readonly draws: readonly ReservedDraw[] }
);

/** Judges a call against the values (in millionths) that its counters have now. Deny beats hold (I1). */
export function judge(call: Reservable, values: readonly number[]): Judgement {
  const shadow: number[] = [];
  const fired: number[] = [];
  for (const [index, step] of call.steps.entries()) {
    const broken = brokenTerm(step, call, values);
    const decides = step.kind === 'require' ? broken !== undefined : broken === undefined;
    if (!decides) continue;
    if (step.shadow) shadow.push(index);
    else if (step.kind === 'hold') fired.push(index);
    else return { kind: 'deny', step: index, counter: broken?.counter ?? step.terms[0]?.counter, shadow };
  }
  const draws = call.draws.filter((draw) => !draw.unlessShadow.some((index) => shadow.includes(index)));
  const [first, ...others] = fired;
  return first === undefined ? { kind: 'reserve', draws, shadow } : { kind: 'hold', fired: [first, ...others], draws, shadow };
}

/** Adds up what all draws of the call add to one counter. */
export function drawnFrom(call: Reservable, counter: number): number {
  let total = 0;
  for (const draw of call.draws) if (draw.counter === counter) total += draw.micros;
  return total;
}

function brokenTerm(step: Step, call: Reservable, values: readonly number[]): Term | undefined {
  return step.terms.find((term) => !holds(term, values[term.counter] ?? 0, call));
}

function holds(term: Term, value: number, call: Reservable): boolean {
  if (term.min !== undefined && value < term.min) return false;
  if (term.max !== undefined && value > term.max) return false;
  if (term.only && !term.only.includes(value)) return false;
  if (term.not?.includes(value)) return false;
  return term.after === undefined || value + drawnFrom(call, term.counter) <= Math.min(term.after, MAX_MICROS);
}
