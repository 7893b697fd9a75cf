import { beforeAll, describe, expect, test } from 'bun:test';
import { type ArgCondition, evaluateAll, evaluateCondition, whyUnknown } from '../../src/core/condition.ts';
import type { Json } from '../../src/core/json.ts';
import { OPERATORS, type Truth } from '../../src/core/operators.ts';
import { costOf } from '../harness/cost.ts';
import { argsOf, policyOf } from './cases.ts';

/** The condition as the policy's compiler makes it. */
async function conditionOf(op: string, value: unknown, path = 'args.x'): Promise<ArgCondition> {
  const policy = await policyOf({ version: '1', tools: { t: { rules: [{ conditions: [{ path, op, value }] }] } } });
  const [condition] = policy.exact.get('t')?.rules[0]?.conditions ?? [];
  if (!condition) throw new Error('no condition');
  return condition;
}

const SHORT: Readonly<Record<string, Truth>> = { T: 'true', F: 'false', '?': 'unknown' };
/** The columns of the table: `-` is a missing argument. */
const VALUES = ['-', 'null', 'true', '5', '"abc"', '["abc",5]', '{"a":1}'] as const;

const TABLE: readonly (readonly [op: string, value: unknown, verdicts: string])[] = [
  ['eq', 5, '???T???'],
  ['eq', 'abc', '????T??'],
  ['eq', null, '?T?????'],
  ['eq', true, '??T????'],
  ['eq', ['abc', 5], '?????T?'],
  ['eq', { a: 1 }, '??????T'],
  ['eq', 6, '???F???'],
  ['neq', 5, '???F???'],
  ['neq', 'abd', '????T??'],
  ['neq', { a: 2 }, '??????T'],
  ['in', [5, 6], '???T???'],
  ['in', ['x', 6], '???FF??'],
  ['not_in', [5, 'x'], '???FT??'],
  ['lt', 6, '???T???'],
  ['lt', 5, '???F???'],
  ['lte', 5, '???T???'],
  ['gt', 4, '???T???'],
  ['gt', 5, '???F???'],
  ['gte', 5, '???T???'],
  ['regex', '^a', '????T??'],
  ['regex', 'z', '????F??'],
  ['not_regex', 'z', '????T??'],
  ['not_regex', '^a', '????F??'],
  ['contains', 'b', '????T??'],
  ['contains', 'abc', '????TT?'],
  ['contains', 5, '?????T?'],
  ['not_contains', 'z', '????T??'],
  ['not_contains', 'abc', '????FF?'],
  ['starts_with', 'ab', '????T??'],
  ['starts_with', 'b', '????F??'],
  ['ends_with', 'bc', '????T??'],
  ['ends_with', 'b', '????F??'],
  ['within', '/a', '???????'],
  ['exists', true, 'FFTTTTT'],
  ['exists', false, 'TTFFFFF'],
];

describe('policy.md §4: every operator on every type', () => {
  for (const [op, value, verdicts] of TABLE) {
    test(`${op} ${JSON.stringify(value)}: ${verdicts}`, async () => {
      const condition = await conditionOf(op, value);
      const got = VALUES.map((given) => evaluateCondition(condition, argsOf(given === '-' ? '{}' : `{"x":${given}}`), 'every'));
      expect(got).toEqual([...verdicts].map((letter) => SHORT[letter] as Truth));
    });
  }
});

describe('policy.md §4: numbers keep their text', () => {
  const cases: readonly (readonly [string, unknown, string, Truth])[] = [
    ['eq', 5, '5.0', 'true'],
    ['eq', 5, '50e-1', 'true'],
    ['eq', 5, '5.000000000000000000001', 'false'],
    ['lte', 5000, '5000.0000000001', 'false'],
    ['lt', 1, '1e400', 'false'],
    ['gt', 1, '1e400', 'true'],
    ['lt', 1, '-1e400', 'true'],
    ['lt', 1, '1e99999999999999999', 'unknown'],
    ['in', [0.1, 0.2], '0.10', 'true'],
    ['eq', { a: 1 }, '{"a":1.0}', 'true'],
  ];
  for (const [op, value, given, expected] of cases) {
    test(`${given} ${op} ${JSON.stringify(value)} is ${expected}`, async () => {
      expect(evaluateCondition(await conditionOf(op, value), argsOf(`{"x":${given}}`), 'every')).toBe(expected);
    });
  }
});

describe('policy.md §4: paths', () => {
  const cases: readonly (readonly [string, string, Truth])[] = [
    ['args.a.b', '{"a":{"b":1}}', 'true'],
    ['args["a.b"]', '{"a.b":1}', 'true'],
    ['args["a.b"]', '{"a":{"b":1}}', 'unknown'],
    ['args.items[0].price', '{"items":[{"price":1},{"price":2}]}', 'true'],
    ['args.items[2]', '{"items":[1,1]}', 'unknown'],
    ['args.items[0]', '{"items":{"0":1}}', 'unknown'],
    ['args.items', '{"items":[1]}', 'unknown'],
    ['args.length', '{}', 'unknown'],
    ['args.s.length', '{"s":"x"}', 'unknown'],
    ['args.__proto__', '{"__proto__":1}', 'true'],
    ['args.constructor', '{}', 'unknown'],
  ];
  for (const [path, args, expected] of cases) {
    test(`${path} eq 1 on ${args} is ${expected}`, async () => {
      expect(evaluateCondition(await conditionOf('eq', 1, path), argsOf(args), 'every')).toBe(expected);
    });
  }
});

