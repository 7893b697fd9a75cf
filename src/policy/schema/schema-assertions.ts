/** The keywords of a JSON Schema that lead to no other schema. */
import { type Decimal, parseDecimal } from '../../core/decimal.ts';
import { canonicalText } from '../../core/fingerprint.ts';
import { isArray, isNumber, isObject, type Json } from '../../core/json.ts';
import type { AllowedValues, Assertion, BoundKeyword, CountKeyword } from './schema-node.ts';
import { addFault, below, type Here } from './schema-reading.ts';

/** Reads them; `type` first. */
export function readLeaves(here: Here): readonly Assertion[] {
  const found: Assertion[] = [];
  for (const [keyword, value] of here.schema) {
    const kind = KEYWORDS.get(keyword);
    if (kind === undefined) continue;
    const assertions = readLeaf(keyword, kind, value, here);
    if (keyword === 'type') found.unshift(...assertions);
    else found.push(...assertions);
  }
  return [...found, ...requiredByThemselves(here)];
}

function readLeaf(keyword: string, kind: KeywordKind, value: Json, here: Here): readonly Assertion[] {
  const expected = EXPECTED[kind];
  if (kind === 'pattern') return readPattern(value, here);
  if (kind === 'names-map' || kind === 'dependencies') return readDependents(keyword, value, here);
  if (expected === undefined && kind !== 'value') return [];
  if (isOfKind(kind, value)) return assertionOf(keyword, value);
  return readOldDraft(keyword, value, here) ?? refuse(here, keyword, `"${keyword}" must be ${expected ?? 'something else'}`);
}

function refuse({ reading, at }: Here, keyword: string, message: string): readonly Assertion[] {
  addFault(reading, below(at, keyword), message);
  return [];
}

function assertionOf(keyword: string, value: Json): readonly Assertion[] {
  switch (keyword) {
    case 'type':
      return [{ kind: 'type', types: isArray(value) ? textsOf(value) : textsOf([value]) }];
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return bound(keyword, value);
    case 'multipleOf':
      return decimalOf(value).map((divisor) => ({ kind: 'multipleOf', divisor }));
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
    case 'minProperties':
    case 'maxProperties':
      return [count(keyword, value)];
    case 'uniqueItems':
      return value === true ? [{ kind: 'uniqueItems' }] : [];
    case 'enum':
      return [{ kind: 'enum', values: valuesOf(isArray(value) ? value : []) }];
    case 'const':
      return [{ kind: 'const', values: valuesOf([value]) }];
    case 'required':
      return [{ kind: 'required', names: textsOf(value) }];
    default:
      return [];
  }
}

function bound(keyword: BoundKeyword, value: Json): readonly Assertion[] {
  return decimalOf(value).map((limit) => ({ kind: 'bound', keyword, limit }));
}

function count(keyword: CountKeyword, value: Json): Assertion {
  return { kind: 'count', keyword, limit: isNumber(value) ? Number(value.number) : 0 };
}

function decimalOf(value: Json | undefined): readonly Decimal[] {
  const decimal = isNumber(value) ? parseDecimal(value.number) : undefined;
  return decimal ? [decimal] : [];
}

