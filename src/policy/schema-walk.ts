/**
 * Reads a JSON Schema into the plain objects that the engine takes, and finds what is wrong with it.
 * SECURITY: a server's schema is a stranger's. Only keywords that we know reach the engine, each with a value of its
 * type: the engine's own extensions (`$async`, `$data`, `nullable`) can not be switched on from outside.
 */

import { parseDecimal } from '../core/decimal.ts';
import { isArray, isNumber, isObject, type Json, type JsonObject } from '../core/json.ts';
import { didYouMean } from './nearest.ts';
import type { RegexCompiler } from './regex.ts';
import { KEYWORDS, type KeywordKind, LEADING, TYPES } from './schema-keywords.ts';

/** What is wrong with a schema, and where in it. `strict`: only a policy's own schema has to avoid it. */
export interface SchemaFault {
  readonly path: readonly string[];
  readonly message: string;
  readonly help?: string | undefined;
  readonly strict?: boolean;
}

export type PlainSchema = boolean | { [keyword: string]: unknown };

export interface WalkedSchema {
  readonly plain: PlainSchema;
  readonly faults: readonly SchemaFault[];
}

/** The keyword that counts the steps of a check. */
export const STEP = 'x-step';

const MAX_DEPTH = 128;

interface Walk {
  readonly regex: RegexCompiler;
  readonly faults: SchemaFault[];
}

/** Walks the whole schema. */
export function walkSchema(schema: Json, regex: RegexCompiler): WalkedSchema {
  const walk: Walk = { regex, faults: [] };
  return { plain: readSchema(schema, [], walk), faults: walk.faults };
}

function fault(walk: Walk, path: readonly string[], message: string, help?: string): undefined {
  walk.faults.push({ path, message, help });
}

function readSchema(schema: Json, path: readonly string[], walk: Walk): PlainSchema {
  if (typeof schema === 'boolean') return schema;
  if (path.length > MAX_DEPTH) fault(walk, path, 'it nests too deep');
  else if (!isObject(schema)) fault(walk, path, 'a schema is a map, true or false');
  else return readKeywords(schema, path, walk);
  return false;
}

function readKeywords(schema: JsonObject, path: readonly string[], walk: Walk): PlainSchema {
  const plain: { [keyword: string]: unknown } = {};
  for (const [keyword, value] of schema) {
    const kind = KEYWORDS.get(keyword);
    if (kind === undefined) reportUnknown(keyword, path, walk);
    else if (kind !== 'note') readKeyword(plain, keyword, kind, value, schema, [...path, keyword], walk);
  }
  if (Object.keys(plain).some((keyword) => LEADING.has(keyword))) plain[STEP] = true;
  return plain;
}

function reportUnknown(keyword: string, path: readonly string[], walk: Walk): void {
  const message = `unknown keyword ${JSON.stringify(keyword)}`;
  walk.faults.push({ path: [...path, keyword], message, help: didYouMean(keyword, KEYWORDS.keys()), strict: true });
}

function readKeyword(
  plain: { [keyword: string]: unknown },
  keyword: string,
  kind: KeywordKind,
  value: Json,
  schema: JsonObject,
  path: readonly string[],
  walk: Walk,
): void {
  if (kind === 'items' && isArray(value)) readTuple(plain, value, schema, path, walk);
  else plain[keyword] = readValue(keyword, kind, value, path, walk);
}

/** Before 2020-12 a list under `items` was what `prefixItems` is now. */
function readTuple(
  plain: { [keyword: string]: unknown },
  list: readonly Json[],
  schema: JsonObject,
  path: readonly string[],
  walk: Walk,
): void {
  walk.faults.push({ path, message: '"items" takes one schema', help: 'write "prefixItems"', strict: true });
  plain.prefixItems = readList(list, path, walk);
  const rest = schema.get('additionalItems');
  if (rest !== undefined) plain.items = readSchema(rest, [...path.slice(0, -1), 'additionalItems'], walk);
}

