/** Finds the arguments of a tool that its schema wants repeated in headers: `x-mcp-header` (2026-07-28, Streamable HTTP). */
import { AMBIGUOUS, isArray, isObject, type Json, type JsonObject, lookUp } from '../../core/json.ts';

/** One argument, by the keys that lead to it, and what follows `Mcp-Param-` in its header's name. */
export interface ParamHeader {
  readonly path: readonly string[];
  readonly name: string;
}

const KEY = 'x-mcp-header';
/** RFC 9110 §5.1. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Servers check `number`, too, which no client may be asked for. */
const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean', 'number']);
/** Where a schema holds others that are not certain to describe an argument. */
const ELSEWHERE = [
  'items',
  'prefixItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'propertyNames',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
];
/** The same, by name. */
const ELSEWHERE_NAMED = ['patternProperties', 'dependentSchemas', '$defs', 'definitions'];
/** More no server can mean, and a header block cannot hold. */
const MAX_DEPTH = 64;

/** The declarations of a schema; none where one of them breaks the rules, because then nobody knows what is asked for. */
export function paramHeaders(schema: Json | undefined): readonly ParamHeader[] {
  const found: ParamHeader[] = [];
  if (!isObject(schema) || !collect(schema, [], found)) return [];
  const names = new Set(found.map(({ name }) => name.toLowerCase()));
  return names.size === found.length ? found : [];
}

/** The argument that the path leads to. AMBIGUOUS: a server that folds keys would take another one for it. */
export function argumentAt(args: Json | undefined, path: readonly string[]): Json | undefined | typeof AMBIGUOUS {
  let value: ReturnType<typeof argumentAt> = args;
  for (const key of path) {
    if (value === AMBIGUOUS) return value;
    value = isObject(value) ? lookUp(value, key) : undefined;
  }
  return value;
}

/** False where a declaration breaks the rules. */
function collect(schema: JsonObject, path: readonly string[], into: ParamHeader[]): boolean {
  if (path.length > MAX_DEPTH) return false;
  const name = schema.get(KEY);
  if (name !== undefined) {
    if (typeof name !== 'string' || !TOKEN.test(name) || path.length === 0 || !TYPES.has(schema.get('type'))) return false;
    into.push({ path, name });
  }
  if (isDeclaredElsewhere(schema, MAX_DEPTH)) return false;
  const properties = schema.get('properties');
  if (!isObject(properties)) return true;
  return [...properties].every(([key, property]) => !isObject(property) || collect(property, [...path, key], into));
}

function isDeclaredElsewhere(schema: JsonObject, depth: number): boolean {
  return (
    ELSEWHERE.some((key) => holdsDeclaration(schema.get(key), depth)) ||
    ELSEWHERE_NAMED.some((key) => {
      const named = schema.get(key);
      return isObject(named) && [...named.values()].some((value) => holdsDeclaration(value, depth));
    })
  );
}

/** A schema, or an array of such. */
function holdsDeclaration(value: Json | undefined, depth: number): boolean {
  if (value === undefined || value === null || typeof value !== 'object') return false;
  if (isArray(value)) return value.some((item) => isObject(item) && isDeclaredIn(item, depth - 1));
  return isObject(value) && isDeclaredIn(value, depth - 1);
}

function isDeclaredIn(schema: JsonObject, depth: number): boolean {
  if (depth === 0 || schema.has(KEY)) return true;
  const properties = schema.get('properties');
  if (isObject(properties) && [...properties.values()].some((value) => holdsDeclaration(value, depth))) return true;
  return isDeclaredElsewhere(schema, depth);
}
