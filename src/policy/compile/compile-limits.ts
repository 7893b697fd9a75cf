/** Rate limits, counters and money limits, from tree to draws (policy.md §6, §8). */

import type { Count, Counter, Per } from '../../core/counter.ts';
import { rateCounter, spendCounter, stateCounter } from '../../core/counter.ts';
import { MICROS_PER_UNIT, parseDecimal, toMicros } from '../../core/decimal.ts';
import { assetName } from '../../core/offer.ts';
import type { Asset, Draw, RateLimit, Spend, SpendLimit } from '../../core/policy.ts';
import { WINDOW_UNITS, type WindowUnit } from '../../core/window.ts';
import { parseArgPath } from '../format/path.ts';
import { entriesOf, type Node, type NumberNode, textOf, valueAt } from '../format/tree.ts';
import type { Report } from '../report.ts';

const SECONDS: ReadonlyMap<number, WindowUnit> = new Map([
  [1, 'second'],
  [60, 'minute'],
  [3_600, 'hour'],
  [86_400, 'day'],
]);
const SPEND_WINDOWS = { per_call: undefined, hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month' } as const;
const CURRENCY = 'usd';

/** `N/unit`, or the map that says the same and more. */
export function compileRateLimit(node: Node | undefined, key: string, agents: readonly string[], report: Report): RateLimit | undefined {
  const written = node?.kind === 'text' ? splitRate(node.text) : node && readRateMap(node, report);
  if (!written?.unit || written.max === undefined) return undefined;
  const { max, unit, per } = written;
  const count = written.count ?? (unit === 'second' || unit === 'minute' ? 'attempts' : 'successes');
  const counter = rateCounter(key, unit, per, count, agents, max);
  return { draw: { counter, amount: { kind: 'fixed', micros: MICROS_PER_UNIT }, count }, max };
}

interface Rate {
  readonly max: number | undefined;
  readonly unit: WindowUnit | undefined;
  readonly per: Per;
  readonly count: Count | undefined;
}

function splitRate(text: string): Rate {
  const [max, unit] = text.split('/');
  return { max: Number(max), unit: unitOf(unit), per: 'policy', count: undefined };
}

function unitOf(text: string | undefined): WindowUnit | undefined {
  return WINDOW_UNITS.find((unit) => unit === text);
}

function readRateMap(node: Node, report: Report): Rate {
  const max = valueAt(node, 'max');
  return {
    max: max?.kind === 'number' ? Number(max.number) : undefined,
    unit: readWindow(valueAt(node, 'window'), report),
    per: perOf(node),
    count: textOf(valueAt(node, 'count')) as Count | undefined,
  };
}

function readWindow(node: Node | undefined, report: Report): WindowUnit | undefined {
  if (node?.kind !== 'number') return unitOf(textOf(node));
  const unit = SECONDS.get(Number(node.number));
  if (unit) report.add('alias', node.offset, `window ${node.source} is another name for "${unit}"`, `write "${unit}"`);
  return unit;
}

function perOf(node: Node): Per {
  return (textOf(valueAt(node, 'per')) ?? 'policy') as Per;
}

/** The draw of a `state` block. */
export function compileState(node: Node | undefined, key: string): Draw | undefined {
  const name = textOf(valueAt(node, 'counter'));
  const unit = unitOf(textOf(valueAt(node, 'window')));
  if (!node || name === undefined || !unit) return undefined;
  const count = (textOf(valueAt(node, 'count')) ?? 'successes') as Count;
  const from = parseArgPath(textOf(valueAt(node, 'increment_from')) ?? '');
  const increment = valueAt(node, 'increment');
  const micros = increment?.kind === 'number' ? microsOf(increment, 'up') : MICROS_PER_UNIT;
  return {
    counter: stateCounter(key, name, unit, perOf(node)),
    amount: from ? { kind: 'from', path: from } : { kind: 'fixed', micros },
    count,
  };
}

function microsOf(node: NumberNode, rounding: 'up' | 'down'): number {
  const value = parseDecimal(node.number);
  return value ? toMicros(value, rounding) : Infinity;
}

/** The limits of a `spend` clause. */
export function compileSpend(node: Node | undefined, key: string): Spend | undefined {
  if (node?.kind !== 'map') return undefined;
  const currency = (textOf(valueAt(node, 'currency')) ?? CURRENCY).toLowerCase();
  const per = perOf(node);
  return {
    limits: compileSpendLimits(node, key, currency, per),
    currency,
    from: parseArgPath(textOf(valueAt(node, 'from')) ?? ''),
    shift: textOf(valueAt(node, 'unit')) === 'minor' ? -minorDigits(currency) : 0,
    minorDigits: minorDigits(currency),
    assets: compileAssets(valueAt(node, 'assets')),
    per,
  };
}

function compileSpendLimits(node: Node, key: string, currency: string, per: Per): readonly SpendLimit[] {
  const limits: SpendLimit[] = [];
  for (const [name, window] of Object.entries(SPEND_WINDOWS)) {
    const amount = valueAt(node, name);
    if (amount?.kind !== 'number') continue;
    const counter: Counter | undefined = window && spendCounter(key, window, currency, per);
    limits.push({ window, counter, micros: microsOf(amount, 'down'), text: amount.source });
  }
  return limits;
}

function compileAssets(node: Node | undefined): Spend['assets'] {
  const assets = new Map<string, Asset>();
  for (const { key, value } of entriesOf(node)) {
    const decimals = valueAt(value, 'decimals');
    const currency = textOf(valueAt(value, 'currency'));
    if (decimals?.kind !== 'number' || currency === undefined) continue;
    const opaque = valueAt(value, 'opaque');
    assets.set(assetName(key), {
      decimals: Number(decimals.number),
      currency: currency.toLowerCase(),
      opaque: opaque?.kind === 'boolean' && opaque.value,
    });
  }
  return assets;
}

/** Minor units of ISO 4217: how many decimal places the smallest unit of a currency has. */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ...names('bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf', 0),
  ...names('bhd iqd jod kwd lyd omr tnd', 3),
  ...names('clf uyw', 4),
]);

/** 2 for cents; 0 for currencies without a minor unit. */
function minorDigits(currency: string): number {
  return DIGITS.get(currency.toLowerCase()) ?? 2;
}

function names(list: string, digits: number): readonly (readonly [string, number])[] {
  return list.split(' ').map((name) => [name, digits] as const);
}
