import { describe, expect, test } from 'bun:test';
import { stateCondition } from '../../src/core/condition.ts';
import { rateCounter, spendCounter, stateCounter } from '../../src/core/counter.ts';
import { parseDecimal } from '../../src/core/decimal.ts';
import { createMatcher } from '../../src/core/match.ts';
import { compileName } from '../../src/core/names.ts';
import type { Policy, Rule } from '../../src/core/policy.ts';
import { loadPolicyText } from '../../src/policy/load.ts';

async function load(text: string): Promise<Policy> {
  const { policy, diagnostics } = await loadPolicyText(text);
  if (!policy) throw new Error(diagnostics.map(({ position, message }) => `${position.line}:${position.column} ${message}`).join('\n'));
  return policy;
}

/** The rules of the tool `pay`, each given as one flow map. */
async function rulesOf(...rules: readonly string[]): Promise<readonly Rule[]> {
  const policy = await load(`version: 1\ntools:\n  pay:\n    rules:\n${rules.map((rule) => `      - ${rule}\n`).join('')}`);
  return policy.exact.get('pay')?.rules ?? [];
}

async function ruleOf(rule: string): Promise<Rule> {
  const [first] = await rulesOf(rule);
  if (!first) throw new Error('no rule');
  return first;
}

test('policy.md §2: short forms list a tool with nothing to check, and never take a rule away', async () => {
  const { policy, diagnostics } = await loadPolicyText(
    'version: "1"\ndefault: deny\nmethods: deny\nallow: ["get_*", look, pay]\ntools: {a: {}, b: [], c: {rules: []}, pay: [{action: deny}], "get_secret": [{action: deny}]}\n',
  );
  expect(diagnostics.map(({ code }) => code)).toEqual(['listed-twice']);
  if (!policy) throw new Error('the policy does not load');
  const match = createMatcher(policy);
  for (const name of ['a', 'b', 'c', 'look', 'get_balance']) expect(match(name)).toMatchObject({ listed: true, hidden: false });
  expect(match('Look')).toMatchObject({ listed: false, looksLike: 'look' });
  for (const name of ['pay', 'get_secret']) expect(match(name).entries.flatMap(({ rules }) => rules)).toHaveLength(1);
  expect(policy.methods).toMatchObject([{ pattern: { text: '*' }, verdict: 'deny' }]);
  expect((await loadPolicyText('version: "1"\nmethods: allow\n')).policy?.methods).toMatchObject([{ verdict: 'allow' }]);
});

