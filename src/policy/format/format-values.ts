/** The small types of the format: names, durations, windows, paths. */
import { WINDOW_UNITS } from '../../core/window.ts';
import { advisePath } from './advice-conditions.ts';
import { adviseCurrency, adviseDuration, advisePer, adviseRate, adviseWindow } from './advice-values.ts';
import type { Advice, FormatKey, Shape } from './shape.ts';

/** A text, described for messages and by a pattern for both checker and JSON Schema. */
export function text(expected: string, pattern?: RegExp, advice?: Advice): Shape {
  return { kind: 'text', expected, ...(pattern && { pattern }), ...(advice && { advice }) };
}

/** A map, and what to write where there is something else. */
export function advised(shape: Shape, advice: Advice): Shape {
  return { ...shape, advice };
}

export const NAME = text('a text that is not blank', /\S/);
export const DURATION = text('a duration such as "30s", "10m", "2h" or "1h30m"', /^(?:[0-9]{1,9}[smhd]){1,8}$/, adviseDuration);
export const WINDOW: Shape = { kind: 'choice', values: WINDOW_UNITS, advice: adviseWindow };
export const RATE = text(
  'a rate such as 10/minute, 100/hour or 5/day',
  /^(?:0|[1-9][0-9]{0,8})\/(?:second|minute|hour|day|week|month)$/,
  adviseRate,
);
export const CURRENCY = text('a currency such as usd', /^[A-Za-z]{3}$/, adviseCurrency);
export const PER: FormatKey = {
  shape: { kind: 'choice', values: ['policy', 'agent', 'session', 'call'], advice: advisePer },
  about: 'whose calls share one count (policy)',
};

const STEP = String.raw`\.[^.[\]"'*\s]+|\[(?:0|[1-9][0-9]{0,8})\]`;
const QUOTED = String.raw`\["(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"\]`;

/** The path of one argument. */
export const ARGUMENT: Shape = {
  kind: 'text',
  code: 'bad-path',
  advice: advisePath,
  expected: 'the path of one argument such as args.amount',
  pattern: new RegExp(`^args(?:${STEP}|${QUOTED})+$`),
};

/** A path into the arguments; `[*]` is every element. */
export const ARGUMENT_PATH = new RegExp(String.raw`^args(?:${STEP}|${QUOTED}|\[\*\])+$`);

/** `state.<tool key>.<counter>`; the key may hold anything, the counter is what follows the last point. */
export const STATE_PATH = new RegExp(String.raw`^state(?:\.[^\n]+|${QUOTED})\.[A-Za-z0-9_-]+$`);
