/** The keywords that compare values, exactly: in place of the engine's own, which round, and compare each with each. */
import type { FuncKeywordDefinition } from 'ajv';
import { compareDecimals, type Decimal, parseDecimal } from '../core/decimal.ts';
import { canonicalText } from '../core/fingerprint.ts';
import type { Json, JsonNumber } from '../core/json.ts';
import { canonicalPlain } from './schema-value.ts';

/** The definitions, for a fresh engine. */
export function exactKeywords(): readonly FuncKeywordDefinition[] {
  return [
    bound('minimum', (order) => order >= 0),
    bound('maximum', (order) => order <= 0),
    bound('exclusiveMinimum', (order) => order > 0),
    bound('exclusiveMaximum', (order) => order < 0),
    { keyword: 'multipleOf', type: 'number', compile: ({ number }: JsonNumber) => multipleOf(number) },
    { keyword: 'const', compile: (value: Json) => oneOf([value]) },
    { keyword: 'enum', compile: (values: readonly Json[]) => oneOf(values) },
    { keyword: 'uniqueItems', type: 'array', compile: (wanted: boolean) => (items: readonly unknown[]) => !wanted || areUnique(items) },
  ];
}

function bound(keyword: string, holds: (order: number) => boolean): FuncKeywordDefinition {
  return {
    keyword,
    type: 'number',
    compile: ({ number }: JsonNumber) => {
      const limit = parseDecimal(number);
      return (value: number) => {
        const decimal = parseDecimal(String(value));
        return limit !== undefined && decimal !== undefined && holds(compareDecimals(decimal, limit));
      };
    },
  };
}

function oneOf(values: readonly Json[]): (value: unknown) => boolean {
  const known = new Set(values.map(canonicalText));
  return (value) => known.has(canonicalPlain(value));
}

function areUnique(items: readonly unknown[]): boolean {
  return new Set(items.map(canonicalPlain)).size === items.length;
}

function multipleOf(text: string): (value: number) => boolean {
  const divisor = parseDecimal(text);
  return (value) => {
    const decimal = parseDecimal(String(value));
    return divisor !== undefined && decimal !== undefined && isMultiple(decimal, divisor);
  };
}

/** Both as whole numbers of the smaller one's last place; their exponents are bounded (a double's, and the walk's). */
function isMultiple(value: Decimal, divisor: Decimal): boolean {
  const place = Math.min(lastPlace(value), lastPlace(divisor));
  return wholeAt(value, place) % wholeAt(divisor, place) === 0n;
}

function lastPlace(value: Decimal): number {
  return value.point - value.digits.length;
}

function wholeAt(value: Decimal, place: number): bigint {
  return BigInt(value.digits || '0') * 10n ** BigInt(value.digits === '' ? 0 : lastPlace(value) - place);
}
