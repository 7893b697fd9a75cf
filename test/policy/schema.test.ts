import { beforeAll, describe, expect, test } from 'bun:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { canonicalText } from '../../src/core/fingerprint.ts';
import type { Json } from '../../src/core/json.ts';
import type { SchemaCheck } from '../../src/core/policy.ts';
import { toJson } from '../../src/policy/format/tree.ts';
import { parseYaml } from '../../src/policy/format/yaml.ts';
import { openPositions, openReport } from '../../src/policy/report.ts';
import { loadSchemaCompiler } from '../../src/policy/schema/schema.ts';

let compile: (schema: Json) => SchemaCheck;
beforeAll(async () => {
  const compiler = await loadSchemaCompiler();
  compile = (schema) => compiler({ key: canonicalText(schema), read: () => schema });
});

/** JSON is YAML; numbers keep their text. */
function json(text: string): Json {
  const node = parseYaml(text, openReport(openPositions(text)));
  if (!node) throw new Error(`not JSON: ${text}`);
  return toJson(node);
}

function verdict(schema: string, value: string): boolean {
  return compile(json(schema))(json(value)).ok;
}

describe('policy.md §3: numbers compare by exact value', () => {
  test.each([
    ['{"maximum":9007199254740991}', '9007199254740991', true],
    ['{"maximum":9007199254740992}', '9007199254740993', false],
    ['{"maximum":0.1}', '0.1', true],
    ['{"exclusiveMaximum":0.1}', '0.1', false],
    ['{"exclusiveMaximum":0.3}', '0.30000000000000004', false],
    ['{"minimum":0.3}', '0.29999999999999999', false],
    ['{"multipleOf":0.01}', '19.99', true],
    ['{"multipleOf":0.01}', '19.999', false],
    ['{"multipleOf":0.1}', '0.3', true],
    ['{"multipleOf":3}', '1e300', false],
    ['{"multipleOf":1e-300}', '1', true],
    ['{"multipleOf":7}', '0', true],
    ['{"multipleOf":7}', '-21', true],
    ['{"const":1}', '1.0', true],
    ['{"const":1}', '"1"', false],
    ['{"enum":[1.50]}', '1.5', true],
    ['{"enum":[9007199254740993]}', '9007199254740992', false],
    ['{"const":{"a":[1],"b":null}}', '{"b":null,"a":[1.0]}', true],
    ['{"uniqueItems":true}', '[1,1.0]', false],
    ['{"uniqueItems":true}', '[{"a":1,"b":2},{"b":2,"a":1}]', false],
    ['{"uniqueItems":true}', '[1,"1",true,"true",null,"null"]', true],
    ['{"uniqueItems":false}', '[1,1]', true],
    ['{"type":"integer"}', '5.0', true],
    ['{"type":"integer"}', '1e22', true],
    ['{"type":"integer"}', '5.5', false],
  ] as const)('%s of %s', (schema, value, ok) => {
    expect(verdict(schema, value)).toBe(ok);
  });

  test.each([
    ['{"maximum":9007199254740992}', '9007199254740992.0000001', false],
    ['{"maximum":1e400}', '9e399', true],
    ['{"maximum":1e400}', '1.1e400', false],
    ['{"minimum":1e-400}', '1e-401', false],
    ['{"multipleOf":0.1}', '0.1000000000000000055511151231257827', false],
    ['{"multipleOf":3}', '9007199254740993', true],
    ['{"type":"integer"}', '9007199254740993.5', false],
    ['{"enum":[9007199254740993]}', '9007199254740993', true],
    ['{"uniqueItems":true}', '[9007199254740992,9007199254740993]', true],
    ['{"type":"object"}', '{"free":[1e99999999999999999999]}', true],
  ] as const)('%s of %s, which no double holds', (schema, value, ok) => {
    expect(verdict(schema, value)).toBe(ok);
  });

  test.each(['{"maximum":1}', '{"minimum":1}', '{"multipleOf":2}', '{"type":"integer"}', '{"not":{"type":"integer"}}'])(
    '%s of a number that can not be compared is denied',
    (schema) => {
      expect(compile(json(schema))(json('1e99999999999999999999'))).toEqual({
        ok: false,
        why: 'the number 1e99999999999999999999 can not be judged exactly',
      });
    },
  );

  test('a multiple of a number with a thousand times as many places is denied', () => {
    expect(verdict('{"multipleOf":1e-300}', '1e99999')).toBe(false);
    expect(verdict('{"not":{"multipleOf":1e-300}}', '1e99999')).toBe(false);
  });
});

