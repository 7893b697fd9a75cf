/** policy.md §3: an object with a key that only looks like one that the schema names is unknown, wherever it stands. */
import { beforeAll, describe, expect, test } from 'bun:test';
import { canonicalText } from '../../src/core/fingerprint.ts';
import type { Json } from '../../src/core/json.ts';
import type { SchemaCheck } from '../../src/core/policy.ts';
import { readJson } from '../../src/mcp/json/values.ts';
import { loadSchemaCompiler } from '../../src/policy/schema/schema.ts';

let compile: (schema: Json) => SchemaCheck;
beforeAll(async () => {
  const compiler = await loadSchemaCompiler();
  compile = (schema) => compiler({ key: canonicalText(schema), read: () => schema });
});

const LIMIT = '{"properties":{"amount":{"maximum":100}}}';
const DEFS = `"$defs":{"limit":${LIMIT},"names":{"enum":["amount"]},"deep":{"$ref":"#/$defs/limit"}}`;
/** Each passes `{"amount": 1}` where the schema stands, and has to deny what only looks like it. */
const SCHEMAS: readonly (readonly [string, string, (order: string) => string])[] = [
  ['properties', LIMIT, (order) => order],
  ['required', '{"required":["amount"]}', (order) => order],
  ['patternProperties', '{"patternProperties":{"^amount$":{"maximum":100}}}', (order) => order],
  ['patternProperties in capitals', '{"patternProperties":{"^(?:AMOUNT|amount)$":{"maximum":100}}}', (order) => order],
  ['patternProperties with its own flags', '{"patternProperties":{"^(?-i:amount)$":{"maximum":100}}}', (order) => order],
  ['additionalProperties beside', `{"properties":{"amount":{"maximum":100}},"additionalProperties":{"type":"number"}}`, (order) => order],
  ['dependentRequired', '{"dependentRequired":{"amount":["amount"]}}', (order) => order],
  ['dependentRequired, what it needs', '{"dependentRequired":{"to":["amount"]}}', (order) => order],
  ['dependentSchemas', '{"dependentSchemas":{"amount":true}}', (order) => order],
  ['dependencies, names', '{"dependencies":{"amount":["amount"]}}', (order) => order],
  ['dependencies, a schema', '{"dependencies":{"amount":true}}', (order) => order],
  ['propertyNames enum', '{"propertyNames":{"not":{"enum":["admin","amount"],"const":"admin"}}}', (order) => order],
  ['propertyNames pattern', '{"propertyNames":{"anyOf":[{"pattern":"^amount$"},true]}}', (order) => order],
  ['propertyNames by reference', `{${DEFS},"propertyNames":{"anyOf":[{"$ref":"#/$defs/names"},true]}}`, (order) => order],
  ['$ref', `{${DEFS},"$ref":"#/$defs/deep"}`, (order) => order],
  ['allOf', `{"allOf":[true,${LIMIT}]}`, (order) => order],
  ['anyOf', `{"anyOf":[${LIMIT},true]}`, (order) => order],
  ['oneOf', `{"oneOf":[false,${LIMIT}]}`, (order) => order],
  ['not', '{"not":{"properties":{"amount":{"minimum":100}},"required":["amount"]}}', (order) => order],
  ['not not', `{"not":{"not":${LIMIT}}}`, (order) => order],
  ['if', '{"if":{"required":["amount"]},"then":true,"else":true}', (order) => order],
  ['then', `{"if":true,"then":${LIMIT}}`, (order) => order],
  ['else', `{"if":false,"else":${LIMIT}}`, (order) => order],
  ['a property', `{"properties":{"order":${LIMIT}}}`, (order) => `{"order":${order}}`],
  ['items', `{"items":{"items":${LIMIT}}}`, (order) => `[[{"amount":1}],[${order}]]`],
  ['prefixItems', `{"prefixItems":[true,${LIMIT}]}`, (order) => `[0,${order}]`],
  ['a tuple of an older draft', `{"items":[${LIMIT}],"additionalItems":false}`, (order) => `[${order}]`],
  ['contains', `{"contains":${LIMIT}}`, (order) => `[${order}]`],
  ['additionalProperties', `{"additionalProperties":${LIMIT}}`, (order) => `{"any":${order}}`],
  ['const', '{"anyOf":[{"const":{"amount":1}},true]}', (order) => order],
  ['not const', '{"not":{"const":{"amount":9999}}}', (order) => order],
  ['not enum', '{"not":{"enum":[1,{"amount":9999},[{"amount":9999}]]}}', (order) => order],
  ['not enum, in a list', '{"not":{"enum":[1,{"amount":9999},[{"amount":9999}]]}}', (order) => `[${order}]`],
  ['not const, deep', '{"not":{"const":{"a":[{"b":{"amount":9999}}]}}}', (order) => `{"a":[{"b":${order}}]}`],
  ['required: true on the property', '{"properties":{"amount":{"required":true}}}', (order) => order],
];
const KEYS = [
  'Amount',
  'AMOUNT',
  'am\u00adount',
  'ａmount',
  'ＡＭＯＵＮＴ',
  ' amount',
  'amount\t',
  'amount\0',
  'amount\0x',
  '\ufeffamount',
  'a\u0001mount',
  'amount\ufffd',
];

describe.each(SCHEMAS)('%s', (_, schema, around) => {
  test('the very name passes', () => {
    expect(compile(readJson(schema))(readJson(around('{"amount":1}'))).ok).toBe(true);
  });

  test.each(KEYS)('%j is denied', (key) => {
    const check = compile(readJson(schema));
    const name = JSON.stringify(key);
    for (const order of [`{"amount":1,${name}:9999}`, `{${name}:9999,"amount":1}`, `{${name}:9999}`])
      expect(check(readJson(around(order))).ok).toBe(false);
  });
});

test('folds as far as readers do: sharp s, long s, the Kelvin sign, a dotted capital I', () => {
  const denies = (name: string, key: string) =>
    !compile(readJson(`{"properties":{${JSON.stringify(name)}:true}}`))(new Map([[key, null]])).ok;
  expect([
    denies('strasse', 'straße'),
    denies('is', 'iſ'),
    denies('key', '\u212aey'),
    denies('id', 'İd'),
    denies('STRAẞE', 'strasse'),
  ]).toEqual([true, true, true, true, true]);
});

test('keys that look like no name are no matter, and two names that look alike are both names', () => {
  const passes = (schema: string, value: string) => compile(readJson(schema))(readJson(value)).ok;
  expect(passes(LIMIT, '{"amounts":1,"AccountId":2,"X":3,"x":4}')).toBe(true);
  expect(passes('{"properties":{"amount":true,"Amount":true}}', '{"amount":1,"Amount":2}')).toBe(true);
  expect(passes('{"properties":{"Amount":true},"patternProperties":{"^[a-z]+$":true}}', '{"Amount":2}')).toBe(true);
  expect(passes('{"additionalProperties":{"type":"number"}}', '{"amount":1,"Amount":2}')).toBe(true);
});