describe('policy.md §2: the document', () => {
  test('defaults', async () => {
    const policy = await load('version: "1"');
    expect(policy).toMatchObject({
      name: undefined,
      default: 'allow',
      mode: 'enforce',
      unlisted: 'hide',
      hide: [],
      methods: [],
      globs: [],
      everyTool: undefined,
      secretEnv: [],
      approvals: { defaultTimeout: 900_000, dedupeWindow: undefined, maxPending: 20, retries: 2, webhook: undefined },
      uses: { spend: false, idempotency: false, approvals: false, serverSchemas: false, counters: false },
    });
    expect(policy.exact.size).toBe(0);
  });

  test('everything that can be said', async () => {
    const policy = await load(`version: 1
name: pay
description: all of it
default: deny
mode: shadow
hide: ["*"]
unlisted: show
methods: {"resources/*": deny, sampling/createMessage: allow}
approvals: {default_timeout: 1h30m, dedupe_window: 5m, max_pending: 3, retries: 0, notify: {webhook: {url: "https://example.com/x", secret_env: HOOK_SECRET}}}
`);
    expect(policy).toMatchObject({
      name: 'pay',
      description: 'all of it',
      default: 'deny',
      mode: 'shadow',
      unlisted: 'show',
      secretEnv: ['HOOK_SECRET'],
      approvals: {
        defaultTimeout: 5_400_000,
        dedupeWindow: 300_000,
        maxPending: 3,
        retries: 0,
        webhook: { url: 'https://example.com/x', secretEnv: 'HOOK_SECRET' },
      },
    });
    expect(policy.hide).toEqual([compileName('*')]);
    expect(policy.methods).toEqual([
      { pattern: compileName('resources/*'), verdict: 'deny' },
      { pattern: compileName('sampling/createMessage'), verdict: 'allow' },
    ]);
  });

  test('hide: "*" is all', async () => {
    expect((await load('version: 1\nhide: "*"')).hide).toEqual([compileName('*')]);
  });

  test('exact names, globs in file order, and "*"', async () => {
    const policy = await load(
      'version: 1\ntools: {"z_*": [], __proto__: [], "a_*": {rules: []}, "*": [{rate_limit: 5/hour}], a.b: {rules: [], idempotency_window: 5m}}',
    );
    expect([...policy.exact.keys()]).toEqual(['__proto__', 'a.b']);
    expect(policy.globs.map(({ key }) => key)).toEqual(['z_*', 'a_*']);
    expect(policy.everyTool?.rules.map(({ label }) => label)).toEqual(['tools.*.rules[0]']);
    expect(policy.exact.get('a.b')?.idempotencyWindow).toBe(300_000);
    expect(policy.uses.idempotency).toBe(true);
  });

  test('the revision is of the text, to the letter', async () => {
    const one = await load('version: 1');
    expect(one.revision).toMatch(/^[0-9a-f]{12}$/);
    expect((await load('version: 1')).revision).toBe(one.revision);
    expect((await load('version: 1\n')).revision).not.toBe(one.revision);
  });
});