describe('policy.md §3: a schema that can not be used denies', () => {
  test.each([
    ['{"$ref":"https://example.com/x.json"}', /names nothing inside the schema/],
    ['{"$ref":"#/$defs/none"}', /names nothing inside the schema/],
    ['{"pattern":"(?=a)"}', /RE2 refuses/],
    ['{"patternProperties":{"(?!a)":true}}', /RE2 refuses/],
    ['{"type":"text"}', /"type" must be one of/],
    ['{"maxLength":-1}', /"maxLength" must be/],
    ['{"maxLength":1.5}', /"maxLength" must be/],
    ['{"minimum":"1"}', /"minimum" must be a number/],
    ['{"minimum":1e99999}', /"minimum" must be a number/],
    ['{"multipleOf":0}', /"multipleOf" must be/],
    ['{"enum":[]}', /"enum" must be/],
    ['{"required":[1]}', /"required" must be/],
    ['{"properties":[]}', /"properties" must be a map/],
    ['{"properties":{"a":1}}', /a schema is a map/],
    ['{"allOf":{}}', /"allOf" must be a list/],
    ['{"unevaluatedProperties":false}', /can not be judged/],
    ['{"$dynamicRef":"#a"}', /can not be judged/],
    ['"text"', /a schema is a map/],
    ['7', /a schema is a map/],
    ['null', /a schema is a map/],
  ] as const)('%s', (schema, why) => {
    const found = compile(json(schema))(json('{}'));
    expect(found.ok).toBe(false);
    if (!found.ok) expect(found.why).toMatch(why);
  });

  test('over 256 KiB', () => {
    const found = compile(new Map([['description', 'x'.repeat(262_145)]]))(null);
    expect(found).toEqual({ ok: false, why: 'the schema can not be used: it is over 256 KiB' });
  });

  test('nesting without end', () => {
    let schema: Json = true;
    for (let depth = 0; depth < 5_000; depth++) schema = new Map([['not', schema]]);
    expect(compile(schema)(null).ok).toBe(false);
  });
});

