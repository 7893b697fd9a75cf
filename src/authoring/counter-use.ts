/** Counters as a call would use them: what they stand at, what it adds, what limits it. */
import { MAX_MICROS, renderMicros } from '../core/decimal.ts';
import { drawnFrom } from '../core/judge.ts';
import type { Plan } from '../core/plan.ts';
import type { CounterReading, Term } from '../core/store.ts';
import type { WindowUnit } from '../core/window.ts';

/** Amounts as people write them. */
export interface CounterUse {
  readonly counter: string;
  readonly unit: WindowUnit;
  readonly value: string;
  readonly draws: string;
  /** The narrowest limit on the value after the call. */
  readonly limit: string | undefined;
  /** Epoch ms. */
  readonly resetsAt: number | undefined;
}

/** The counters of a planned call, in the order of its rules. */
export function counterUses(
  { draft, reservable }: Extract<Plan, { kind: 'store' }>,
  readings: readonly CounterReading[],
): readonly CounterUse[] {
  const call = { ...reservable, hold: undefined, claim: undefined };
  return reservable.counters.map(({ id, unit }, index) => {
    const reading = readings.find((candidate) => candidate.id === id && candidate.unit === unit);
    const terms = reservable.steps.flatMap((step) => (step.kind === 'require' ? step.terms.filter((term) => term.counter === index) : []));
    return {
      counter: draft.sources[index]?.label ?? id,
      unit,
      value: renderMicros(reading?.micros ?? 0),
      draws: renderMicros(drawnFrom(call, index)),
      limit: limitOf(terms),
      resetsAt: reading?.end,
    };
  });
}

function limitOf(terms: readonly Term[]): string | undefined {
  const least = Math.min(...terms.map(({ after }) => after ?? MAX_MICROS));
  return least < MAX_MICROS ? renderMicros(least) : undefined;
}
