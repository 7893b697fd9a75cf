import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  canonicalDecimal,
  compareDecimals,
  type Decimal,
  MAX_MICROS,
  parseDecimal,
  renderMicros,
  shiftPoint,
  toMicros,
} from '../../src/core/decimal.ts';

/** Texts of JSON numbers, with the exact value as units of 10^-60. */
const SCALE = 60;
const number = fc
  .record({
    negative: fc.boolean(),
    whole: fc.bigInt(0n, 10n ** 14n),
    fraction: fc.stringMatching(/^\d{0,12}$/),
    exponent: fc.option(fc.integer({ min: -30, max: 30 }), { nil: undefined }),
  })
  .map(({ negative, whole, fraction, exponent }) => {
    const text = `${negative ? '-' : ''}${whole}${fraction && `.${fraction}`}${exponent === undefined ? '' : `e${exponent}`}`;
    const digits = BigInt(`${whole}${fraction}`) * 10n ** BigInt(SCALE - fraction.length + (exponent ?? 0));
    return { text, value: negative ? -digits : digits };
  });

function read(text: string): Decimal {
  const decimal = parseDecimal(text);
  if (!decimal) throw new Error(`${text} is no number`);
  return decimal;
}

function sign(value: bigint): -1 | 0 | 1 {
  return value < 0n ? -1 : value > 0n ? 1 : 0;
}

/** Rounded away from zero in the direction asked for. */
function microsOf(value: bigint, rounding: 'up' | 'down'): number {
  const unit = 10n ** BigInt(SCALE - 6);
  const cut = value / unit;
  const exact = cut * unit === value;
  const micros = exact ? cut : rounding === 'up' ? (value > 0n ? cut + 1n : cut) : value < 0n ? cut - 1n : cut;
  if (micros > BigInt(MAX_MICROS)) return Infinity;
  if (micros < -BigInt(MAX_MICROS)) return -Infinity;
  return Number(micros);
}

describe('policy.md §4: exact decimals', () => {
  test('order is that of the exact values', () => {
    fc.assert(
      fc.property(number, number, (a, b) => compareDecimals(read(a.text), read(b.text)) === sign(a.value - b.value)),
      { numRuns: 500 },
    );
  });

  test('one spelling per value, and only one', () => {
    fc.assert(
      fc.property(number, number, (a, b) => (canonicalDecimal(read(a.text)) === canonicalDecimal(read(b.text))) === (a.value === b.value)),
      { numRuns: 300 },
    );
    expect(new Set(['1', '1.0', '1e0', '10e-1', '0.1e1', '1.000'].map((text) => canonicalDecimal(read(text)))).size).toBe(1);
    expect(new Set(['0', '-0', '0.0', '0e9'].map((text) => canonicalDecimal(read(text)))).size).toBe(1);
  });

  test('millionths round up and down as whole numbers do', () => {
    fc.assert(
      fc.property(number, fc.constantFrom('up' as const, 'down' as const), ({ text, value }, rounding) => {
        expect(toMicros(read(text), rounding)).toBe(microsOf(value, rounding));
      }),
      { numRuns: 500 },
    );
  });

  test('a shift of the point is a multiplication by a power of ten', () => {
    fc.assert(
      fc.property(number, fc.integer({ min: -8, max: 8 }), ({ text, value }, places) => {
        const shifted = shiftPoint(read(text), places);
        const expected = places >= 0 ? value * 10n ** BigInt(places) : value;
        const back = places >= 0 ? shifted : shiftPoint(shifted, -places);
        expect(toMicros(back, 'up')).toBe(microsOf(expected, 'up'));
      }),
      { numRuns: 200 },
    );
  });

  test('what people read is what was counted', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -MAX_MICROS, max: MAX_MICROS }),
        (micros) => toMicros(read(renderMicros(micros)), 'up') === (micros === 0 ? 0 : micros),
      ),
    );
    expect([0, 500_000_000, 100_000, 12_345_678, -1].map(renderMicros)).toEqual(['0', '500', '0.1', '12.345678', '-0.000001']);
  });

  test('exponents are compared, never expanded', () => {
    const before = performance.now();
    expect(compareDecimals(read('1e999999999'), read('1e999999998'))).toBe(1);
    expect(compareDecimals(read('-1e999999999'), read('1e-999999999'))).toBe(-1);
    expect(toMicros(read('1e999999999'), 'up')).toBe(Infinity);
    expect(toMicros(read('1e-999999999'), 'up')).toBe(1);
    expect(toMicros(read('1e-999999999'), 'down')).toBe(0);
    expect(performance.now() - before).toBeLessThan(3_000);
  });

  test('what is beyond a counter is beyond it (policy.md §6)', () => {
    expect(toMicros(read('9007199254.740991'), 'up')).toBe(MAX_MICROS);
    expect(toMicros(read('9007199254.7409911'), 'up')).toBe(Infinity);
    expect(toMicros(read('9007199254.740992'), 'down')).toBe(Infinity);
  });

  test('what is no number, or has an exponent no one can compare, is unknown', () => {
    for (const text of ['', '-', '.5', '1.', '1e', '0x1', 'NaN', 'Infinity', ' 1', '1 ', '+1', '1e99999999999999999'])
      expect(parseDecimal(text)).toBeUndefined();
  });
});
