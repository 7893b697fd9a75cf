/** Shadow mode (policy.md §10), failing parts (§1.2), approvals that are held (§12), and whose counter it is (§6). */
import { describe, expect, test } from 'bun:test';
import { AuditError } from '../../src/core/audit.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { agreeable, DECISION, META, type Options, openRig, START, verdict } from './fixture.ts';

const RULES = `
tools:
  no: {rules: [{name: never, action: deny}]}
  ask: {rules: [{name: human, action: require_approval}]}
  few: {rules: [{name: cap, rate_limit: 1/hour}]}
`;
const open = (options: Options) => openRig({ respond: agreeable, ...options });

describe('policy.md §10: shadow', () => {
  const shadow = () => open({ policy: `version: "1"\nmode: shadow\nhide: [gone]\n${RULES}` });

  test('nothing is denied, held or hidden; the record says what would have been', async () => {
    const rig = await shadow();
    for (const name of ['no', 'ask', 'few', 'few', 'gone']) expect(verdict(await rig.call(name))).toBe('server');
    expect(rig.calls().map(({ result, shadow: would }) => [result, would?.map(({ rule }) => rule)])).toEqual([
      ['allowed', ['never']],
      ['allowed', ['human']],
      ['allowed', undefined],
      ['allowed', ['cap']],
      ['allowed', ['(hidden)']],
    ]);
  });

  test('what would have been denied or held draws nothing and opens no approval', async () => {
    const rig = await shadow();
    for (const name of ['few', 'few', 'ask']) await rig.call(name);
    expect(await rig.counted()).toEqual([1]);
    expect(await rig.store.approvals.list({ state: 'pending' })).toEqual([]);
  });

  test('a rule of its own in shadow mode decides nothing, the others do', async () => {
    const rig = await open({
      policy:
        'version: "1"\ntools:\n  t:\n    rules:\n      - {name: trial, mode: shadow, action: deny}\n      - {name: tried, mode: shadow, action: require_approval}\n      - {name: real, rate_limit: 1/hour}\n',
    });
    expect(verdict(await rig.call('t'))).toBe('server');
    expect(verdict(await rig.call('t'))).toBe('denied rate_limit');
    expect(rig.calls()[0]?.shadow?.map(({ rule }) => rule)).toEqual(['trial', 'tried']);
    expect(await rig.store.approvals.list({ state: 'pending' })).toEqual([]);
  });

  test('a store or an audit that fails stops no call', async () => {
    const rig = await open({
      policy: `version: "1"\nmode: shadow\n${RULES}`,
      wrapAudit: (sink) => ({
        ...sink,
        write() {
          throw new AuditError('full');
        },
      }),
    });
    await rig.store.close();
    for (const name of ['few', 'no']) expect(verdict(await rig.call(name))).toBe('server');
    expect(rig.logged.join()).toContain('full');
  });
});

describe('policy.md §1.2: a store that fails', () => {
  const broken = async (failMode: 'closed' | 'open') => {
    const rig = await open({ policy: `version: "1"\n${RULES}`, failMode });
    await rig.store.close();
    return rig;
  };

  test.each([
    ['closed', { few: 'denied state_error', ask: 'denied state_error', no: 'denied rule', free: 'server' }],
    ['open', { few: 'server', ask: 'denied state_error', no: 'denied rule', free: 'server' }],
  ] as const)('--state-fail-mode %s', async (mode, expected) => {
    const rig = await broken(mode);
    for (const [name, verdictOf] of Object.entries(expected)) {
      const answer = await rig.call(name);
      expect([name, verdict(answer)]).toEqual([name, verdictOf]);
      if (verdictOf.endsWith('state_error')) expect(answer?.result.content[0].text).toBe('[INTERCEPT POLICY DENIED] Internal policy error');
    }
    expect(rig.calls().map(({ result }) => result)).toEqual([mode === 'open' ? 'allowed' : 'denied', 'denied', 'denied', 'allowed']);
  });
});

