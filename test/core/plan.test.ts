import { describe, expect, test } from 'bun:test';
import type { TraceEntry } from '../../src/core/decision.ts';
import { createMatcher, isVisible } from '../../src/core/match.ts';
import { outcomeOf, planOf, policyOf } from './cases.ts';

const deny = (name: string, more: object = {}) => ({ name, action: 'deny', ...more });
const cap = (name: string, value: number, more: object = {}) => ({ name, conditions: [{ path: 'args.n', op: 'lte', value }], ...more });
const hold = (name: string, more: object = {}) => ({ name, action: 'require_approval', ...more });
const over = (value: number) => [{ path: 'args.n', op: 'gt', value }];
const policy = (tools: object, more: object = {}) => policyOf({ version: '1', tools, ...more });
const tool = (...rules: readonly object[]) => policy({ t: { rules } });

describe('policy.md §5: order of the steps', () => {
  const everything = { hide: ['t'], default: 'deny' };
  test('a pause comes first, then own files, hidden, default deny', async () => {
    const hidden = await policy({}, everything);
    const pause = { policy: undefined, reason: 'why', since: 0 };
    const own = { ownPath: '/home/u/.intercept' };
    const args = '{"path":"/home/u/.intercept/state"}';
    expect(planOf(hidden, 't', args, { ...own, pause })).toMatchObject({
      kind: 'deny',
      denial: { code: 'paused', message: 'All tool calls are paused: why' },
    });
    expect(planOf(hidden, 't', args, own)).toMatchObject({ denial: { code: 'self', rule: '(self)' } });
    expect(planOf(hidden, 't')).toMatchObject({ denial: { code: 'hidden', rule: '(hidden)', message: 'Tool "t" is hidden by policy' } });
    expect(planOf(hidden, 'u')).toMatchObject({
      denial: { code: 'default_deny', rule: '(default deny)', message: 'Tool "u" is not permitted by policy' },
    });
  });

  test('the exact entry, then globs in file order, then "*"', async () => {
    const all = await policy({ '*': [deny('every')], 'g*': [deny('glob 1')], get: [deny('exact')], '*t': [deny('glob 2')] });
    expect(outcomeOf(all, 'get')).toBe('deny exact');
    expect(outcomeOf(all, 'got')).toBe('deny glob 1');
    expect(outcomeOf(all, 'at')).toBe('deny glob 2');
    expect(outcomeOf(all, 'x')).toBe('deny every');
  });

  test('"*" lists nothing, a glob what it matches', async () => {
    const all = await policy({ '*': [cap('c', 1)], 'get_*': [] }, { default: 'deny' });
    expect(outcomeOf(all, 'x', '{"n":1}')).toBe('deny (default deny)');
    expect(outcomeOf(all, 'get_x', '{"n":1}')).toBe('allow');
    expect(outcomeOf(all, 'get_x', '{"n":2}')).toBe('deny c');
  });

  test('the first that fails or fires decides', async () => {
    const two = await tool(cap('a', 5), deny('b', { conditions: over(2) }), cap('c', 1));
    expect(['6', '3', '2', '1'].map((n) => outcomeOf(two, 't', `{"n":${n}}`))).toEqual(['deny a', 'deny b', 'deny c', 'allow']);
  });
});

describe('policy.md §2: look-alikes', () => {
  test('under default allow only, and not where the key is listed itself', async () => {
    const open = await policy({ delete_all: [deny('no')] });
    expect(outcomeOf(open, 'Delete_All ')).toBe('deny (look-alike)');
    expect(outcomeOf(open, 'other')).toBe('allow');
    expect(outcomeOf(await policy({ delete_all: [], Delete_All: [] }), 'Delete_All')).toBe('allow');
  });

  test('what looks hidden is hidden', async () => {
    expect(outcomeOf(await policy({}, { hide: ['wipe_*'] }), 'WIPE_disk')).toBe('deny (hidden)');
    expect(outcomeOf(await policy({ get_x: [] }, { hide: ['*'] }), 'get_x')).toBe('deny (hidden)');
  });

  test('names of JavaScript are names (wire.md §2.14)', async () => {
    const none = await policy({}, { default: 'deny' });
    for (const name of ['__proto__', 'constructor', 'toString', '']) expect(outcomeOf(none, name)).toBe('deny (default deny)');
    expect(outcomeOf(await policyOf('version: "1"\ndefault: deny\ntools: {constructor: []}\n'), 'constructor')).toBe('allow');
  });
});