describe('policy.md §4: [*]', () => {
  const cases: readonly (readonly [string, Truth, Truth])[] = [
    ['[]', 'true', 'false'],
    ['[1,1]', 'true', 'true'],
    ['[1,2]', 'false', 'true'],
    ['[2,2]', 'false', 'false'],
    ['[1,"x"]', 'unknown', 'true'],
    ['[2,"x"]', 'false', 'unknown'],
    ['"x"', 'unknown', 'unknown'],
    ['{"0":1}', 'unknown', 'unknown'],
  ];
  for (const [list, every, any] of cases) {
    test(`args.x[*] eq 1 on ${list}: every is ${every}, any is ${any}`, async () => {
      const condition = await conditionOf('eq', 1, 'args.x[*]');
      expect(evaluateCondition(condition, argsOf(`{"x":${list}}`), 'every')).toBe(every);
      expect(evaluateCondition(condition, argsOf(`{"x":${list}}`), 'any')).toBe(any);
    });
  }

  test('nested', async () => {
    const condition = await conditionOf('lte', 1, 'args.x[*].y[*]');
    expect(evaluateCondition(condition, argsOf('{"x":[{"y":[1]},{"y":[0,1]}]}'), 'every')).toBe('true');
    expect(evaluateCondition(condition, argsOf('{"x":[{"y":[1]},{"y":[0,2]}]}'), 'every')).toBe('false');
    expect(evaluateCondition(condition, argsOf('{"x":[{"y":[1]},{}]}'), 'every')).toBe('unknown');
  });
});

describe("policy.md §4: AND is Kleene's", () => {
  const truths: readonly Truth[] = ['true', 'false', 'unknown'];
  let by: Readonly<Record<Truth, ArgCondition>>;
  beforeAll(async () => {
    by = { true: await conditionOf('eq', 1), false: await conditionOf('eq', 2), unknown: await conditionOf('eq', 'x') };
  });
  for (const a of truths) {
    for (const b of truths) {
      const expected: Truth = a === 'false' || b === 'false' ? 'false' : a === 'unknown' || b === 'unknown' ? 'unknown' : 'true';
      test(`${a} and ${b} is ${expected}`, () => expect(evaluateAll([by[a], by[b]], argsOf('{"x":1}'), 'every')).toBe(expected));
    }
  }
  test('nothing at all is true', () => expect(evaluateAll([], argsOf('{}'), 'any')).toBe('true'));
});

test('every operator is in the table of this page', () => {
  expect([...new Set(TABLE.map(([op]) => op))].sort()).toEqual(Object.keys(OPERATORS).sort());
});

describe('policy.md §4: I2, I11: what is too long is unknown, says why, and costs nothing', () => {
  const megabytes = 10 * 1024 * 1024;
  const long = 'a'.repeat(megabytes);
  const cases: readonly (readonly [string, unknown, string, string])[] = [
    ['regex', '^a', `"${'a'.repeat(500_001)}"`, 'it is longer than 500000 characters, which a pattern is not tried on'],
    ['not_regex', '^b', `"${long}"`, 'it is longer than 500000 characters, which a pattern is not tried on'],
    ['contains', 'b', `"${long}"`, 'it is longer than 5000000 characters, which are not searched'],
    ['not_contains', 'b', `"${long}"`, 'it is longer than 5000000 characters, which are not searched'],
    ['within', '/a', `"/${'a/'.repeat(megabytes / 2)}"`, 'it is longer than 32767 characters, which no path has'],
    ['lte', 5, '9'.repeat(megabytes), 'it is longer than 10000 characters, which no number is read from'],
    ['gt', 5, `0.${'0'.repeat(megabytes)}1`, 'it is longer than 10000 characters, which no number is read from'],
  ];
  test.each(cases)('%s %p', async (op, value, given, why) => {
    const condition = await conditionOf(op, value);
    const args = new Map<string, Json>([['x', given.startsWith('"') ? given.slice(1, -1) : { number: given }]]);
    expect(costOf(() => evaluateCondition(condition, args, 'every'))).toBeLessThan(5);
    expect(evaluateCondition(condition, args, 'every')).toBe('unknown');
    expect(whyUnknown(condition, args)?.why).toBe(why);
    const list = new Map([
      ['x', op.startsWith('l') || op.startsWith('g') ? [{ number: '1' }, args.get('x') ?? null] : ['/b', args.get('x') ?? null]],
    ]);
    expect(whyUnknown(await conditionOf(op, value, 'args.x[*]'), list)?.why).toBe(`of args.x[1], ${why}`);
  });

  const quick: readonly (readonly [string, unknown])[] = [
    ['eq', 'a'],
    ['in', ['a', 'b']],
    ['starts_with', 'b'],
    ['ends_with', 'ab'],
    ['exists', true],
  ];
  test.each(quick)('%s reads a text of 10 MiB in less than 50 ms', async (op, value) => {
    const condition = await conditionOf(op, value);
    const args = new Map([['x', long]]);
    expect(costOf(() => evaluateCondition(condition, args, 'every'))).toBeLessThan(50);
    expect(whyUnknown(condition, args)).toBeUndefined();
  });

  test('the longest that is read, is', async () => {
    const texts = new Map<string, Json>([['x', 'a'.repeat(500_000)]]);
    expect(evaluateCondition(await conditionOf('regex', 'a$'), texts, 'every')).toBe('true');
    const numbers = new Map<string, Json>([['x', { number: `1${'0'.repeat(9_999)}` }]]);
    expect(evaluateCondition(await conditionOf('gt', 5), numbers, 'every')).toBe('true');
  });
});

