/**
 * Reads a JSON Schema into nodes that can be checked, and finds what is wrong with it.
 * SECURITY: a server's schema is a stranger's. Only keywords that we know assert anything, each with a value of its type.
 */
import { isArray, isNumber, isObject, type Json, type JsonObject } from '../../core/json.ts';
import { didYouMean } from '../nearest.ts';
import { KEYWORDS, readLeaves } from './schema-assertions.ts';
import { type Assertion, constantNode, type KeyPattern, type SchemaNode } from './schema-node.ts';
import {
  addFault,
  type Base,
  below,
  type Here,
  isFull,
  keepNode,
  type SchemaPlace,
  type SchemaReading,
  takesFaults,
} from './schema-reading.ts';
import { resolveId } from './schema-refs.ts';

const MAX_DEPTH = 128;

/** Reads the schema at a place. */
export function readSchema(schema: Json, at: SchemaPlace | undefined, above: Base | undefined, reading: SchemaReading): SchemaNode {
  if (typeof schema === 'boolean') return constantNode(schema);
  if (isFull(reading)) return constantNode(false);
  if ((at?.depth ?? 0) > MAX_DEPTH) addFault(reading, at, 'it nests too deep');
  else if (!isObject(schema)) addFault(reading, at, 'a schema is a map, true or false');
  else if (schema.size === 0) return keepNode(reading, schema, { assertions: [], cost: 1, names: undefined, keyPatterns: [] });
  // What cannot be used any more is not read any further.
  else if (!reading.unusable || takesFaults(reading)) return readObject({ schema, at, base: baseOf(schema, above, reading), reading });
  return constantNode(false);
}

function baseOf(schema: JsonObject, above: Base | undefined, { bases }: SchemaReading): Base {
  const id = schema.get('$id');
  if (above && (typeof id !== 'string' || id.startsWith('#'))) return above;
  const base = { schema, id: typeof id === 'string' ? resolveId(id, above?.id ?? '') : '' };
  bases.set(base.id, schema);
  return base;
}

function readObject(here: Here): SchemaNode {
  const { schema, reading } = here;
  const groups = new Set<Group>();
  for (const keyword of schema.keys()) groups.add(GROUPS.get(keyword) ?? reportOdd(keyword, here));
  const assertions = [...readLeaves(here)];
  if (groups.has('reference')) assertions.push(...readReference(here));
  if (groups.has('combined')) assertions.push(...readCombined(here));
  if (groups.has('members')) assertions.push(...readMembers(here));
  if (groups.has('items')) assertions.push(...readItems(here));
  const cost = 2 + assertions.reduce((sum, assertion) => sum + costOf(assertion), 0);
  return keepNode(reading, schema, { assertions, cost, names: undefined, keyPatterns: [] });
}

type Group = 'leaf' | 'reference' | 'combined' | 'members' | 'items';

/** The keywords that lead to schemas, by the function that reads them: most schemas have few. */
const GROUPS: ReadonlyMap<string, Group> = new Map([
  ...of('reference', '$ref $anchor $id'),
  ...of('combined', 'allOf anyOf oneOf not if then else $defs definitions'),
  ...of('members', 'properties patternProperties additionalProperties propertyNames dependentSchemas dependencies'),
  ...of('items', 'items prefixItems additionalItems contains'),
]);

function of(group: Group, keywords: string): readonly (readonly [string, Group])[] {
  return keywords.split(' ').map((keyword) => [keyword, group] as const);
}

function costOf(assertion: Assertion): number {
  return assertion.kind === 'required' || assertion.kind === 'dependentRequired' ? 1 + assertion.names.length : 1;
}

function reportOdd(keyword: string, { at, reading }: Here): Group {
  const kind = KEYWORDS.get(keyword);
  const place = below(at, keyword);
  if (kind === 'refused') addFault(reading, place, `the keyword "${keyword}" can not be judged here`, helpWithRefused(keyword));
  else if (kind === undefined && takesFaults(reading))
    addFault(reading, place, `unknown keyword ${JSON.stringify(keyword)}`, helpWithUnknown(keyword), true);
  return 'leaf';
}

/** OpenAPI 3.0 has it; JSON Schema never had, so that null stays refused. */
function helpWithUnknown(keyword: string): string | undefined {
  return keyword === 'nullable' ? 'null stays refused: write "null" into the list of "type"' : didYouMean(keyword, KEYWORDS.keys());
}

function helpWithRefused(keyword: string): string | undefined {
  if (keyword === 'unevaluatedProperties') return 'write "additionalProperties"';
  return keyword === 'unevaluatedItems' ? 'write "items"' : undefined;
}

/** Older drafts wrote an anchor as an `$id` that is a fragment. */
function noteAnchors({ schema, base, at, reading }: Here): void {
  const [anchor, id] = [schema.get('$anchor'), schema.get('$id')];
  const names = [...(typeof anchor === 'string' ? [anchor] : []), ...(typeof id === 'string' && id.startsWith('#') ? [id.slice(1)] : [])];
  for (const name of names) {
    const key = `${base.id}#${name}`;
    if (reading.anchors.has(key)) addFault(reading, at, `the anchor ${JSON.stringify(name)} is there twice`);
    reading.anchors.set(key, schema);
  }
}

