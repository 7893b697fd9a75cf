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

export const TYPES: readonly string[] = ['null', 'boolean', 'string', 'number', 'integer', 'array', 'object'];

function of(kind: KeywordKind, names: string): readonly (readonly [string, KeywordKind])[] {
  return names.split(' ').map((name) => [name, kind] as const);
}