describe('policy.md §4: an unknown condition says why, and what would be judged', () => {
  const absolute = 'Send an absolute path.';
  const cases: readonly (readonly [op: string, value: unknown, path: string, args: string, why: string, advice: string])[] = [
    ['within', '/w', 'args.path', '{"path":"public/a.txt"}', 'the path is relative', absolute],
    ['within', '/w', 'args.path', '{"path":"~/a"}', 'the path begins with "~", which servers may or may not expand', absolute],
    ['within', '/w', 'args.path', '{"path":""}', 'the path is empty', absolute],
    ['within', '/w', 'args.path', '{"path":"/w/%2e"}', 'the path is percent-encoded', 'Send an absolute path without percent-encoding.'],
    ['within', '/w', 'args.path', '{"path":"file:///w"}', 'the path is a file: URL', 'Send an absolute path and no URL.'],
    [
      'within',
      '/w',
      'args.path',
      '{"path":"/w\\u0000"}',
      'the path has a NUL character',
      'Send an absolute path without control characters.',
    ],
    [
      ...(['within', '/w', 'args.path', '{"path":"//w/a"}', 'the path begins with two slashes, as those of other machines do'] as const),
      'Send an absolute path with one slash at its beginning.',
    ],
    [
      ...(['within', '/w', 'args.path', '{"path":"/w/..\\\\a"}', 'the path has back-slashes, which systems read differently'] as const),
      'Send an absolute path without back-slashes.',
    ],
    ['within', '/w', 'args.path', '{}', 'args.path is absent', 'Send args.path as an absolute path.'],
    ['within', '/w', 'args.path', '{"path":7}', 'args.path is a number, not an absolute path', 'Send args.path as an absolute path.'],
    ['within', '/w', 'args.paths[*]', '{"paths":["/w/a","b"]}', 'of args.paths[1], the path is relative', absolute],
    ['within', '/w', 'args.paths[*]', '{"paths":"/w/a"}', 'args.paths is not a list', 'Send args.paths as a list.'],
    ['lte', 5, 'args.amount', '{"amount":"250"}', 'args.amount is text, not a number', 'Send args.amount as a number.'],
    ['lte', 5, 'args.amount', '{"amount":null}', 'args.amount is null, not a number', 'Send args.amount as a number.'],
    ['lte', 5, 'args.a.b[0]["c d"]', '{"a":{}}', 'args.a.b[0]["c d"] is absent', 'Send args.a.b[0]["c d"] as a number.'],
    ['gt', 5, 'args.x', '{"x":1,"X":9}', 'another argument is spelt almost like args.x', 'Send args.x once, spelt so.'],
    ['in', ['a', 1], 'args.x', '{"x":true}', 'args.x is true or false, not text or a number', 'Send args.x as text or a number.'],
    [
      'eq',
      { a: 1 },
      'args.x',
      '{"x":{"A":1}}',
      'a key in args.x is spelt almost like one that is compared',
      'Spell the keys in args.x exactly.',
    ],
    [
      ...(['contains', 5, 'args.x', '{"x":["a"]}', 'args.x has an element of another type than what is looked for'] as const),
      'Send elements of one type in args.x.',
    ],
  ];
  test.each(cases)('%s %p: %s of %s', async (op, value, path, args, why, advice) => {
    const condition = await conditionOf(op, value, path);
    expect(evaluateCondition(condition, argsOf(args), 'every')).toBe('unknown');
    expect(whyUnknown(condition, argsOf(args))).toEqual({ why, advice });
  });

  test('every operator has a reason for every type that it does not judge', async () => {
    for (const [op, value, verdicts] of TABLE)
      for (const [index, given] of VALUES.entries()) {
        const why = whyUnknown(await conditionOf(op, value), argsOf(given === '-' ? '{}' : `{"x":${given}}`));
        expect([op, given, why !== undefined]).toEqual([op, given, verdicts[index] === '?']);
      }
  });
});