function readReference(here: Here): readonly Assertion[] {
  const { schema, base, at, reading } = here;
  noteAnchors(here);
  const text = schema.get('$ref');
  if (typeof text !== 'string') return [];
  const assertion = { kind: '$ref' as const, text, target: undefined };
  reading.references.push({ assertion, base, at });
  return [assertion];
}

/** A schema that a list or map holds under a name. */
function childOf(here: Here, holder: Json, step: string, schema: Json, at: SchemaPlace | undefined): SchemaNode {
  const { constants } = here.reading;
  if (typeof schema === 'boolean') constants.set(holder, (constants.get(holder) ?? new Set()).add(step));
  return readSchema(schema, below(at, step), here.base, here.reading);
}

/** The schema under a keyword. */
function schemaUnder(here: Here, keyword: string): SchemaNode | undefined {
  const value = here.schema.get(keyword);
  return value === undefined ? undefined : childOf(here, here.schema, keyword, value, here.at);
}

function schemasUnder(here: Here, keyword: string): readonly SchemaNode[] | undefined {
  const list = here.schema.get(keyword);
  if (list === undefined) return undefined;
  const at = below(here.at, keyword);
  if (isArray(list) && list.length > 0) return list.map((schema, index) => childOf(here, list, String(index), schema, at));
  addFault(here.reading, at, `"${keyword}" must be a list of schemas`);
  return undefined;
}

/** The members of the map under a keyword, with what holds them and where. */
function mapUnder(
  here: Here,
  keyword: string,
): readonly { readonly name: string; readonly value: Json; readonly read: () => SchemaNode }[] {
  const map = here.schema.get(keyword);
  const at = below(here.at, keyword);
  if (isObject(map)) return Array.from(map, ([name, value]) => ({ name, value, read: () => childOf(here, map, name, value, at) }));
  if (map !== undefined) addFault(here.reading, at, `"${keyword}" must be a map`);
  return [];
}

function readCombined(here: Here): readonly Assertion[] {
  const found: Assertion[] = [];
  for (const kind of ['allOf', 'anyOf', 'oneOf'] as const) {
    const of = schemasUnder(here, kind);
    if (of) found.push({ kind, of });
  }
  const not = schemaUnder(here, 'not');
  if (not) found.push({ kind: 'not', of: not });
  const [condition, then, otherwise] = [schemaUnder(here, 'if'), schemaUnder(here, 'then'), schemaUnder(here, 'else')];
  if (condition) found.push({ kind: 'if', condition, then, otherwise });
  // They are read for what references name.
  for (const keyword of ['$defs', 'definitions']) for (const { read } of mapUnder(here, keyword)) read();
  return found;
}

function readMembers(here: Here): readonly Assertion[] {
  const found: Assertion[] = [];
  const properties = new Map(mapUnder(here, 'properties').map(({ name, read }) => [name, read()]));
  const patterns = mapUnder(here, 'patternProperties').flatMap(({ name, read }) => {
    const of = read();
    const pattern = readKeyPattern(name, here);
    return pattern ? [{ pattern, of }] : [];
  });
  const additional = schemaUnder(here, 'additionalProperties');
  if (properties.size > 0 || patterns.length > 0 || additional) found.push({ kind: 'members', properties, patterns, additional });
  const names = schemaUnder(here, 'propertyNames');
  if (names) found.push({ kind: 'propertyNames', of: names });
  for (const { name, read } of mapUnder(here, 'dependentSchemas')) found.push({ kind: 'dependentSchemas', on: name, of: read() });
  for (const { name, value, read } of mapUnder(here, 'dependencies'))
    if (!isArray(value)) found.push({ kind: 'dependentSchemas', on: name, of: read() });
  return found;
}

function readKeyPattern(source: string, { at, reading }: Here): KeyPattern | undefined {
  const [exact, folded] = [reading.patterns(source), reading.patterns(source, true)];
  if (exact.ok && folded.ok) return { exact, folded };
  const why = exact.ok ? (folded.ok ? '' : folded.why) : exact.why;
  addFault(reading, below(at, 'patternProperties'), `RE2 refuses the pattern ${JSON.stringify(source)}: ${why}`);
  return undefined;
}

function readItems(here: Here): readonly Assertion[] {
  const found: Assertion[] = [];
  const list = here.schema.get('items');
  const isTuple = list !== undefined && isArray(list);
  if (isTuple) addFault(here.reading, below(here.at, 'items'), '"items" takes one schema', 'write "prefixItems"', true);
  // Before 2020-12 a list under `items` was what `prefixItems` is now, and `additionalItems` what `items` is.
  const prefix = schemasUnder(here, 'prefixItems') ?? (isTuple && list.length > 0 ? schemasUnder(here, 'items') : undefined) ?? [];
  const rest = schemaUnder(here, isTuple ? 'additionalItems' : 'items');
  if (prefix.length > 0 || rest) found.push({ kind: 'items', prefix, rest });
  const of = schemaUnder(here, 'contains');
  const [min, max] = [here.schema.get('minContains'), here.schema.get('maxContains')];
  const numberOf = (value: Json | undefined, absent: number) => (isNumber(value) ? Number(value.number) : absent);
  if (of) found.push({ kind: 'contains', of, min: numberOf(min, 1), max: numberOf(max, Number.POSITIVE_INFINITY) });
  return found;
}
