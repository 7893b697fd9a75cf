/**
 * Exact decimals (policy.md §4, §6). A number is its sign, its significant digits and the place of its point:
 * exponents are compared, never expanded, so `1e999999999` costs no more than `1`.
 */
export interface Decimal {
  readonly negative: boolean;
  /** Significant digits without leading or trailing zeros; '' is zero. */
  readonly digits: string;
  /** The value is 0.<digits> × 10^point. */
  readonly point: number;
}

/** A millionth of a unit, the grain of every counter, and the largest total that a counter may hold, in millionths. */
export const MICROS_PER_UNIT = 1_000_000;
export const MAX_MICROS = Number.MAX_SAFE_INTEGER;

/** Characters of the longest number that is read (policy.md §4): 10 MiB of them would keep the loop for 90 ms. */
export const LONGEST_NUMBER = 10_000;

const GRAMMAR = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Reads a JSON number's text. Undefined where it is none, is too long, or has an exponent beyond what can be compared: then nothing is known of it. */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > LONGEST_NUMBER) return undefined;
  if (isPlainInteger(text)) return { negative: false, digits: trimEnd(text), point: text.length };
  const found = GRAMMAR.exec(text);
  if (!found) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = found;
  const all = whole + fraction;
  const digits = trimZeros(all);
  if (digits === '') return { negative: false, digits: '', point: 0 };
  const point = Number(exponent) + whole.length - leadingZeros(all);
  if (!Number.isSafeInteger(point)) return undefined;
  return { negative: sign === '-', digits, point };
}

/** Most amounts and counts: digits alone, the first not 0. */
function isPlainInteger(text: string): boolean {
  if (text.length === 0 || text.charCodeAt(0) === 48) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

/** −1, 0 or 1 as `a` is below, equal to or above `b`, by exact value. */
export function compareDecimals(a: Decimal, b: Decimal): -1 | 0 | 1 {
  if (a.digits === '' || b.digits === '') return compareSigns(a, b);
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const size = compareMagnitudes(a, b);
  return a.negative ? flip(size) : size;
}

/**
 * The value in millionths, rounded up or down to a whole one. Beyond ±MAX_MICROS the answer is ±Infinity, which
 * no counter holds.
 */
export function toMicros(value: Decimal, rounding: 'up' | 'down'): number {
  if (value.digits === '') return 0;
  if (value.point > 10) return value.negative ? -Infinity : Infinity;
  const kept = value.point + 6;
  const whole = kept <= 0 ? 0 : Number(value.digits.slice(0, kept).padEnd(kept, '0'));
  const exact = value.digits.length <= kept;
  const away = (rounding === 'up') !== value.negative;
  const micros = whole + (!exact && away ? 1 : 0);
  if (micros > MAX_MICROS) return value.negative ? -Infinity : Infinity;
  return value.negative && micros !== 0 ? -micros : micros;
}

/** Multiplies by 10^places, exactly. */
export function shiftPoint(value: Decimal, places: number): Decimal {
  return value.digits === '' ? value : { ...value, point: value.point + places };
}

/** A total of millionths as people write it: `500`, `0.1`, `12.345678`. */
export function renderMicros(micros: number): string {
  const text = String(Math.abs(micros)).padStart(7, '0');
  const fraction = trimEnd(text.slice(-6));
  return `${micros < 0 ? '-' : ''}${text.slice(0, -6)}${fraction && `.${fraction}`}`;
}

/** One spelling per value, for fingerprints: `1`, `1.0` and `1e0` alike. */
export function canonicalDecimal(value: Decimal): string {
  if (value.digits === '') return '0';
  return `${value.negative ? '-' : ''}0.${value.digits}e${value.point}`;
}

function flip(order: -1 | 0 | 1): -1 | 0 | 1 {
  if (order === 0) return 0;
  return order === 1 ? -1 : 1;
}

function compareSigns(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const left = sign(a);
  const right = sign(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function sign(value: Decimal): number {
  if (value.digits === '') return 0;
  return value.negative ? -1 : 1;
}

function compareMagnitudes(a: Decimal, b: Decimal): -1 | 0 | 1 {
  if (a.point !== b.point) return a.point < b.point ? -1 : 1;
  // Digit strings without trailing zeros order like the fractions they stand for.
  if (a.digits === b.digits) return 0;
  return a.digits < b.digits ? -1 : 1;
}

function leadingZeros(text: string): number {
  let count = 0;
  while (count < text.length && text.charCodeAt(count) === 48) count++;
  return count;
}

function trimZeros(text: string): string {
  return trimEnd(text.slice(leadingZeros(text)));
}

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 48) end--;
  return text.slice(0, end);
}
