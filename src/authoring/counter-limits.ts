/** The limits that a policy sets to its counters, for those who look at the counters alone. */
import { type Counter, type CounterStatus, joinParts } from '../core/counter.ts';
import { MICROS_PER_UNIT, renderMicros, toMicros } from '../core/decimal.ts';
import type { Policy, Rule } from '../core/policy.ts';
import type { CounterReading } from '../core/store.ts';

interface Limited {
  readonly counter: Counter;
  readonly micros: number;
}

/** Says of each reading whose counter it is. Without the policy only its identity is known. */
export function describeCounters(readings: readonly CounterReading[], policy: Policy | undefined): readonly CounterStatus[] {
  const limits = policy ? limitsOf(policy) : [];
  return readings.map((reading) => {
    const [own, scope] = partsOf(reading.id);
    const id = joinParts(own) === reading.id ? reading.id : (own[0] ?? reading.id);
    const known = limits.filter(({ counter }) => counter.id === id);
    const micros = known.length > 0 ? Math.min(...known.map((limit) => limit.micros)) : undefined;
    return {
      counter: known[0]?.counter.label ?? labelOf(id),
      unit: reading.unit,
      scope,
      value: renderMicros(reading.micros),
      limit: micros === undefined ? undefined : renderMicros(micros),
      used: micros === undefined ? undefined : micros === 0 ? 1 : reading.micros / micros,
      resetsAt: reading.end,
    };
  });
}

function limitsOf({ exact, globs, everyTool }: Policy): readonly Limited[] {
  const entries = [...exact.values(), ...globs, ...(everyTool ? [everyTool] : [])];
  return entries.flatMap(({ rules }) => rules.flatMap(limitsOfRule));
}

function limitsOfRule({ rateLimit, stateConditions, spend }: Rule): readonly Limited[] {
  const rate = rateLimit ? [{ counter: rateLimit.draw.counter, micros: rateLimit.max * MICROS_PER_UNIT }] : [];
  const state = stateConditions.flatMap(({ counter, test }) =>
    test.op === 'lt' || test.op === 'lte' ? [{ counter, micros: toMicros(test.value, 'down') }] : [],
  );
  const money = (spend?.limits ?? []).flatMap(({ counter, micros }) => (counter ? [{ counter, micros }] : []));
  return [...rate, ...state, ...money];
}

/** A scoped id is two parts, the counter's own id and its scope; an unscoped one is that id's own parts. */
function partsOf(id: string): readonly [readonly string[], string | undefined] {
  const parts = splitParts(id);
  return parts.length === 2 ? [parts.slice(0, 1), parts[1]] : [parts, undefined];
}

/** The inverse of `joinParts`. */
function splitParts(text: string): readonly string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const colon = text.indexOf(':', at);
    const length = Number(text.slice(at, colon));
    if (colon < 0 || !Number.isSafeInteger(length)) return [text];
    parts.push(text.slice(colon + 1, colon + 1 + length));
    at = colon + 1 + length;
  }
  return parts;
}

function labelOf(id: string): string {
  const [kind, key, name] = splitParts(id);
  if (key === undefined || name === undefined) return id;
  return kind === 'state' ? `${key}.${name}` : `${key} (${kind === 'spend' ? 'money spent' : 'calls'})`;
}
