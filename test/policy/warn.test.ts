import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { evaluateCondition } from '../../src/core/condition.ts';
import { type Decimal, parseDecimal } from '../../src/core/decimal.ts';
import type { Json } from '../../src/core/json.ts';
import { type ArgTest, makeTest, OPERATORS } from '../../src/core/operators.ts';
import { loadPolicyText } from '../../src/policy/load.ts';
import { isAnchored, isSatisfiable, placeOf } from '../../src/policy/warn/satisfy.ts';

const HEAD = 'version: 1\nname: n\ndefault: deny\nmethods: {"*": deny}\n';

async function warnings(...rules: readonly string[]): Promise<readonly string[]> {
  const { diagnostics } = await loadPolicyText(`${HEAD}tools:\n  pay:\n    rules:\n${rules.map((rule) => `      - ${rule}\n`).join('')}`);
  return diagnostics.map(({ code }) => code);
}

describe('policy.md §14: good policies are not drowned', () => {
  test.each([
    ['an allow-list of paths', ['{conditions: [{path: args.path, op: regex, value: "^/app/src/"}]}']],
    [
      'a block-list needs no anchors',
      ['{action: deny, conditions: [{path: args.path, op: exists, value: true}, {path: args.path, op: regex, value: "[.]env$"}]}'],
    ],
    ['a pattern on something else', ['{conditions: [{path: args.title, op: regex, value: "x"}]}']],
    [
      'a trigger on what a rule before it demands',
      ['{conditions: [{path: args.n, op: lte, value: 50}]}', '{action: require_approval, conditions: [{path: args.n, op: gt, value: 10}]}'],
    ],
    [
      'a trigger on an argument that a schema demands',
      ['{arguments: {n: {type: number}}}', '{action: deny, conditions: [{path: args.n, op: gt, value: 10}]}'],
    ],
    ['a trigger on absence', ['{action: deny, conditions: [{path: args.n, op: exists, value: false}]}']],
    ['a deny for some agents, then others', ['{action: deny, agents: [intern]}', '{rate_limit: 5/day}']],
    ['a deny in shadow', ['{action: deny, mode: shadow}', '{rate_limit: 5/day}']],
    ['a limit below an approval rule', ['{action: require_approval}', '{rate_limit: 5/day}']],
    ['when beside a rate limit', ['{rate_limit: 5/day, when: [{path: args.n, op: gt, value: 5}]}']],
    [
      'conditions for some agents contradict those for others',
      ['{agents: [a], conditions: [{path: args.k, op: eq, value: x}]}', '{agents: [b], conditions: [{path: args.k, op: eq, value: y}]}'],
    ],
    [
      'two tiers',
      ['{agents: [a], action: require_approval, conditions: [{path: args.n, op: exists, value: true}, {path: args.n, op: gt, value: 5}]}'],
    ],
    [
      'every element, and none, may differ',
      ['{conditions: [{path: "args.a[*]", op: eq, value: x}, {path: "args.a[*]", op: eq, value: y}]}'],
    ],
    ['a session limit beside another', ['{rate_limit: {max: 5, window: day, per: session}}', '{rate_limit: 50/day}']],
    ['an exact bound', ['{conditions: [{path: args.n, op: gte, value: 5}, {path: args.n, op: lte, value: 5}]}']],
  ] as const)('%s', async (_name, rules) => {
    expect(await warnings(...rules)).toEqual([]);
  });

  test('a trigger on what a schema makes optional warns', async () => {
    expect(
      await warnings('{arguments: {n: {type: number, optional: true}}}', '{action: deny, conditions: [{path: args.n, op: gt, value: 10}]}'),
    ).toEqual(['absent-argument']);
  });

  test('a session limit is not alone where every tool has another', async () => {
    const { diagnostics } = await loadPolicyText(
      `${HEAD}tools: {pay: [{rate_limit: {max: 5, window: day, per: session}}], "*": [{rate_limit: 60/minute}]}`,
    );
    expect(diagnostics).toEqual([]);
  });
});

describe('anchors', () => {
  test.each([
    ['^/a', 'path', true],
    ['\\A/a', 'path', true],
    ['(?i)^/a', 'path', true],
    ['(^/a|^/b)', 'path', true],
    ['^/a|^/b', 'path', true],
    ['^/(a|b)', 'path', true],
    ['^[|]', 'path', true],
    ['^/a|/b', 'path', false],
    ['/a$', 'path', false],
    ['', 'path', false],
    ['^a$', 'host', true],
    ['^(a|b)$', 'host', true],
    ['(?:^a$)', 'host', true],
    ['^a', 'host', false],
    ['a$', 'host', false],
    ['^a\\$', 'host', false],
    ['^a\\\\$', 'host', true],
    ['^a\\z', 'host', true],
  ] as const)('%s on a %s: %p', (pattern, place, anchored) => {
    expect(isAnchored(pattern, place)).toBe(anchored);
  });

  test.each([
    ['path', 'path'],
    ['filePath', 'path'],
    ['target_dir', 'path'],
    ['host', 'host'],
    ['baseUrl', 'host'],
    ['pathology', undefined],
    ['amount', undefined],
    ['', undefined],
  ] as const)('%s is a %p', (name, place) => {
    expect(placeOf(name)).toBe(place);
  });
});

const number = fc.integer({ min: -2, max: 3 });
const word = fc.constantFrom('a', 'ab', 'b', 'ba', '');
const value: fc.Arbitrary<Json> = fc.oneof(
  number.map((n) => ({ number: String(n) })),
  word,
  fc.boolean(),
  fc.constant(null),
);
const decimal = number.map((n) => parseDecimal(String(n)) as Decimal);
const test1: fc.Arbitrary<ArgTest> = fc.oneof(
  fc.tuple(fc.constantFrom('eq' as const, 'neq' as const), value).map(([op, one]) => makeTest(op, OPERATORS[op], one)),
  fc
    .tuple(fc.constantFrom('in' as const, 'not_in' as const), fc.array(value, { minLength: 1, maxLength: 3 }))
    .map(([op, list]) => makeTest(op, OPERATORS[op], list)),
  fc
    .tuple(fc.constantFrom('lt' as const, 'lte' as const, 'gt' as const, 'gte' as const), decimal)
    .map(([op, bound]) => makeTest(op, OPERATORS[op], bound)),
  fc.tuple(fc.constantFrom('starts_with' as const, 'ends_with' as const), word).map(([op, part]) => makeTest(op, OPERATORS[op], part)),
  fc.boolean().map((wanted) => makeTest('exists', OPERATORS.exists, wanted)),
);

test('what is called unsatisfiable, no value satisfies', () => {
  const candidates: readonly (Json | undefined)[] = [
    undefined,
    null,
    true,
    false,
    'a',
    'ab',
    'b',
    'ba',
    '',
    'aba',
    ...Array.from({ length: 25 }, (_, i) => ({ number: String(-3 + i / 4) })),
  ];
  let found = 0;
  fc.assert(
    fc.property(fc.array(test1, { minLength: 1, maxLength: 4 }), (tests) => {
      if (isSatisfiable(tests)) return;
      found++;
      for (const candidate of candidates) {
        const args = new Map(candidate === undefined ? [] : [['x', candidate]]);
        const path = { text: 'args.x', segments: [{ kind: 'key', key: 'x' }] } as const;
        expect(tests.every((one) => evaluateCondition({ path, test: one, text: '' }, args, 'every') === 'true')).toBe(false);
      }
    }),
    { numRuns: 1_000 },
  );
  expect(found).toBeGreaterThan(100);
});
