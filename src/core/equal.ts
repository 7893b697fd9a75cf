/** Equality of JSON values: numbers by exact value, objects without regard to order. */
import { compareDecimals, parseDecimal } from './decimal.ts';
import { isArray, isNumber, isObject, type Json, type JsonObject } from './json.ts';
import { membersBy, namesOf } from './lookup.ts';

/** Whether two values are the same JSON value. Numbers whose value cannot be known are equal only by their text. */
export function equalJson(a: Json, b: Json): boolean {
  return compareJson(a, b) === true;
}

/**
 * Compares what an agent sent with a value that somebody wrote down. Undefined, which no comparison may pass for an
 * answer (policy.md §3): an object in it has a key that only looks like one that the written value has there.
 */
export function compareJson(sent: Json, written: Json): boolean | undefined {
  if (sent === written) return true;
  if (isNumber(sent)) return isNumber(written) && equalNumbers(sent.number, written.number);
  if (isArray(sent)) return isArray(written) && compareArrays(sent, written);
  return isObject(sent) && isObject(written) && compareObjects(sent, written);
}

function equalNumbers(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseDecimal(a);
  const right = parseDecimal(b);
  return left !== undefined && right !== undefined && compareDecimals(left, right) === 0;
}

/** No reader merges elements: lists of different lengths differ for all. */
function compareArrays(sent: readonly Json[], written: readonly Json[]): boolean | undefined {
  if (sent.length !== written.length) return false;
  let equal = true;
  for (const [index, value] of sent.entries()) {
    const same = compareJson(value, written[index] ?? null);
    if (same === undefined) return undefined;
    equal &&= same;
  }
  return equal;
}

function compareObjects(sent: JsonObject, written: JsonObject): boolean | undefined {
  const members = membersBy(sent, namesOf(written.keys()));
  if (!members) return undefined;
  let equal = sent.size === written.size;
  for (const [key, value] of written) {
    const found = members.get(key);
    const same = found !== undefined && compareJson(found, value);
    if (same === undefined) return undefined;
    equal &&= same;
  }
  return equal;
}