describe('wire.md §3: what tools/list shows', () => {
  test('neither hidden nor unlisted tools, but those with a deny rule', async () => {
    const strict = await policy({ a: [deny('no')], 'g*': [] }, { default: 'deny', hide: ['ghost'] });
    const visible = (name: string) => isVisible(strict, createMatcher(strict)(name));
    expect(['a', 'get', 'ghost', 'other'].map(visible)).toEqual([true, true, false, false]);
    const showing = await policy({ a: [] }, { default: 'deny', unlisted: 'show' });
    expect(isVisible(showing, createMatcher(showing)('other'))).toBe(true);
  });
});

describe('policy.md §5.4: deny beats hold (I1)', () => {
  test('a hold never ends the walk', async () => {
    const mixed = await tool(hold('human', { conditions: over(10) }), deny('never', { conditions: over(100) }));
    expect(['1', '11', '101'].map((n) => outcomeOf(mixed, 't', `{"n":${n}}`))).toEqual(['allow', 'hold human', 'deny never']);
    const across = await policy({ t: [hold('human')], '*': [deny('never', { conditions: over(100) })] });
    expect(outcomeOf(across, 't', '{"n":101}')).toBe('deny never');
  });

  test("below a fired approval rule conditions and arguments are the human's, above it they are not", async () => {
    const tiers = await tool(cap('ceiling', 1000), hold('human', { conditions: over(10) }), cap('small', 10));
    expect(['5', '500', '1001'].map((n) => outcomeOf(tiers, 't', `{"n":${n}}`))).toEqual(['allow', 'hold human', 'deny ceiling']);
    const schema = await tool(hold('human', { conditions: over(10) }), { name: 'shape', arguments: { n: { maximum: 10 } } });
    expect(outcomeOf(schema, 't', '{"n":11}')).toBe('hold human');
  });

  test('only in the same tool entry', async () => {
    const entries = await policy({ t: [hold('human', { conditions: over(10) })], '*': [cap('every', 10)] });
    expect(outcomeOf(entries, 't', '{"n":11}')).toBe('deny every');
  });

  test('counters below it still limit', async () => {
    const limited = await tool(hold('human'), { name: 'none', rate_limit: { max: 0, window: 'day' } });
    expect(outcomeOf(limited, 't')).toBe('deny none');
  });
});

describe('policy.md §3: whom and what a rule is about', () => {
  test('when: the rule binds unless it is false (I2)', async () => {
    const some = await tool(deny('big', { when: over(10) }));
    expect(['{"n":5}', '{"n":11}', '{}', '{"n":"5"}'].map((args) => outcomeOf(some, 't', args))).toEqual([
      'allow',
      'deny big',
      'deny big',
      'deny big',
    ]);
  });

  test('agents: names, globs, all but; an unknown agent is bound by every rule', async () => {
    const some = await tool(deny('interns', { agents: ['intern-*', 'temp'] }));
    expect(['intern-1', 'temp', 'boss', undefined].map((agent) => outcomeOf(some, 't', '{}', agent))).toEqual([
      'deny interns',
      'deny interns',
      'allow',
      'deny interns',
    ]);
    const but = await tool(deny('others', { agents: ['!boss'] }));
    expect(['boss', 'x', undefined].map((agent) => outcomeOf(but, 't', '{}', agent))).toEqual(['allow', 'deny others', 'deny others']);
  });

  test('the message is on_deny, or names the rule; a rule without a name is its place', async () => {
    expect(planOf(await tool(deny('a', { on_deny: 'Ask Bob' })), 't')).toMatchObject({ denial: { message: 'Ask Bob' } });
    expect(planOf(await tool(deny('a')), 't')).toMatchObject({ denial: { message: 'Denied by rule "a"' } });
    expect(planOf(await tool({ action: 'deny' }), 't')).toMatchObject({ denial: { rule: 'tools.t.rules[0]' } });
  });
});

