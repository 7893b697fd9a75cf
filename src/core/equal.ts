/** Equality of JSON values: numbers by exact value, objects without regard to order. */
import { compareDecimals, parseDecimal } from './decimal.ts';
import { isArray, isNumber, isObject, type Json, type JsonObject } from './json.ts';

/** Whether two values are the same JSON value. Numbers whose value cannot be known are equal only by their text. */
export function equalJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (isNumber(a)) return isNumber(b) && equalNumbers(a.number, b.number);
  if (isArray(a)) return isArray(b) && equalArrays(a, b);
  return isObject(a) && isObject(b) && equalObjects(a, b);
}

function equalArrays(a: readonly Json[], b: readonly Json[]): boolean {
  return a.length === b.length && a.every((value, index) => equalJson(value, b[index] ?? null));
}

function equalNumbers(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseDecimal(a);
  const right = parseDecimal(b);
  return left !== undefined && right !== undefined && compareDecimals(left, right) === 0;
}

function equalObjects(a: JsonObject, b: JsonObject): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equalJson(value, other)) return false;
  }
  return true;
}
