/** Prices a call (policy.md §8): by its arguments, and by the offer that it pays. */
import type { ToolDefinition } from './catalog.ts';
import { type ArgPath, valueAt } from './condition.ts';
import { MAX_MICROS, parseDecimal, shiftPoint, toMicros } from './decimal.ts';
import type { Call, ClauseFailure } from './decision.ts';
import { AMBIGUOUS, isNumber, type JsonObject, lookUp } from './json.ts';
import { assetName, type Offer } from './offer.ts';
import type { Asset, Spend, SpendLimit } from './policy.ts';

/** A price in millionths of the policy's currency; `unpriced`: the arguments do not say, and nothing obliges them to. */
export type Price =
  | { readonly kind: 'price'; readonly micros: number }
  | { readonly kind: 'unpriced' }
  | { readonly kind: 'failure'; readonly failure: ClauseFailure };

const AMOUNT_KEY = 'amount';
const AMOUNT: ArgPath = { text: 'args.amount', segments: [{ kind: 'key', key: AMOUNT_KEY }] };

/** Prices a call: the greater of what its arguments say and of the offer that it pays, where it pays one. */
export function priceOf(spend: Spend, { args, offer }: Call, tool: ToolDefinition | undefined): Price {
  if (!offer) return priceOfArgs(spend, args, tool);
  const [offered, asked] = [priceOffer(spend, offer), priceOfArgs(spend, args, undefined)];
  if (offered.kind !== 'price' || asked.kind === 'unpriced') return offered;
  return asked.kind === 'price' && asked.micros < offered.micros ? offered : asked;
}

/** By the argument in `from`, else `args.amount`. */
function priceOfArgs(spend: Spend, args: JsonObject, tool: ToolDefinition | undefined): Price {
  const path = spend.from ?? AMOUNT;
  const value = valueAt(path, args);
  if (!spend.from && lookUp(args, AMOUNT_KEY) === AMBIGUOUS) return failure(path, 'may be meant by more than one argument');
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

const PRICED: Readonly<Record<Offer['protocol'], string>> = { mpp: 'charge', x402: 'exact' };

/** Why an offer has no price under any limit: of its kind nobody knows what will be paid. */
export function kindFailure({ protocol, intent }: Offer): ClauseFailure | undefined {
  return intent === PRICED[protocol] ? undefined : offerFault(`a payment of kind ${shown(intent)} has no known price`);
}

/** Prices an offer in a spend clause's currency; rounded up beyond millionths. */
function priceOffer(spend: Spend, offer: Offer): Price {
  const unknown = kindFailure(offer);
  if (unknown) return { kind: 'failure', failure: unknown };
  const unit = unitOf(spend, offer);
  if (!unit) return offerFailure(`the asset ${shown(offer.asset)} is not known`);
  if (unit.currency !== spend.currency)
    return offerFailure(`${shown(offer.asset)} is ${unit.currency}, the limits are in ${spend.currency}`);
  // SECURITY: what nobody can read may be any amount (I2).
  if ((offer.isUnread ?? offer.protocol === 'mpp') && !unit.opaque)
    return offerFailure(`what pays ${shown(offer.asset)} does not say how much it pays, and the policy does not list it as "opaque"`);
  // Whole smallest units only: a sign, a fraction or an exponent is no amount that both protocols read alike.
  if (offer.amount === undefined || !/^\d{1,78}$/.test(offer.amount))
    return offerFailure(`the amount ${shown(offer.amount)} cannot be read`);
  const decimal = parseDecimal(offer.amount);
  const micros = decimal ? toMicros(shiftPoint(decimal, -unit.decimals), 'up') : Number.POSITIVE_INFINITY;
  return micros <= MAX_MICROS ? { kind: 'price', micros } : offerFailure(`the amount ${shown(offer.amount)} is larger than can be counted`);
}

/**
 * SPEC: policy.md §8 — known are ISO currencies with their minor units, and the tokens listed in `assets`. What is charged
 * in a currency is the server's own request, whatever pays it; a token is moved by what the agent signs.
 */
function unitOf(spend: Spend, { asset, protocol }: Offer): Asset | undefined {
  if (asset === undefined) return undefined;
  const listed = spend.assets.get(assetName(asset));
  if (listed) return listed;
  // Of currencies only the policy's own is ever of use, and its minor units are known.
  return asset.toLowerCase() === spend.currency
    ? { decimals: spend.minorDigits, currency: spend.currency, opaque: protocol === 'mpp' }
    : undefined;
}

function declares(tool: ToolDefinition | undefined, argument: string): boolean {
  return tool?.properties?.includes(argument) ?? false;
}

function failure(path: ArgPath, problem: string): Price {
  const why = `${path.text} ${problem}, so the call has no known price`;
  const advice = `Send ${path.text} as a number of at least 0.`;
  return { kind: 'failure', failure: { clause: 'spend', code: 'unpriceable', why, message: why, advice } };
}

function shown(text: string | undefined): string {
  return text === undefined ? 'that is missing' : JSON.stringify(text.slice(0, 100));
}

function offerFailure(why: string): Price {
  return { kind: 'failure', failure: offerFault(why) };
}

function offerFault(why: string): ClauseFailure {
  return { clause: 'spend', code: 'unpriceable', why, message: `The price of the payment can not be known: ${why}` };
}
