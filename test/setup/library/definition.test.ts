/** A definition is the same where only texts, defaults and order differ, and another where an argument does. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fromPlain, renderJson } from '../../../src/mcp/json/values.ts';
import { hashDefinition, normaliseSchema } from '../../../src/setup/library/definition.ts';

const hashOf = (inputSchema: unknown, name = 'pay') => hashDefinition({ name, inputSchema: fromPlain(inputSchema) });

const PAY = {
  type: 'object',
  properties: { amount: { type: 'integer' }, mode: { enum: ['live', 'test'] }, to: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
  required: ['amount', 'to'],
};

test('texts, defaults, bounds and order are no part of a definition', () => {
  const other = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'payArguments',
    required: ['to', 'amount'],
    type: 'object',
    properties: {
      to: { anyOf: [{ type: 'null' }, { type: 'string', minLength: 1 }], default: '/home/someone', title: 'To' },
      mode: { enum: ['test', 'live'], default: 'test', description: 'live charges' },
      amount: { type: 'integer', minimum: 1, examples: [5], description: 'in cents' },
    },
  };
  expect(hashOf(other)).toBe(hashOf(PAY));
});

for (const [what, schema] of [
  ['a further argument', { ...PAY, properties: { ...PAY.properties, force: { type: 'boolean' } } }],
  ['another type', { ...PAY, properties: { ...PAY.properties, amount: { type: 'string' } } }],
  ['another requirement', { ...PAY, required: ['amount'] }],
  ['another value', { ...PAY, properties: { ...PAY.properties, mode: { enum: ['live'] } } }],
  ['arguments that nobody names', { ...PAY, additionalProperties: false }],
  ['an argument that is called as a keyword', { ...PAY, properties: { ...PAY.properties, default: {} } }],
] as const) {
  test(`${what} makes another definition`, () => expect(hashOf(schema)).not.toBe(hashOf(PAY)));
}

test('another name makes another definition', () => expect(hashOf(PAY, 'Pay')).not.toBe(hashOf(PAY)));

test('what is normalised stays as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const once = normaliseSchema(fromPlain(value));
      expect(renderJson(normaliseSchema(once))).toBe(renderJson(once));
    }),
  );
});

test('a schema without an end of depth is cut, and equal to none that was recorded', () => {
  const deep = (depth: number, end: unknown): unknown => {
    let schema = end;
    for (let i = 0; i < depth; i++) schema = { type: 'array', items: schema };
    return schema;
  };
  expect(hashOf(deep(1000, { type: 'string' }))).toBe(hashOf(deep(1100, { type: 'number' })));
  expect(renderJson(normaliseSchema(fromPlain(deep(1000, {}))))).toContain('"cut"');
  expect(renderJson(normaliseSchema(fromPlain(deep(50, {}))))).not.toContain('"cut"');
});
