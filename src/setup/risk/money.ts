/** Finds where a call names its amount and its currency, for a limit on money (policy.md §8). */
import { isText, namesOf, plainName, playsRole } from './arguments.ts';
import type { MoneyPaths } from './classes.ts';
import type { Argument } from './schema.ts';

/** The paths of the amount, those of the call itself first, and of the currency beside it. A quantity is no amount. */
export function moneyAmong(args: readonly Argument[]): MoneyPaths | undefined {
  const nearest = args.toSorted((a, b) => a.depth - b.depth);
  const amount = namedAmount(nearest) ?? nearest.find((argument) => isNumber(argument) && isAmountLike(argument));
  const currencies = nearest.filter((argument) => playsRole(argument, 'currency') && isText(argument));
  const beside = currencies.find(({ path }) => amount !== undefined && parentOf(path) === parentOf(amount.path));
  const currency = beside ?? currencies[0];
  if (!amount && !currency) return undefined;
  return { ...(amount && { amount: amount.path }), ...(currency && { currency: currency.path }) };
}

/** The first by the order of the table: an amount before a price, a price before a budget. */
function namedAmount(nearest: readonly Argument[]): Argument | undefined {
  for (const name of namesOf('amount')) {
    const found = nearest.find((argument) => plainName(argument) === name && isNumber(argument) && isMoney(argument));
    if (found) return found;
  }
  return undefined;
}

/** A `value` is an amount within one only; a `price` that is a text is the id of one. */
function isMoney(argument: Argument): boolean {
  const name = plainName(argument);
  if (name === 'value') return AMOUNT_LIKE.test(parentOf(argument.path));
  return name !== 'price' || !argument.types.includes('string');
}

const AMOUNT_LIKE = /(?:amount|price|budget|bid|cost|fee|total)$/i;

/** Such as `partial_amount`, and no range of amounts. */
function isAmountLike({ name }: Argument): boolean {
  return /amount$/i.test(name) && !/(?:min|max)/i.test(name);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('.'), path.lastIndexOf('[')));
}

function isNumber({ types }: Argument): boolean {
  return types.length === 0 || types.some((type) => type === 'number' || type === 'integer' || type === 'string');
}