describe('policy.md §10: rules in shadow mode', () => {
  test('nothing is denied, held or skipped on their account, and all is told', async () => {
    const quiet = await tool(
      deny('d', { mode: 'shadow' }),
      hold('h', { mode: 'shadow', conditions: over(10) }),
      cap('c', 10, { mode: 'shadow' }),
      cap('real', 10),
    );
    expect(planOf(quiet, 't', '{"n":11}')).toMatchObject({
      kind: 'deny',
      denial: { rule: 'real' },
      shadow: [{ rule: 'd' }, { rule: 'c' }],
    });
    expect(planOf(quiet, 't', '{"n":1}')).toMatchObject({ kind: 'store', holds: [], shadow: [{ rule: 'd', result: 'denied' }] });
  });

  test('a shadow rule that fails on its arguments takes none of its own draws, and is told once', async () => {
    const counting = { state: { counter: 'sum', window: 'day', increment_from: 'args.n' } };
    const quiet = await tool({ name: 'q', rate_limit: '2/hour', mode: 'shadow', ...counting });
    expect(planOf(quiet, 't', '{"n":1}')).toMatchObject({ reservable: { draws: [{}, {}] } });
    expect(planOf(quiet, 't')).toMatchObject({ kind: 'store', reservable: { steps: [], draws: [] }, shadow: [{ rule: 'q' }] });
  });

  test('a counter that an enforced rule keeps is drawn on all the same', async () => {
    const counting = { state: { counter: 'sum', window: 'day', increment_from: 'args.n' } };
    const both = await tool({ name: 'q', rate_limit: '2/hour', mode: 'shadow', ...counting }, { name: 'r', rate_limit: '5/hour' });
    expect(planOf(both, 't')).toMatchObject({ reservable: { steps: [{ shadow: false }], draws: [{ counter: 0, unlessShadow: [] }] } });
  });

  test('a shadow limit draws on a counter of its own only while it would pass', async () => {
    const quiet = await tool({ name: 'q', rate_limit: '2/hour', mode: 'shadow' });
    expect(planOf(quiet, 't')).toMatchObject({ reservable: { steps: [{ shadow: true }], draws: [{ unlessShadow: [0] }] } });
  });
});

describe('policy.md §6: draws', () => {
  test('a counter that two rules keep is drawn on once', async () => {
    const shared = await tool({ name: 'a', rate_limit: '5/hour' }, { name: 'b', rate_limit: '3/hour' });
    const planned = planOf(shared, 't');
    expect(planned).toMatchObject({ kind: 'store', reservable: { counters: [{ unit: 'hour' }], draws: [{ micros: 1_000_000 }] } });
    expect(planned.kind === 'store' && planned.reservable.steps.map(({ terms }) => terms[0]?.after)).toEqual([5_000_000, 3_000_000]);
  });

  test('what cannot be counted denies and names the argument (I2)', async () => {
    const sum = await tool({
      name: 's',
      state: { counter: 'c', window: 'day', increment_from: 'args.n' },
      conditions: [{ path: 'state.t.c', op: 'lte', value: 10 }],
    });
    for (const args of ['{}', '{"n":"1"}', '{"n":-1}', '{"n":null}', '{"n":1e400}', '{"n":[1]}']) {
      const planned = planOf(sum, 't', args);
      expect(planned.kind).toBe('deny');
      if (planned.kind === 'deny') expect(planned.denial.why).toContain('args.n');
    }
    expect(planOf(sum, 't', '{"n":0.0000001}')).toMatchObject({ reservable: { draws: [{ micros: 1 }] } });
    expect(planOf(sum, 't', '{"n":-0}')).toMatchObject({ kind: 'store' });
  });

  test('per: agents, sessions and calls have counters of their own', async () => {
    const id = async (per: string, circumstances: object, args = '{}') => {
      const planned = planOf(await tool({ name: 'r', rate_limit: { max: 1, window: 'hour', per } }), 't', args, circumstances);
      return planned.kind === 'store' ? planned.reservable.counters[0]?.id : undefined;
    };
    expect(await id('policy', { agent: 'a' })).toBe(await id('policy', { agent: 'b' }));
    expect(await id('agent', { agent: 'a' })).not.toBe(await id('agent', { agent: 'b' }));
    expect(await id('agent', {})).not.toBe(await id('agent', { agent: 'unknown' }));
    expect(await id('session', { session: '1' })).not.toBe(await id('session', { session: '2' }));
    expect(await id('session', { agent: 'a' })).toBe(await id('session', { agent: 'a' }));
    expect(await id('call', {}, '{"n":1}')).toBe(await id('call', {}, '{"n":1.0}'));
    expect(await id('call', {}, '{"n":1}')).not.toBe(await id('call', {}, '{"n":2}'));
  });
});

describe('cli.md §1: the trace', () => {
  test('tells each clause, what it found and what it said', async () => {
    const entries: TraceEntry[] = [];
    planOf(await tool(cap('c', 10), deny('d', { when: over(100) })), 't', '{"n":5}', { trace: (entry) => entries.push(entry) });
    expect(entries.map(({ rule, clause, found, verdict }) => [rule, clause, found, verdict])).toEqual([
      ['c', 'args.n lte 10', '5', 'true'],
      ['c', '', '', 'passes'],
      ['d', 'when', '', 'not bound'],
    ]);
  });
});
