/** The published JSON Schema of the format, for editors: made of the same description as the checker. */
import type { Action } from '../../core/policy.ts';
import { POLICY, RULE, RULE_KEYS } from './format.ts';
import { ARGUMENT_CONDITION, CONDITION, STATE_VALUES, VALUES } from './format-conditions.ts';
import type { Shape } from './shape.ts';

/** JSON as it is written to the file. */
export type SchemaJson = boolean | { readonly [key: string]: unknown };

const NAMED: ReadonlyMap<Shape, string> = new Map([
  [RULE, 'rule'],
  [CONDITION, 'condition'],
  [ARGUMENT_CONDITION, 'argumentCondition'],
]);
const ACTIONS: readonly Action[] = ['evaluate', 'allow', 'deny', 'require_approval'];

/** The text of `schema/policy.schema.json`. */
export function renderPolicySchema(): string {
  return `${JSON.stringify(policySchema(), undefined, 2)}\n`;
}

/** The schema itself. */
export function policySchema(): SchemaJson {
  const named = [...NAMED].map(([shape, name]) => [name, renderShape(shape, true)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Intercept policy',
    ...(renderShape(POLICY) as object),
    $defs: Object.fromEntries(named),
  };
}

function renderShape(shape: Shape, definition = false): SchemaJson {
  const name = definition ? undefined : NAMED.get(shape);
  if (name !== undefined) return { $ref: `#/$defs/${name}` };
  switch (shape.kind) {
    case 'any':
      return true;
    case 'schema':
      return { type: ['object', 'boolean'] };
    case 'boolean':
      return { type: 'boolean' };
    case 'choice':
    case 'exactly':
      return { enum: shape.values };
    case 'text':
      return { type: 'string', ...(shape.pattern && { pattern: shape.pattern.source }) };
    case 'number':
      return renderNumber(shape);
    case 'either':
      return { anyOf: shape.of.map((one) => renderShape(one)) };
    case 'list':
      return { type: 'array', items: renderShape(shape.of), ...(shape.min > 0 && { minItems: shape.min }) };
    case 'table':
      return renderTable(shape);
    case 'map':
      return renderMap(shape);
  }
}

function renderNumber(shape: Extract<Shape, { kind: 'number' }>): SchemaJson {
  return {
    type: shape.integer ? 'integer' : 'number',
    ...(shape.min !== undefined && { minimum: shape.min }),
    ...(shape.above !== undefined && { exclusiveMinimum: shape.above }),
    ...(shape.max !== undefined && { maximum: shape.max }),
  };
}

function renderTable(shape: Extract<Shape, { kind: 'table' }>): SchemaJson {
  return {
    type: 'object',
    additionalProperties: renderShape(shape.of),
    propertyNames: { minLength: 1, ...(shape.notKeys && { not: { enum: shape.notKeys } }) },
    ...(shape.min > 0 && { minProperties: shape.min }),
  };
}

function renderMap(shape: Extract<Shape, { kind: 'map' }>): SchemaJson {
  const keys = Object.entries(shape.keys);
  const required = keys.filter(([, key]) => key.required).map(([name]) => name);
  const all = [
    ...keys.flatMap(([name, key]) => (key.not === undefined ? [] : [{ not: { required: [name, key.not] } }])),
    ...renderExtra(shape.extra),
  ];
  return {
    type: 'object',
    properties: Object.fromEntries(keys.map(([name, key]) => [name, describe(renderShape(key.shape), key.about, key.aliasOf)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
    ...(shape.anyOf && { anyOf: shape.anyOf.map((name) => ({ required: [name] })) }),
    ...(all.length > 0 && { allOf: all }),
  };
}

function describe(schema: SchemaJson, about: string, aliasOf: string | undefined): SchemaJson {
  return { description: about, ...(aliasOf !== undefined && { deprecated: true }), ...(schema === true ? {} : (schema as object)) };
}

function renderExtra(extra: Extract<Shape, { kind: 'map' }>['extra']): readonly SchemaJson[] {
  if (extra === 'rule') return [...ACTIONS.map(renderAction), renderNeedsClause()];
  return extra === 'condition' ? renderOperators() : [];
}

/** `if` the action is this one; a rule without an action evaluates. */
function ifAction(action: Action): SchemaJson {
  return { properties: { action: { const: action } }, ...(action !== 'evaluate' && { required: ['action'] }) };
}

function ifThen(condition: SchemaJson, then: SchemaJson, otherwise?: SchemaJson): SchemaJson {
  return { if: condition, then, ...(otherwise !== undefined && { else: otherwise }) };
}

function renderAction(action: Action): SchemaJson {
  const refused = Object.entries(RULE_KEYS).filter(([, key]) => key.on && !key.on.includes(action));
  return ifThen(ifAction(action), { properties: Object.fromEntries(refused.map(([name]) => [name, false])) });
}

function renderNeedsClause(): SchemaJson {
  const clauses = Object.entries(RULE_KEYS).filter(([, key]) => key.clause);
  return ifThen(ifAction('evaluate'), { anyOf: clauses.map(([name]) => ({ required: [name] })) });
}

function renderOperators(): readonly SchemaJson[] {
  const state = { properties: { path: { type: 'string', pattern: '^state' } }, required: ['path'] };
  const numeric = { properties: { op: { enum: Object.keys(STATE_VALUES) } }, allOf: renderValues(STATE_VALUES) };
  return [ifThen(state, numeric, { allOf: renderValues(VALUES) })];
}

function renderValues(operators: Readonly<Record<string, Shape>>): readonly SchemaJson[] {
  return Object.entries(operators)
    .filter(([, shape]) => shape.kind !== 'any')
    .map(([op, shape]) => ifThen({ properties: { op: { const: op } }, required: ['op'] }, { properties: { value: renderShape(shape) } }));
}
