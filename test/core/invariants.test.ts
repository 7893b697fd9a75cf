import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { outcomeOf, policyOf } from './cases.ts';

type Truth = 'true' | 'false' | 'unknown';
interface Condition {
  readonly op: 'eq' | 'neq' | 'lt' | 'gte' | 'exists';
  readonly value: number | boolean;
}
interface Rule {
  readonly action: 'evaluate' | 'deny' | 'require_approval';
  readonly when: readonly Condition[];
  readonly conditions: readonly Condition[];
}

/** The reference model: policy.md §3 to §5.4 for one tool and one argument, as short as it can be said. */
function truthOf({ op, value }: Condition, given: unknown): Truth {
  if (op === 'exists') return String(((given ?? null) !== null) === value) as Truth;
  if (typeof given !== 'number') return 'unknown';
  return String({ eq: given === value, neq: given !== value, lt: given < Number(value), gte: given >= Number(value) }[op]) as Truth;
}
function all(conditions: readonly Condition[], given: unknown): Truth {
  const truths = conditions.map((condition) => truthOf(condition, given));
  return truths.includes('false') ? 'false' : truths.includes('unknown') ? 'unknown' : 'true';
}
function model(rules: readonly Rule[], given: unknown): string {
  let held: string | undefined;
  for (const [index, { action, when, conditions }] of rules.entries()) {
    if (all(when, given) === 'false') continue;
    const truth = all(conditions, given);
    if (action === 'evaluate' && truth !== 'true' && held === undefined) return `deny r${index}`;
    if (action === 'deny' && truth !== 'false') return `deny r${index}`;
    if (action === 'require_approval' && truth !== 'false') held ??= `hold r${index}`;
  }
  return held ?? 'allow';
}

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ op: fc.constantFrom('eq' as const, 'neq' as const, 'lt' as const, 'gte' as const), value: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ op: fc.constant('exists' as const), value: fc.boolean() }),
);
const rule = (...actions: readonly Rule['action'][]): fc.Arbitrary<Rule> =>
  fc.constantFrom(...actions).chain((action) =>
    fc.record({
      action: fc.constant(action),
      when: fc.array(condition, { maxLength: 1 }),
      conditions: fc.array(condition, { minLength: action === 'evaluate' ? 1 : 0, maxLength: 2 }),
    }),
  );
const given = fc.constantFrom<unknown>(undefined, null, 0, 1, 2, 3, '2', true, [2]);
const rulesOf = (...actions: readonly Rule['action'][]) => fc.array(rule(...actions), { minLength: 1, maxLength: 5 });

async function outcome(rules: readonly Rule[], value: unknown): Promise<string> {
  const written = rules.map(({ action, when, conditions }, index) => ({
    name: `r${index}`,
    action,
    ...(when.length > 0 ? { when: when.map(writtenCondition) } : {}),
    ...(conditions.length > 0 ? { conditions: conditions.map(writtenCondition) } : {}),
  }));
  const policy = await policyOf({ version: '1', default: 'deny', tools: { t: { rules: written } } });
  return outcomeOf(policy, 't', JSON.stringify({ x: value }));
}

function writtenCondition({ op, value }: Condition): object {
  return { path: 'args.x', op, value };
}

const RUNS = { numRuns: 400 };

describe('house.md §2: the invariants of a decision', () => {
  test('the engine decides as the reference model does', async () => {
    await fc.assert(
      fc.asyncProperty(rulesOf('evaluate', 'deny', 'require_approval'), given, async (rules, value) => {
        expect(await outcome(rules, value)).toBe(model(rules, value));
      }),
      RUNS,
    );
  });

  test('I1: the order of requirements and denies never changes whether a call passes', async () => {
    const shuffled = rulesOf('evaluate', 'deny').chain((rules) =>
      fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length })),
    );
    await fc.assert(
      fc.asyncProperty(shuffled, given, async ([rules, other], value) => {
        expect((await outcome(rules, value)) === 'allow').toBe((await outcome(other, value)) === 'allow');
      }),
      RUNS,
    );
  });

  test('I1: another deny or hold never lets a call through, and a deny rule that fires denies wherever it stands', async () => {
    const place = fc.nat(5);
    await fc.assert(
      fc.asyncProperty(rulesOf('evaluate', 'deny', 'require_approval'), rule('deny'), place, given, async (rules, extra, at, value) => {
        const more = rules.toSpliced(at, 0, extra);
        const after = await outcome(more, value);
        if (all(extra.when, value) !== 'false' && all(extra.conditions, value) !== 'false') expect(after).toStartWith('deny');
        if (!(await outcome(rules, value)).startsWith('allow')) expect(after).not.toBe('allow');
      }),
      RUNS,
    );
  });

  test('I2: what cannot be evaluated denies, or fires', async () => {
    const unknown = fc.constantFrom<unknown>(undefined, null, '2', true, [2], {});
    const compare = fc.record({
      op: fc.constantFrom('eq' as const, 'neq' as const, 'lt' as const, 'gte' as const),
      value: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('evaluate' as const, 'deny' as const, 'require_approval' as const),
        compare,
        unknown,
        async (action, only, value) => {
          const expected = action === 'require_approval' ? 'hold r0' : 'deny r0';
          expect(await outcome([{ action, when: [], conditions: [only] }], value)).toBe(expected);
          expect(await outcome([{ action: 'deny', when: [only], conditions: [] }], value)).toBe('deny r0');
        },
      ),
      RUNS,
    );
  });
});