describe('I3: an audit that fails', () => {
  test('denies what would have been sent, and gives back what that had reserved', async () => {
    let full = true;
    const rig = await open({
      policy: `version: "1"\n${RULES}`,
      wrapAudit: (sink) => ({
        ...sink,
        write(events) {
          if (full) throw new AuditError('full');
          sink.write(events);
        },
      }),
    });
    expect(verdict(await rig.call('few'))).toBe('denied audit_error');
    expect(verdict(await rig.request('prompts/get', {}))).toBe('error -32603');
    expect(verdict(await rig.request('ping'))).toBe('server');
    expect(rig.executed()).toEqual([]);
    full = false;
    expect(verdict(await rig.call('few'))).toBe('server');
  });

  test('a request of the server that cannot be recorded is refused', async () => {
    const rig = await open({
      wrapAudit: (sink) => ({
        ...sink,
        write() {
          throw new AuditError('full');
        },
      }),
    });
    await rig.say({ jsonrpc: '2.0', id: 5, method: 'sampling/createMessage' });
    expect(rig.agent).toEqual([]);
    expect(rig.server).toMatchObject([{ id: 5, error: { code: -32010, data: { code: 'audit_error' } } }]);
  });
});

describe('policy.md §12: held calls', () => {
  const policy = (more = '') => `
version: "1"
approvals: {default_timeout: 10m, max_pending: 2}
tools:
  ask:
    rules:
      - {name: human, action: require_approval, on_deny: "Ask Ann"${more}}
  two:
    rules:
      - {name: long, action: require_approval, approval_timeout: 1h}
      - {name: short, action: require_approval, approval_timeout: 1m}
`;

  test('the agent gets the text, the id and when it ends; the record holds the arguments', async () => {
    const rig = await open({ policy: policy(), agent: 'ann' });
    const answer = await rig.call('ask', { amount: 5 });
    const [pending] = await rig.store.approvals.list({ state: 'pending' });
    expect(pending).toMatchObject({
      tool: 'ask',
      rule: 'human',
      agent: 'ann',
      message: 'Ask Ann',
      args: '{"amount":5}',
      expiresAt: START + 600_000,
    });
    const text: string = answer?.result.content[0].text;
    expect(text).toStartWith('[INTERCEPT APPROVAL REQUIRED] Ask Ann.');
    expect(text).toContain(pending?.id as string);
    expect(text).not.toMatch(/https?:|\/|intercept approvals/);
    expect(answer?.result._meta[DECISION]).toEqual({
      outcome: 'held',
      rule: 'human',
      code: 'approval_required',
      retryable: true,
      approval_id: pending?.id,
      expires_at: new Date(START + 600_000).toISOString(),
    });
    expect(rig.events.map(({ type }) => type)).toEqual(['tool_call', 'approval_requested']);
    expect(rig.executed()).toEqual([]);
  });

  test('the same call reuses the record, another one opens its own, and beyond max_pending none is made', async () => {
    const rig = await open({ policy: policy() });
    const idOf = async (args: object) => (await rig.call('ask', args))?.result._meta[DECISION].approval_id;
    const id = await idOf({ a: 1, b: 2 });
    expect(await idOf({ b: 2.0, a: 1 })).toBe(id);
    expect(rig.events.at(-1)?.type).toBe('approval_reused');
    expect(await idOf({ a: 2 })).not.toBe(id);
    expect(verdict(await rig.call('ask', { a: 3 }))).toBe('denied too_many_pending');
    expect((await rig.store.approvals.list({ state: 'pending' })).length).toBe(2);
    rig.advance(600_000);
    expect(verdict(await rig.call('ask', { a: 3 }))).toBe('held approval_required');
  });

  test('an edited rule or a changed tool needs another approval', async () => {
    const roomy = (more?: string) => policy(more).replace('max_pending: 2', 'max_pending: 9');
    let description = 'asks';
    const respond: Options['respond'] = () => ({ result: { tools: [{ name: 'ask', description }] } });
    const rig = await open({ policy: roomy(), respond });
    const idOf = async () => (await rig.call('ask'))?.result._meta[DECISION].approval_id;
    await rig.request('tools/list');
    const first = await idOf();
    await rig.request('tools/list');
    expect(await idOf()).toBe(first);
    description = 'asks, and pays';
    await rig.request('tools/list');
    const second = await idOf();
    expect(second).not.toBe(first);
    expect(second).toStartWith('apr_');
    await rig.reload(roomy(', when: [{path: args.x, op: exists, value: false}]'));
    expect([first, second, undefined]).not.toContain(await idOf());
  });

  test('one record covers all rules that fired, for the shortest timeout', async () => {
    const rig = await open({ policy: policy() });
    await rig.call('two');
    expect(await rig.store.approvals.list({ state: 'pending' })).toMatchObject([{ rule: 'long', expiresAt: START + 60_000 }]);
  });

  test('I1: a denial beats a hold, and a held call draws nothing', async () => {
    const rig = await open({
      policy:
        'version: "1"\ntools:\n  t:\n    rules:\n      - {action: require_approval}\n      - {name: cap, rate_limit: 1/hour}\n  "*":\n    rules:\n      - {name: no, action: deny, conditions: [{path: args.bad, op: exists, value: true}]}\n',
    });
    expect(verdict(await rig.call('t', { bad: 1 }))).toBe('denied rule');
    expect(verdict(await rig.call('t', {}))).toBe('held approval_required');
    expect(await rig.counted()).toEqual([]);
  });
});

