/**
 * A tool's definition without what differs from start to start (setup.md §2): names, types, requirements and enums stay,
 * texts, defaults and bounds go. Two servers whose definitions are so equal take the same arguments.
 */
import { createHash } from 'node:crypto';
import { canonicalText } from '../../core/fingerprint.ts';
import { isArray, isObject, type Json } from '../../core/json.ts';
import type { ScannedTool } from '../risk/risk.ts';

/** Schemas deeper than this are cut: nobody writes one, and ours are read by recursion. */
const MAX_DEPTH = 100;
/** Stands where a schema was cut. No schema is a text, so nothing recorded is equal to it. */
const CUT = 'cut';
/** Hexadecimal digits of a hash: 96 bits, which nobody can aim at. */
const DIGITS = 24;

type Normalise = (value: Json, depth: number) => Json;

const each: Normalise = (value, depth) =>
  isArray(value) ? value.map((item) => normaliseSchema(item, depth)) : normaliseSchema(value, depth);
const byName: Normalise = (value, depth) =>
  isObject(value) ? new Map([...value].map(([name, schema]) => [name, normaliseSchema(schema, depth)])) : value;
const same = (value: Json): Json => value;
const sorted = (value: Json): Json => (isArray(value) ? value.toSorted(byText) : value);
const alternatives: Normalise = (value, depth) => sorted(each(value, depth));

/** The keywords that say which arguments there are, and what becomes of each. */
const KEYWORDS: ReadonlyMap<string, Normalise> = new Map<string, Normalise>([
  ['type', sorted],
  ['enum', sorted],
  ['required', sorted],
  ['const', same],
  ['$ref', same],
  ['properties', byName],
  ['patternProperties', byName],
  ['$defs', byName],
  ['definitions', byName],
  ['dependentRequired', same],
  ['dependentSchemas', byName],
  ['additionalProperties', each],
  ['items', each],
  ['prefixItems', each],
  ['anyOf', alternatives],
  ['oneOf', alternatives],
  ['allOf', alternatives],
  ['not', each],
  ['if', each],
  ['then', each],
  ['else', each],
]);

/** The tool's schema with nothing but names, types, requirements and enums; in an order that does not depend on the server's. */
export function normaliseSchema(schema: Json, depth = 0): Json {
  if (!isObject(schema)) return schema;
  if (depth > MAX_DEPTH) return CUT;
  const kept = [...KEYWORDS].flatMap(([keyword, normalise]) => {
    const value = schema.get(keyword);
    return value === undefined ? [] : [[keyword, normalise(value, depth + 1)] as const];
  });
  return new Map(kept);
}

/** A hash of what the tool is called and takes. */
export function hashDefinition({ name, inputSchema }: Pick<ScannedTool, 'name' | 'inputSchema'>): string {
  const definition = new Map<string, Json>([
    ['name', name],
    ['inputSchema', normaliseSchema(inputSchema ?? null)],
  ]);
  return createHash('sha256').update(canonicalText(definition)).digest('hex').slice(0, DIGITS);
}

function byText(a: Json, b: Json): number {
  const [left, right] = [canonicalText(a), canonicalText(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
