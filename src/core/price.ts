/** What a call costs by its arguments (policy.md §8). Challenges of the payment protocols are priced elsewhere. */
import type { ToolDefinition } from './catalog.ts';
import { type Failure, valueAt } from './clauses.ts';
import type { ArgPath } from './condition.ts';
import { MAX_MICROS, parseDecimal, shiftPoint, toMicros } from './decimal.ts';
import { isNumber, type JsonObject } from './json.ts';
import type { Spend, SpendLimit } from './policy.ts';

/** A price in millionths of the policy's currency; `unpriced`: the arguments do not say, and nothing obliges them to. */
export type Price =
  | { readonly kind: 'price'; readonly micros: number }
  | { readonly kind: 'unpriced' }
  | { readonly kind: 'failure'; readonly failure: Failure };

const AMOUNT: ArgPath = { text: 'args.amount', segments: [{ kind: 'key', key: 'amount' }] };

/** Prices a call by the argument in `from`, else `args.amount`. */
export function priceOf(spend: Spend, args: JsonObject, tool: ToolDefinition | undefined): Price {
  const path = spend.from ?? AMOUNT;
  const value = valueAt(path, args);
  if (value === undefined) return spend.from || declares(tool, 'amount') ? failure(path, 'is missing') : { kind: 'unpriced' };
  const decimal = isNumber(value) ? parseDecimal(value.number) : undefined;
  if (!decimal || decimal.negative) return failure(path, 'is not a number of at least 0');
  const micros = toMicros(shiftPoint(decimal, spend.shift), 'up');
  return micros <= MAX_MICROS ? { kind: 'price', micros } : failure(path, 'is larger than can be counted');
}

/** The text of a spend denial: `Spend limit of USD 500.00 per day reached.` */
export function spendMessage(spend: Spend, limit: SpendLimit): string {
  return `Spend limit of ${spend.currency.toUpperCase()} ${limit.text} per ${limit.window ?? 'call'} reached.`;
}

function declares(tool: ToolDefinition | undefined, argument: string): boolean {
  return tool?.properties?.includes(argument) ?? false;
}

function failure(path: ArgPath, problem: string): Price {
  const why = `${path.text} ${problem}, so the call has no known price`;
  return { kind: 'failure', failure: { clause: 'spend', code: 'unpriceable', why, message: why } };
}