describe('policy.md §3: rules', () => {
  test('defaults, label and position', async () => {
    expect(await ruleOf('{action: allow}')).toMatchObject({
      label: 'tools.pay.rules[0]',
      key: 'pay',
      index: 0,
      action: 'allow',
      shadow: false,
      agents: undefined,
      message: undefined,
      approvalTimeout: 900_000,
      idempotencyWindow: 0,
      position: { line: 5, column: 9 },
    });
  });

  test('agents: only and except', async () => {
    const { agents } = await ruleOf('{action: deny, agents: [ops, "intern-*", "!intern-7"]}');
    expect(agents).toEqual({ only: [compileName('ops'), compileName('intern-*')], except: [compileName('intern-7')] });
  });

  test('reason is on_deny', async () => {
    expect((await ruleOf('{action: deny, reason: no}')).message).toBe('no');
  });

  test('the content hash is of the meaning: order of keys and spelling aside', async () => {
    const [one] = await rulesOf('{action: require_approval, conditions: [{path: args.n, op: gt, value: 5}]}');
    const [two] = await rulesOf('{conditions: [{value: 5, op: "gt", path: args.n}], action: require_approval}');
    const [other] = await rulesOf('{action: require_approval, conditions: [{path: args.n, op: gt, value: 6}]}');
    const [text] = await rulesOf('{action: require_approval, conditions: [{path: args.n, op: eq, value: "5"}]}');
    const [number] = await rulesOf('{action: require_approval, conditions: [{path: args.n, op: eq, value: 5}]}');
    expect(one?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(two?.hash).toBe(one?.hash ?? '');
    expect(other?.hash).not.toBe(one?.hash ?? '');
    expect(text?.hash).not.toBe(number?.hash ?? '');
  });

  test('conditions on args and on counters part, when takes args', async () => {
    const rule = await ruleOf(
      '{when: [{path: args.n, op: gt, value: 1}], state: {counter: c, window: week, per: agent}, conditions: [{path: state.pay.c, op: lte, value: 0.1}, {path: args.n, op: lt, value: 9007199254740993}]}',
    );
    expect(rule.when.map(({ path, text }) => [path.text, text])).toEqual([['args.n', '1']]);
    expect(rule.conditions.map(({ test: { op, value } }) => ({ op, value }))).toEqual([
      { op: 'lt', value: parseDecimal('9007199254740993') as never },
    ]);
    expect(rule.stateConditions).toEqual([
      stateCondition('state.pay.c', stateCounter('pay', 'c', 'week', 'agent'), { op: 'lte', value: parseDecimal('0.1') as never }, '0.1'),
    ]);
  });

  test('a counter may be read before it is kept, under another key and under "*"', async () => {
    const policy = await load(`version: 1
tools:
  a: [{conditions: [{path: state._global.n, op: lt, value: 5}, {path: "state.b.c.n", op: lt, value: 5}]}]
  b.c: [{state: {counter: n, window: day}}]
  "*": [{state: {counter: n, window: hour}}]
`);
    const [rule] = policy.exact.get('a')?.rules ?? [];
    expect(rule?.stateConditions.map(({ counter }) => counter)).toEqual([
      stateCounter('*', 'n', 'hour', 'policy'),
      stateCounter('b.c', 'n', 'day', 'policy'),
    ]);
  });

  test('every operator compiles to its test', async () => {
    const values = {
      eq: '[1]',
      neq: 'x',
      in: '[1, a]',
      not_in: '[1]',
      lt: '1',
      lte: '1',
      gt: '1',
      gte: '1',
      regex: '^a',
      not_regex: '^a',
      contains: 'x',
      not_contains: 'x',
      starts_with: 'x',
      ends_with: 'x',
      within: '/a',
      exists: 'false',
    };
    const rule = await ruleOf(
      `{conditions: [${Object.entries(values).map(([op, value]) => `{path: args.${op}, op: ${op}, value: ${value}}`)}]}`,
    );
    expect(rule.conditions.map(({ test }) => test.op)).toEqual(Object.keys(values) as never);
    expect(rule.conditions.find(({ test }) => test.op === 'within')?.test.value).toEqual(['/a']);
    expect(rule.conditions.find(({ test }) => test.op === 'exists')?.test.value).toBe(false);
  });

  test('patterns are RE2, unanchored', async () => {
    const [condition] = (await ruleOf('{conditions: [{path: args.s, op: regex, value: "b+c"}]}')).conditions;
    expect([condition?.test.holds('abbcd'), condition?.test.holds('acd')]).toEqual(['true', 'false']);
  });
});

describe('policy.md §6: limits', () => {
  const micros = 1_000_000;
  test.each([
    ['10/minute', rateCounter('pay', 'minute', 'policy', 'attempts', [], 10), 'attempts', 10],
    ['5/second', rateCounter('pay', 'second', 'policy', 'attempts', [], 5), 'attempts', 5],
    ['100/month', rateCounter('pay', 'month', 'policy', 'successes', [], 100), 'successes', 100],
    ['{max: 3, window: hour, per: call, count: attempts}', rateCounter('pay', 'hour', 'call', 'attempts', [], 3), 'attempts', 3],
    ['{max: 3, window: 60, count: successes}', rateCounter('pay', 'minute', 'policy', 'successes', [], 3), 'successes', 3],
  ] as const)('rate_limit: %s', async (text, counter, count, max) => {
    const rule = await ruleOf(`{rate_limit: ${text.startsWith('{') ? text : `"${text}"`}}`);
    expect(rule.rateLimit).toEqual({ draw: { counter, amount: { kind: 'fixed', micros }, count }, max });
  });

  test('a rate limit counts its agents in any order', async () => {
    const [one, two] = await rulesOf('{rate_limit: 5/day, agents: [a, b]}', '{rate_limit: 9/day, agents: [b, a, b], name: other}');
    expect(one?.rateLimit?.draw.counter.id).toBe(two?.rateLimit?.draw.counter.id ?? '');
  });

  test.each([
    ['{counter: n, window: day}', { kind: 'fixed', micros }],
    ['{counter: n, window: day, increment: 0.5}', { kind: 'fixed', micros: 500_000 }],
    ['{counter: n, window: day, increment: 0.0000001}', { kind: 'fixed', micros: 1 }],
    ['{counter: n, window: day, increment_from: "args.items[0].price"}', undefined],
  ] as const)('state: %s', async (text, amount) => {
    const { state } = await ruleOf(`{state: ${text}}`);
    expect(state?.counter).toEqual(stateCounter('pay', 'n', 'day', 'policy'));
    expect(state?.count).toBe('successes');
    if (amount) expect(state?.amount).toEqual(amount);
    else expect(state?.amount).toMatchObject({ kind: 'from', path: { text: 'args.items[0].price' } });
  });

  test('spend: limits, currency, unit and assets', async () => {
    const { spend } = await ruleOf(
      '{spend: {per_call: 5.00, daily: 50, monthly: 0.0000019, currency: JPY, from: args.total, unit: minor, per: agent, assets: {USDC: {decimals: 6, currency: USD}, SOL: {decimals: 9, currency: usd, opaque: true}}}}',
    );
    expect(spend).toMatchObject({ currency: 'jpy', shift: -0, per: 'agent', from: { text: 'args.total' } });
    expect(spend?.limits).toEqual([
      { window: undefined, counter: undefined, micros: 5_000_000, text: '5.00' },
      { window: 'day', counter: spendCounter('pay', 'day', 'jpy', 'agent'), micros: 50_000_000, text: '50' },
      // Rounded down: a limit never admits more than it says.
      { window: 'month', counter: spendCounter('pay', 'month', 'jpy', 'agent'), micros: 1, text: '0.0000019' },
    ]);
    expect(spend?.assets).toEqual(
      new Map([
        ['USDC', { decimals: 6, currency: 'usd', opaque: false }],
        ['SOL', { decimals: 9, currency: 'usd', opaque: true }],
      ]),
    );
  });

  test.each([
    ['usd', -2],
    ['kwd', -3],
    ['clf', -4],
  ] as const)('a minor unit of %s', async (currency, shift) => {
    expect((await ruleOf(`{spend: {daily: 5, unit: minor, currency: ${currency}}}`)).spend?.shift).toBe(shift);
  });
});

describe('what a policy uses', () => {
  test('approvals, counters, schemas, spend', async () => {
    const uses = async (rule: string) => (await load(`version: 1\ntools: {pay: [${rule}]}`)).uses;
    expect(await uses('{action: require_approval}')).toMatchObject({ approvals: true, counters: false });
    expect(await uses('{rate_limit: 5/day}')).toMatchObject({ approvals: false, counters: true });
    expect(await uses('{validate: {schema: true}}')).toMatchObject({ serverSchemas: true });
    expect(await uses('{spend: {per_call: 5, from: args.n}}')).toMatchObject({ spend: true, serverSchemas: false, counters: false });
    expect(await uses('{spend: {daily: 5}}')).toMatchObject({ spend: true, serverSchemas: true, counters: true });
    expect(await uses('{action: allow, idempotency_window: 5m}')).toMatchObject({ idempotency: true });
  });

  test('policy.md §10: counters that a shadow rule alone keeps are not enforced', async () => {
    const policy = await load(`version: 1
tools:
  a: [{rate_limit: 5/day, mode: shadow}, {rate_limit: 5/hour}]
  b: [{state: {counter: n, window: day}, mode: shadow}, {conditions: [{path: state.b.n, op: lt, value: 5}]}]
`);
    const ids = [rateCounter('a', 'hour', 'policy', 'successes', [], 5).id, stateCounter('b', 'n', 'day', 'policy').id];
    expect(policy.enforcedCounters).toEqual(new Set(ids));
  });
});

test('10,000 rules load in seconds, not minutes', async () => {
  const rule = (index: number) => `  - {name: r${index}, conditions: [{path: args.n, op: lte, value: ${index}}]}\n`;
  const rules = Array.from({ length: 10_000 }, (_, index) => rule(index)).join('');
  const start = process.cpuUsage();
  const policy = await load(`version: 1\ntools:\n  pay:\n${rules}`);
  expect(policy.exact.get('pay')?.rules.length).toBe(10_000);
  // Under 1.5 s of work where the machine is ours alone; more than this is no longer linear.
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(10_000);
}, 60_000);