describe("SECURITY: a stranger's schema", () => {
  test('switches on nothing: $async, $data, nullable, x-step', () => {
    expect(verdict('{"$async":true,"type":"string"}', '1')).toBe(false);
    expect(verdict('{"type":"string","nullable":true}', 'null')).toBe(false);
    expect(verdict('{"properties":{"a":{"maximum":{"$data":"1/b"}}}}', '{"a":1,"b":5}')).toBe(false);
    expect(verdict('{"x-step":false,"type":"string"}', '"a"')).toBe(true);
  });

  test('puts no code in: names are names', () => {
    const name = '"];globalThis.pwned=1;//\\n` + globalThis.pwned=1 + `';
    const schema = new Map<string, Json>([
      ['properties', new Map([[name, new Map([['type', 'string']])]])],
      ['required', [name]],
    ]);
    const check = compile(schema);
    expect([check(new Map([[name, 'x']])).ok, check(new Map([[name, { number: '1' }]])).ok, check(new Map()).ok]).toEqual([
      true,
      false,
      false,
    ]);
    expect('pwned' in globalThis).toBe(false);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('an inherited %s is not present', (name) => {
    expect(verdict(`{"required":["${name}"]}`, '{}')).toBe(false);
    expect(verdict(`{"required":["${name}"]}`, `{"${name}":1}`)).toBe(true);
    expect(verdict('{"additionalProperties":false}', `{"${name}":1}`)).toBe(false);
    expect(verdict('{"propertyNames":{"maxLength":1}}', `{"${name}":1}`)).toBe(false);
    expect(verdict('{"const":{}}', `{"${name}":1}`)).toBe(false);
    expect(verdict(`{"properties":{"${name}":{"type":"string"}}}`, `{"${name}":1}`)).toBe(false);
    expect(verdict(`{"properties":{"${name}":{"type":"string"}}}`, `{"${name}":"x"}`)).toBe(true);
  });

  test('an endless reference ends', () => {
    expect(verdict('{"$ref":"#"}', '1')).toBe(false);
    expect(verdict('{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}', '1')).toBe(false);
  });

  test('references that double at every step end in a denial, soon', () => {
    const levels = Array.from({ length: 40 }, (_, i) => `"l${i}":{"anyOf":[{"$ref":"#/$defs/l${i + 1}"},{"$ref":"#/$defs/l${i + 1}"}]}`);
    const start = performance.now();
    const found = compile(json(`{"$defs":{${levels},"l40":{"type":"string"}},"$ref":"#/$defs/l0"}`))(json('1'));
    expect(found).toEqual({ ok: false, why: 'the schema takes too many steps' });
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test('a recursive schema that doubles with the depth of the value ends too', () => {
    const value = `${'['.repeat(50)}1${']'.repeat(50)}`;
    expect(verdict('{"items":{"allOf":[{"$ref":"#"},{"$ref":"#"}]},"not":{"const":0}}', value)).toBe(false);
  });

  test('an ordinary recursive schema passes', () => {
    const tree =
      '{"type":"object","properties":{"value":{"type":"number"},"children":{"type":"array","items":{"$ref":"#"}}},"required":["value"]}';
    expect(verdict(tree, '{"value":1,"children":[{"value":2,"children":[{"value":3}]}]}')).toBe(true);
    expect(verdict(tree, '{"value":1,"children":[{"value":2,"children":[{"valu":3}]}]}')).toBe(false);
  });

  test('uniqueItems of a long list of objects is not quadratic', () => {
    const items = Array.from({ length: 40_000 }, (_, i) => new Map([['n', { number: String(i) }]]));
    const start = performance.now();
    expect(compile(json('{"uniqueItems":true}'))(items).ok).toBe(true);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test('two schemas of one id do not meet', () => {
    const one = compile(json('{"$id":"https://example.com/a","type":"string"}'));
    const two = compile(json('{"$id":"https://example.com/a","type":"number"}'));
    expect([one('a').ok, two('a').ok]).toEqual([true, false]);
    expect(verdict('{"$ref":"https://example.com/a"}', '"a"')).toBe(false);
  });
});

describe('patterns are those of ECMA-262, run in RE2', () => {
  test.each([
    ['^\\s$', '\u00a0', true],
    ['^\\S+$', 'a\u00a0b', false],
    ['^\\S+$', 'a\ufeff', false],
    ['^[\\S]$', '\u2003', false],
    ['^[^\\s]$', '\u2003', false],
    ['^[^\\S]$', '\u2003', true],
    ['^.+$', 'a\rb', false],
    ['^.+$', 'a\u2028b', false],
    ['^.+$', 'a\u0085b', true],
    ['^[.]+$', 'a', false],
    ['^\\.\\\\.$', '.\\x', true],
    ['^[[:alpha:].]+$', 'a.b', true],
    ['^[[:alpha:].]+$', 'a,b', false],
    ['^(?s:.)$', '\n', true],
    ['^\\Q.\\E$', 'x', false],
  ] as const)('%s of %j', (pattern, value, ok) => {
    expect(compile(new Map([['pattern', pattern]]))(value).ok).toBe(ok);
  });
});

describe('older drafts that servers send', () => {
  test.each([
    ['{"minimum":0,"exclusiveMinimum":true}', '0', false],
    ['{"minimum":0,"exclusiveMinimum":true}', '0.1', true],
    ['{"minimum":0,"exclusiveMinimum":false}', '0', true],
    ['{"maximum":9,"exclusiveMaximum":true}', '9', false],
    ['{"exclusiveMaximum":true}', '9', false],
    ['{"properties":{"a":{"type":"string","required":true}}}', '{}', false],
    ['{"properties":{"a":{"type":"string","required":true}}}', '{"a":"x"}', true],
    ['{"properties":{"a":{"type":"string","required":false}}}', '{}', true],
    ['{"required":true}', '{}', false],
    ['{"properties":{"a":{"items":{"required":true}}}}', '{}', false],
    ['{"type":"string","nullable":true}', 'null', false],
  ] as const)('%s of %s', (schema, value, ok) => {
    expect(verdict(schema, value)).toBe(ok);
  });

  test('$schema of draft 7, definitions, and a list under items', () => {
    const schema =
      '{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"s":{"type":"string"}},"items":[{"$ref":"#/definitions/s"}],"additionalItems":false}';
    expect(verdict(schema, '["a"]')).toBe(true);
    expect(verdict(schema, '[1]')).toBe(false);
    expect(verdict(schema, '["a","b"]')).toBe(false);
  });

  test('unknown keywords and formats assert nothing', () => {
    expect(verdict('{"type":"string","format":"email","x-order":1}', '"not an address"')).toBe(true);
  });
});

test('why names the place and the keyword', () => {
  const why = (schema: string, value: string) => compile(json(schema))(json(value));
  expect(why('{"properties":{"to":{"maxItems":1}}}', '{"to":[1,2]}')).toEqual({ ok: false, why: '/to fails "maxItems"' });
  expect(why('{"required":["to"]}', '{}')).toEqual({ ok: false, why: 'the value fails "required" ("to")' });
  expect(why('{"enum":["a"]}', '"b"')).toEqual({ ok: false, why: 'the value fails "enum"' });
});

test('agrees with the plain engine where that one is right: small integers, short patterns, no references', () => {
  const leaf = fc.oneof(
    fc.record({ type: fc.constantFrom('string', 'integer', 'number', 'boolean', 'null', 'array', 'object') }),
    fc.record({
      enum: fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom('a', 'b', true, null)), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ minimum: fc.integer({ min: -3, max: 3 }), exclusiveMaximum: fc.integer({ min: -3, max: 3 }) }),
    fc.record({ pattern: fc.constantFrom('^a', 'b$', '[ab]+'), maxLength: fc.nat(3) }),
    fc.record({ required: fc.uniqueArray(fc.constantFrom('a', 'b'), { maxLength: 2 }) }),
    fc.record({ uniqueItems: fc.boolean(), minItems: fc.nat(2) }),
    fc.boolean(),
  );
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
      fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
      fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
      fc.record({ not: tie('schema') }),
      fc.tuple(tie('schema'), tie('schema')).map(([condition, otherwise]) => ({ if: condition, else: otherwise })),
      fc.record({ properties: fc.record({ a: tie('schema') }), additionalProperties: tie('schema') }),
      fc.record({ prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }), items: tie('schema') }),
      fc.record({ contains: tie('schema') }),
    ),
  }));
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer({ min: -4, max: 4 }),
      fc.constantFrom('', 'a', 'ab', 'b', true, false, null, 0.5),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
  const plain = new Ajv2020({ strict: false });
  fc.assert(
    fc.property(schema, fc.array(value, { minLength: 1, maxLength: 4 }), (one, values) => {
      const check = compile(json(JSON.stringify(one)));
      const validate = plain.compile(one as object);
      for (const each of values) expect(check(json(JSON.stringify(each))).ok).toBe(validate(each) === true);
    }),
    { numRuns: 150 },
  );
}, 60_000);