function readValue(keyword: string, kind: KeywordKind, value: Json, path: readonly string[], walk: Walk): unknown {
  switch (kind) {
    case 'schema':
    case 'items':
      return readSchema(value, path, walk);
    case 'schemas':
      return isArray(value) && value.length > 0 ? readList(value, path, walk) : fault(walk, path, `"${keyword}" must be a list of schemas`);
    case 'schema-map':
    case 'pattern-map':
    case 'names-map':
    case 'dependencies':
      return readMap(keyword, kind, value, path, walk);
    case 'pattern':
      return readPattern(value, path, walk);
    case 'refused':
      return fault(walk, path, `the keyword "${keyword}" can not be judged here`, helpWithRefused(keyword));
    default:
      return isOfKind(kind, value)
        ? readAssertion(kind, value)
        : fault(walk, path, `"${keyword}" must be ${EXPECTED[kind] ?? 'something else'}`);
  }
}

function helpWithRefused(keyword: string): string | undefined {
  if (keyword === 'unevaluatedProperties') return 'write "additionalProperties"';
  return keyword === 'unevaluatedItems' ? 'write "items"' : undefined;
}

function readList(list: readonly Json[], path: readonly string[], walk: Walk): readonly PlainSchema[] {
  return list.map((schema, index) => readSchema(schema, [...path, String(index)], walk));
}

function readMap(keyword: string, kind: KeywordKind, value: Json, path: readonly string[], walk: Walk): unknown {
  if (!isObject(value)) return fault(walk, path, `"${keyword}" must be a map`);
  const plain: { [name: string]: unknown } = {};
  for (const [name, member] of value) {
    const at = [...path, name];
    // SECURITY: the engine passes over this name, so what the schema says of it would not hold.
    if (name === '__proto__') fault(walk, at, 'the name "__proto__" can not be checked');
    else plain[name] = readMember(kind, name, member, at, walk);
  }
  return plain;
}

function readMember(kind: KeywordKind, name: string, member: Json, path: readonly string[], walk: Walk): unknown {
  if (kind === 'pattern-map') readPattern(name, path, walk);
  if (kind === 'names-map' || (kind === 'dependencies' && isArray(member))) {
    return isOfKind('names', member) ? member : fault(walk, path, 'must be a list of names');
  }
  return readSchema(member, path, walk);
}

function readPattern(value: Json, path: readonly string[], walk: Walk): unknown {
  if (typeof value !== 'string') return fault(walk, path, '"pattern" must be a text');
  const compiled = walk.regex(value);
  return compiled.ok ? value : fault(walk, path, `RE2 refuses the pattern ${JSON.stringify(value)}: ${compiled.why}`);
}

const EXPECTED: Readonly<Partial<Record<KeywordKind, string>>> = {
  number: 'a number',
  positive: 'a number above 0',
  count: 'a whole number from 0',
  boolean: 'true or false',
  text: 'a text',
  type: `one of ${TYPES.join(', ')}, or a list of them`,
  values: 'a list that is not empty',
  names: 'a list of names',
};

function isOfKind(kind: KeywordKind, value: Json): boolean {
  switch (kind) {
    case 'number':
    case 'positive':
    case 'count':
      return isNumber(value) && isNumberOfKind(kind, value.number);
    case 'boolean':
      return typeof value === 'boolean';
    case 'text':
      return typeof value === 'string';
    case 'type':
      return isArray(value) ? value.length > 0 && value.every(isType) : isType(value);
    case 'values':
      return isArray(value) && value.length > 0;
    case 'names':
      return isArray(value) && value.every((name) => typeof name === 'string');
    default:
      return true;
  }
}

/** A bound that a decimal can not hold would be a bound that does not hold. */
function isNumberOfKind(kind: 'number' | 'positive' | 'count', text: string): boolean {
  const value = parseDecimal(text);
  if (!value || value.digits.length > 400 || Math.abs(value.point) > 1_000) return false;
  if (kind === 'positive') return value.digits !== '' && !value.negative;
  return kind === 'number' || (Number.isSafeInteger(Number(text)) && Number(text) >= 0);
}

function isType(value: Json): boolean {
  return typeof value === 'string' && TYPES.includes(value);
}

/** Counts and names are plain; values and numbers stay ours, for the exact keywords. */
function readAssertion(kind: KeywordKind, value: Json): unknown {
  if (kind === 'count' && isNumber(value)) return Number(value.number);
  return kind === 'names' || kind === 'type' ? structuredClone(value) : value;
}