describe('policy.md §6: per', () => {
  const policy = (per: string) =>
    `version: "1"\ntools:\n  t:\n    rules:\n      - {name: cap, rate_limit: {max: 1, window: hour, per: ${per}}}\n`;
  const store = () => openMemoryStore({ clock: () => START, namespace: 'test' });
  const pair = async (
    per: string,
    agents: readonly [string | undefined, string | undefined],
    more: readonly [object, object] = [{}, {}],
  ) => {
    const shared = store();
    const answers: string[] = [];
    for (const [index, agent] of agents.entries()) {
      const rig = await open({ policy: policy(per), store: shared, ...(agent && { agent }) });
      answers.push(verdict(await rig.call('t', { n: 1 }, more[index])));
    }
    return answers.map((one) => (one === 'server' ? 'passes' : one));
  };

  test.each([
    ['policy', ['ann', 'bob'], 'denied rate_limit'],
    ['agent', ['ann', 'bob'], 'passes'],
    ['agent', ['ann', 'ann'], 'denied rate_limit'],
    ['agent', [undefined, undefined], 'denied rate_limit'],
    ['agent', ['unknown', undefined], 'passes'],
    ['call', ['ann', 'ann'], 'denied rate_limit'],
    ['call', ['ann', 'bob'], 'passes'],
  ] as const)('%s, agents %j: the second call %s', async (per, agents, second) => {
    expect(await pair(per, agents)).toEqual(['passes', second]);
  });

  test('call: other arguments are another call', async () => {
    const rig = await open({ policy: policy('call') });
    for (const n of [1, 2]) expect(verdict(await rig.call('t', { n }))).toBe('server');
    expect(verdict(await rig.call('t', { n: 2 }))).toBe('denied rate_limit');
  });

  test('session: each legacy session has its own', async () => {
    const shared = store();
    for (const idPrefix of ['one', 'two']) {
      const rig = await open({ policy: policy('session'), store: shared, agent: 'ann', idPrefix });
      expect([verdict(await rig.call('t')), verdict(await rig.call('t'))]).toEqual(['server', 'denied rate_limit']);
    }
  });

  test('session: where the protocol has none, it counts per agent', async () => {
    const modern = { _meta: META };
    expect(await pair('session', ['ann', 'ann'], [modern, modern])).toEqual(['passes', 'denied rate_limit']);
    expect(await pair('session', ['ann', 'bob'], [modern, modern])).toEqual(['passes', 'passes']);
  });
});

test('policy.md §5: arguments that point into Intercept’s own files deny', async () => {
  const rig = await open({ ownPaths: ['/home/a/.intercept'] });
  expect(verdict(await rig.call('read', { path: '/home/a/.intercept/state/x' }))).toBe('denied self');
  expect(verdict(await rig.call('read', { path: '/home/a/notes' }))).toBe('server');
});

test('policy.md §10: in shadow they are reached, and the record says what would have been', async () => {
  const rig = await openRig({ policy: 'version: "1"\nmode: shadow\n', ownPaths: ['/home/a/.intercept'], respond: agreeable });
  expect(verdict(await rig.call('read', { path: '/home/a/.intercept/state/x' }))).toBe('server');
  expect(rig.calls()[0]?.shadow).toEqual([{ result: 'denied', code: 'self', rule: '(self)' }]);
});