function textsOf(value: Json): readonly string[] {
  return isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function valuesOf(all: readonly Json[]): AllowedValues {
  const isStructured = (value: Json) => isArray(value) || isObject(value);
  return {
    texts: new Set(textsOf(all)),
    others: new Set(all.filter((value) => typeof value !== 'string' && !isStructured(value)).map(canonicalText)),
    structured: all.filter(isStructured),
  };
}

function readPattern(source: Json, here: Here): readonly Assertion[] {
  if (typeof source !== 'string') return refuse(here, 'pattern', '"pattern" must be a text');
  const matcher = here.reading.patterns(source);
  if (matcher.ok) return [{ kind: 'pattern', source, matcher }];
  return refuse(here, 'pattern', `RE2 refuses the pattern ${JSON.stringify(source)}: ${matcher.why}`);
}

/** Of `dependencies` the lists; its schemas are read with the others. */
function readDependents(keyword: string, map: Json, here: Here): readonly Assertion[] {
  if (!isObject(map)) return keyword === 'dependencies' ? [] : refuse(here, keyword, `"${keyword}" must be a map`);
  return Array.from(map).flatMap(([on, names]): readonly Assertion[] => {
    if (isOfKind('names', names)) return [{ kind: 'dependentRequired', on, names: textsOf(names) }];
    if (keyword === 'dependencies' && !isArray(names)) return [];
    addFault(here.reading, below(below(here.at, keyword), on), 'must be a list of names');
    return [];
  });
}

/**
 * Reads what draft 3 and 4 wrote as a boolean: `exclusiveMinimum: true` beside a `minimum`, and `required: true` on a property,
 * which the schema above reads. Both can be read in one way only.
 */
function readOldDraft(keyword: string, value: Json, here: Here): readonly Assertion[] | undefined {
  if (typeof value !== 'boolean') return undefined;
  const isProperty = here.at?.up?.step === 'properties';
  const limit = keyword === 'exclusiveMinimum' ? 'minimum' : keyword === 'exclusiveMaximum' ? 'maximum' : undefined;
  if (limit === undefined && (keyword !== 'required' || (value && !isProperty))) return undefined;
  const [decimal] = decimalOf(limit && here.schema.get(limit));
  if (limit && value && !decimal) return undefined;
  addFault(here.reading, below(here.at, keyword), `"${keyword}" is written as in an older draft`, helpWithOld(keyword), true);
  return limit && value && decimal ? [{ kind: 'bound', keyword: keyword as BoundKeyword, limit: decimal }] : [];
}

function helpWithOld(keyword: string): string {
  return keyword === 'required' ? 'write the names of required properties as a list' : 'write the bound itself';
}

/** Properties that say of themselves that they are required. */
function requiredByThemselves({ schema }: Here): readonly Assertion[] {
  const names = selfRequired(schema.get('properties'));
  return names.length > 0 ? [{ kind: 'required', names }] : [];
}

function selfRequired(properties: Json | undefined): readonly string[] {
  if (!isObject(properties)) return [];
  return Array.from(properties).flatMap(([name, property]) => (isObject(property) && property.get('required') === true ? [name] : []));
}

const TYPES: readonly string[] = ['null', 'boolean', 'string', 'number', 'integer', 'array', 'object'];

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

/** A bound that a decimal cannot hold would be a bound that does not hold. */
function isNumberOfKind(kind: 'number' | 'positive' | 'count', text: string): boolean {
  const value = parseDecimal(text);
  if (!value || value.digits.length > 400 || Math.abs(value.point) > 1_000) return false;
  if (kind === 'positive') return value.digits !== '' && !value.negative;
  return kind === 'number' || (Number.isSafeInteger(Number(text)) && Number(text) >= 0);
}

function isType(value: Json): boolean {
  return typeof value === 'string' && TYPES.includes(value);
}

/** The keywords of JSON Schema 2020-12 and what stands under them; those of older drafts that servers still send. */
export type KeywordKind =
  | 'schema'
  | 'schemas'
  | 'schema-map'
  | 'pattern-map'
  | 'items'
  | 'number'
  | 'positive'
  | 'count'
  | 'boolean'
  | 'text'
  | 'pattern'
  | 'type'
  | 'values'
  | 'value'
  | 'names'
  | 'names-map'
  | 'dependencies'
  | 'note'
  | 'refused';

export const KEYWORDS: ReadonlyMap<string, KeywordKind> = new Map([
  ...of('schema', 'additionalProperties contains not if then else propertyNames'),
  ...of('schemas', 'allOf anyOf oneOf prefixItems'),
  ...of('schema-map', 'properties $defs definitions dependentSchemas'),
  ...of('pattern-map', 'patternProperties'),
  ...of('items', 'items'),
  ...of('number', 'minimum maximum exclusiveMinimum exclusiveMaximum'),
  ...of('positive', 'multipleOf'),
  ...of('count', 'minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains'),
  ...of('boolean', 'uniqueItems'),
  ...of('text', '$ref $anchor $id'),
  // They depend on the way by which a schema was reached: nobody needs them in a tool, and a schema that has one judges nothing.
  ...of('refused', '$dynamicRef $dynamicAnchor $recursiveRef $recursiveAnchor unevaluatedItems unevaluatedProperties'),
  ...of('pattern', 'pattern'),
  ...of('type', 'type'),
  ...of('values', 'enum'),
  ...of('value', 'const'),
  ...of('names', 'required'),
  ...of('names-map', 'dependentRequired'),
  ...of('dependencies', 'dependencies'),
  // Annotations assert nothing; `format` is one of them in 2020-12.
  ...of('note', 'title description default examples deprecated readOnly writeOnly format contentEncoding contentMediaType contentSchema'),
  ...of('note', '$comment $schema $vocabulary additionalItems'),
]);

function of(kind: KeywordKind, names: string): readonly (readonly [string, KeywordKind])[] {
  return names.split(' ').map((name) => [name, kind] as const);
}
