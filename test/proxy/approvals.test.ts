/** Held calls through a session, from the hold to the end of the approval (policy.md §5.4, §12). INVARIANT I5. */
import { describe, expect, test } from 'bun:test';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { until } from '../harness/wait.ts';
import { lines, META, type Message, OK, type Options, openRig, type Rig, START, verdict } from './fixture.ts';

const ASK = '{name: ask, action: require_approval, on_deny: "A human decides"}';
const policyOf = (rules: string, more = '') => `version: "1"\nname: p\n${more}tools:\n  t:\n    rules: [${rules}]\n`;
const ok = ({ method }: Message) => ({ result: method === 'tools/call' ? OK : {} });
const open = (options: Options = {}) => openRig({ policy: policyOf(ASK), respond: ok, ...options });
const records = (rig: Rig, state?: 'pending' | 'approved' | 'consumed') => rig.store.approvals.list(state ? { state } : {});
const only = async (rig: Rig) => (await records(rig, 'pending'))[0]?.id as string;
const decide = (rig: Rig, verdict: 'approve' | 'deny', id: string, reason = '') =>
  rig.store.approvals.decide({ id, verdict, by: 'ada', reason });
const approve = async (rig: Rig) => decide(rig, 'approve', await only(rig));
const textOf = (answer: Message | undefined) => answer?.result?.content[0].text;
const events = (rig: Rig) => rig.events.filter(({ type }) => type.startsWith('approval_')).map(({ type }) => type);

describe('I5: an approval lets exactly one call succeed', () => {
  test('held, approved, sent once, held again; every step is recorded', async () => {
    const rig = await open();
    const held = await rig.call('t', { n: 1 });
    const id = await only(rig);
    expect(textOf(held)).toBe(
      `[INTERCEPT APPROVAL REQUIRED] A human decides. Approval id: ${id}. Repeat the same call, with the same arguments, once it has been approved.`,
    );
    expect(verdict(await rig.call('t', { n: 1.0 }))).toBe('held approval_required');
    await decide(rig, 'approve', id);
    expect(verdict(await rig.call('t', { n: 2 }))).toBe('held approval_required');
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('server');
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('held approval_required');
    expect(rig.executed()).toEqual(['t']);
    expect(events(rig)).toEqual(['approval_requested', 'approval_reused', 'approval_requested', 'approval_consumed', 'approval_requested']);
    expect(rig.calls().map(({ result, approval }) => [result, approval === id])).toEqual([
      ['approval_required', true],
      ['approval_required', true],
      ['approval_required', false],
      ['allowed', true],
      ['approval_required', false],
    ]);
  });

  test('several at once: one goes, the others are held', async () => {
    const rig = await open();
    await rig.call('t');
    await approve(rig);
    const calls = ['a', 'b', 'c'].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 't' } }));
    await rig.send(...calls);
    expect(['a', 'b', 'c'].map((id) => verdict(rig.answersTo(id)[0])).sort()).toEqual([
      'held approval_required',
      'held approval_required',
      'server',
    ]);
    expect(rig.executed()).toEqual(['t']);
  });

  test('the server failed: it may be repeated `retries` times; an unknown outcome uses it up', async () => {
    const failing = await open({
      policy: policyOf(ASK, 'approvals: {retries: 1}\n'),
      respond: ({ method }) => (method === 'tools/call' ? { result: { isError: true } } : { result: {} }),
    });
    await failing.call('t');
    await approve(failing);
    for (const expected of ['server', 'server', 'held approval_required']) expect(verdict(await failing.call('t'))).toBe(expected);
    const silent = await open({ respond: ({ method }) => (method === 'tools/call' ? undefined : { result: {} }) });
    await silent.call('t');
    await approve(silent);
    await silent.send({ jsonrpc: '2.0', id: 'x', method: 'tools/call', params: { name: 't' } });
    await silent.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'x' } });
    expect(verdict(await silent.call('t'))).toBe('held approval_required');
    expect(silent.executed()).toEqual(['t']);
  });

  test('a record that cannot be written: nothing is sent, and the approval is there for the next call', async () => {
    let broken = false;
    const rig = await open({
      wrapAudit: (sink) => ({
        ...sink,
        write(written) {
          if (broken) throw new Error('disk full');
          sink.write(written);
        },
      }),
    });
    await rig.call('t');
    await approve(rig);
    broken = true;
    expect(verdict(await rig.call('t'))).toBe('denied audit_error');
    broken = false;
    expect(verdict(await rig.call('t'))).toBe('server');
    expect(rig.executed()).toEqual(['t']);
  });

  test('it was paused between the decision and the call', async () => {
    const rig = await open();
    await rig.call('t');
    await approve(rig);
    rig.pause = { policy: undefined, reason: '', since: 0 };
    expect(verdict(await rig.call('t'))).toBe('denied paused');
    rig.pause = undefined;
    expect(verdict(await rig.call('t'))).toBe('server');
  });

  test('its time is over', async () => {
    const rig = await open();
    await rig.call('t');
    await approve(rig);
    rig.advance(15 * 60_000);
    expect(verdict(await rig.call('t'))).toBe('held approval_required');
  });

  test('wire.md §2.5: a call without an id neither opens a record nor uses an approval', async () => {
    const rig = await open();
    await rig.call('t');
    await approve(rig);
    await rig.send({ jsonrpc: '2.0', method: 'tools/call', params: { name: 't' } });
    expect(rig.executed()).toEqual([]);
    expect(verdict(await rig.call('t'))).toBe('server');
  });
});

describe('what an approval is for', () => {
  test('an edited rule needs a new one, an edit elsewhere does not', async () => {
    const rig = await open();
    await rig.call('t');
    await approve(rig);
    await rig.reload(policyOf(ASK.replace('A human', 'Another human')));
    expect(verdict(await rig.call('t'))).toBe('held approval_required');
    await rig.reload(`${policyOf(ASK)}  other: {rules: []}\n`);
    expect(verdict(await rig.call('t'))).toBe('server');
  });

  test('a tool that the server defines otherwise needs a new one', async () => {
    let description = 'one';
    const rig = await open({
      respond: ({ method }) =>
        method === 'tools/list' ? { result: { tools: [{ name: 't', description, inputSchema: { type: 'object' } }] } } : { result: OK },
    });
    await rig.call('t');
    await approve(rig);
    description = 'two';
    await rig.say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    expect(verdict(await rig.call('t'))).toBe('held approval_required');
  });

  test('all rules that fired, those on counters too; the shortest time, the first one’s name', async () => {
    const rules = [
      '{name: first, action: require_approval, approval_timeout: 10m}',
      '{name: second, action: require_approval, approval_timeout: 5m, conditions: [{path: args.n, op: gt, value: 5}]}',
      '{name: counted, action: require_approval, conditions: [{path: state.t.calls, op: gte, value: 1}]}',
      '{name: count, state: {counter: calls, window: day, increment: 1}}',
    ];
    const rig = await open({ policy: policyOf(rules.join(', ')) });
    await rig.call('t', { n: 1 });
    const [one] = await records(rig, 'pending');
    expect(one).toMatchObject({ rule: 'first', timeout: 600_000, evidence: { rules: [{ rule: 'first' }] } });
    await approve(rig);
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('server');
    await rig.call('t', { n: 9 });
    const [all] = await records(rig, 'pending');
    expect(all).toMatchObject({ rule: 'first', timeout: 300_000 });
    expect(all?.evidence.rules.map(({ rule }) => rule)).toEqual(['first', 'second', 'counted']);
  });

  test('the human is told what is known: policy, server, client, arguments in full, and what approving overrides', async () => {
    const rules = [
      '{name: ask, action: require_approval}',
      '{name: small, conditions: [{path: args.n, op: lte, value: 5}]}',
      '{name: pinned, arguments: {currency: {enum: [USD]}}}',
      '{name: fine, conditions: [{path: args.n, op: gt, value: 0}]}',
      '{name: absent, when: [{path: args.n, op: gt, value: 100}], conditions: [{path: args.x, op: eq, value: 1}]}',
      '{name: tried, mode: shadow, conditions: [{path: args.n, op: eq, value: 0}]}',
    ];
    const rig = await open({ policy: policyOf(rules.join(', ')) });
    await rig.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bot', version: '1' } });
    await rig.send('{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"t","arguments":{ "n": 50.0, "currency":"EUR"}}}');
    const [record] = await records(rig, 'pending');
    expect(record).toMatchObject({
      args: '{ "n": 50.0, "currency":"EUR"}',
      message: 'This call requires human approval',
      agent: undefined,
    });
    expect(record?.evidence).toEqual({
      upstream: 'server',
      policy: 'p',
      revision: expect.any(String),
      client: 'bot',
      rules: [{ rule: 'ask', message: 'This call requires human approval' }],
      overrides: ['rule "small": condition args.n lte 5 is false', expect.stringContaining('rule "pinned": argument "currency"')],
    });
  });

  test('policy.md §12: agents neither share nor see each other’s', async () => {
    const store = openMemoryStore({ clock: () => START, namespace: 'test' });
    const [one, two] = [await open({ store, agent: 'one', idPrefix: 'a' }), await open({ store, agent: 'two', idPrefix: 'b' })];
    await one.call('t');
    await approve(one);
    expect(verdict(await two.call('t'))).toBe('held approval_required');
    expect(verdict(await one.call('t'))).toBe('server');
    expect(two.executed()).toEqual([]);
  });
});

describe('what a human denied', () => {
  test('stands, with the reason, until its time is over', async () => {
    const rig = await open();
    await rig.call('t');
    await decide(rig, 'deny', await only(rig), 'not on a Sunday');
    const answer = await rig.call('t');
    expect(textOf(answer)).toBe('[INTERCEPT POLICY DENIED] Approval denied: not on a Sunday');
    expect(verdict(answer)).toBe('denied approval_denied');
    rig.advance(15 * 60_000);
    expect(verdict(await rig.call('t'))).toBe('held approval_required');
  });

  test('three times: further ones of that tool are not asked about', async () => {
    const rig = await open();
    for (const n of [1, 2, 3]) {
      await rig.call('t', { n });
      await decide(rig, 'deny', await only(rig));
    }
    const answer = await rig.call('t', { n: 4 });
    expect(verdict(answer)).toBe('denied approval_denied');
    expect(textOf(answer)).toContain('several times');
    expect(await records(rig, 'pending')).toEqual([]);
  });

  test('an agent that asks too much is told so', async () => {
    const rig = await open({ policy: policyOf(ASK, 'approvals: {max_pending: 2}\n') });
    const verdicts = [];
    for (const n of [1, 2, 3]) verdicts.push(verdict(await rig.call('t', { n })));
    expect(verdicts).toEqual(['held approval_required', 'held approval_required', 'denied too_many_pending']);
  });
});

describe('wire.md §2.12: a continued call keeps its approval', () => {
  const asks = (times: number) => {
    let asked = 0;
    return ({ method }: Message) => {
      if (method !== 'tools/call') return { result: {} };
      asked += 1;
      return { result: asked <= times ? { resultType: 'input_required', requestState: `s${asked}` } : OK };
    };
  };
  const first = { _meta: META };
  const retry = (state: string) => ({ _meta: META, requestState: state });

  test('one approval for all legs', async () => {
    const rig = await open({ respond: asks(2) });
    await rig.call('t', {}, first);
    await approve(rig);
    await rig.call('t', {}, first);
    await rig.call('t', {}, retry('s1'));
    expect(verdict(await rig.call('t', {}, retry('s2')))).toBe('server');
    expect(rig.executed()).toHaveLength(3);
    expect((await records(rig)).map(({ state }) => state)).toEqual(['consumed']);
    expect(verdict(await rig.call('t', {}, first))).toBe('held approval_required');
  });

  test('a rule that came between needs an approval of its own, which ends with the call', async () => {
    const rig = await open({ respond: asks(1), policy: policyOf('{rate_limit: 9/day}') });
    await rig.call('t', {}, first);
    await rig.reload(policyOf(ASK));
    expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('held approval_required');
    expect(rig.outcomes()).toMatchObject([{ result: 'kept', error: 'its continuation was refused' }]);
    expect(rig.executed()).toHaveLength(1);
  });

  test('an approval that was given before the continuation lets it go on, and is used up with it', async () => {
    const rig = await open({ respond: asks(1), policy: policyOf('{rate_limit: 9/day}') });
    await rig.reload(policyOf(ASK));
    await rig.call('t', {}, first);
    await approve(rig);
    await rig.reload(policyOf('{rate_limit: 9/day}'));
    await rig.call('t', {}, first);
    await rig.reload(policyOf(ASK));
    expect(verdict(await rig.call('t', {}, retry('s1')))).toBe('server');
    expect((await records(rig)).map(({ state }) => state)).toEqual(['consumed']);
  });

  test('a failing last leg gives the approval back, a session that ends between legs does not', async () => {
    const answers = [{ resultType: 'input_required', requestState: 's1' }, { isError: true }, OK];
    const rig = await open({ respond: ({ method }) => ({ result: method === 'tools/call' ? (answers.shift() ?? OK) : {} }) });
    await rig.call('t', {}, first);
    await approve(rig);
    await rig.call('t', {}, first);
    await rig.call('t', {}, retry('s1'));
    expect((await records(rig)).map(({ state }) => state)).toEqual(['approved']);
    expect(verdict(await rig.call('t', {}, first))).toBe('server');
    const over = await open({ respond: asks(1) });
    await over.call('t', {}, first);
    await approve(over);
    await over.call('t', {}, first);
    await over.session.end('over');
    expect((await records(over)).map(({ state }) => state)).toEqual(['consumed']);
  });
});

describe('--approval-wait', () => {
  const wait = (more: Options = {}) => open({ approvalWait: 60_000, ...more });
  const begin = (rig: Rig, more: object = {}) =>
    rig.session.fromAgent(lines([{ jsonrpc: '2.0', id: 'w', method: 'tools/call', params: { name: 't', arguments: {}, ...more } }]));
  const pending = (rig: Rig) => until('a record', async () => (await records(rig, 'pending'))[0]);
  const ended = (rig: Rig) => until('the answer', () => rig.answersTo('w')[0]);

  test('the call stays open, tells of it, and goes through when a human has approved', async () => {
    const rig = await wait();
    begin(rig, { _meta: { progressToken: 'p' } });
    const { id } = await pending(rig);
    const progress = await until('progress', () => rig.agent.flat().find(({ method }) => method === 'notifications/progress'));
    expect(progress.params).toMatchObject({ progressToken: 'p', progress: 0.000001, message: expect.stringContaining(id) });
    expect(rig.answersTo('w')).toEqual([]);
    await decide(rig, 'approve', id);
    expect(verdict(await ended(rig))).toBe('server');
    expect(events(rig)).toEqual(['approval_requested', 'approval_consumed']);
    expect(new Set(rig.calls().map(({ call }) => call)).size).toBe(1);
  });

  test('a denial ends it with the reason, the time with the hold', async () => {
    const denied = await wait();
    begin(denied);
    await decide(denied, 'deny', (await pending(denied)).id, 'no');
    expect(textOf(await ended(denied))).toContain('Approval denied: no');
    const late = await wait();
    begin(late);
    await pending(late);
    late.advance(60_000);
    expect(verdict(await ended(late))).toBe('held approval_required');
    expect(late.executed()).toEqual([]);
  });

  test('the policy then in force decides', async () => {
    const rig = await wait();
    begin(rig);
    const { id } = await pending(rig);
    await rig.reload(policyOf(`{name: closed, action: deny}, ${ASK}`));
    await decide(rig, 'approve', id);
    expect(verdict(await ended(rig))).toBe('denied rule');
    expect(rig.executed()).toEqual([]);
  });

  test('the client cancels, or is gone: nothing is forwarded, and the approval is not used', async () => {
    const cancelled = await wait();
    begin(cancelled);
    const first = await pending(cancelled);
    await cancelled.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'w' } });
    const gone = await wait();
    begin(gone);
    const second = await pending(gone);
    gone.session.agentGone();
    await gone.idle();
    for (const [rig, { id }] of [
      [cancelled, first],
      [gone, second],
    ] as const) {
      await decide(rig, 'approve', id);
      await rig.idle();
      expect(rig.executed()).toEqual([]);
      expect((await records(rig, 'approved')).map((record) => record.id)).toEqual([id]);
    }
    expect(cancelled.answersTo('w')).toEqual([]);
    expect(verdict(gone.answersTo('w')[0])).toBe('held approval_required');
  });

  test('I9: the session ends: one answer', async () => {
    const rig = await wait();
    begin(rig);
    await pending(rig);
    await rig.session.end('over');
    expect(rig.answersTo('w').map(verdict)).toEqual(['error -32000']);
  });

  test('a legacy client is told when the page is done with', async () => {
    const rig = await wait({ approvalPage: (id) => `http://127.0.0.1/approvals/${id}` });
    await rig.request('initialize', { protocolVersion: '2025-11-25', capabilities: { elicitation: { url: {} } }, clientInfo: {} });
    begin(rig);
    const { id } = await pending(rig);
    await decide(rig, 'approve', id);
    await ended(rig);
    expect(rig.agent.flat().filter(({ method }) => method?.includes('elicitation'))).toMatchObject([
      { method: 'elicitation/create', params: { elicitationId: id } },
      { method: 'notifications/elicitation/complete', params: { elicitationId: id } },
    ]);
  });

  test('while it waits, others overtake it', async () => {
    const rig = await wait({ policy: `${policyOf(ASK)}  free: {rules: []}\n` });
    begin(rig);
    await pending(rig);
    rig.session.fromAgent(lines([{ jsonrpc: '2.0', id: 'f', method: 'tools/call', params: { name: 'free' } }]));
    expect(verdict(await until('its answer', () => rig.answersTo('f')[0]))).toBe('server');
    rig.session.agentGone();
    await rig.idle();
  });
});

describe('policy.md §12: what the client adds in _meta is recorded, shown, and part of what is approved', () => {
  const CEO = { 'example.com/account': 'ceo', confirm: true };
  const call = (rig: Rig, meta?: object) => rig.call('t', { amount: 1 }, meta && { _meta: meta });

  test('another _meta needs another approval; the same in any order and spelling does not', async () => {
    const rig = await open();
    await call(rig);
    await approve(rig);
    expect(verdict(await call(rig, CEO))).toBe('held approval_required');
    expect(rig.executed()).toEqual([]);
    expect((await records(rig, 'pending'))[0]?.evidence.meta).toBe(JSON.stringify(CEO));
    expect(rig.calls().at(-1)?.meta?.text).toBe(JSON.stringify(CEO));
    await approve(rig);
    expect(verdict(await call(rig, { ...CEO, confirm: false }))).toBe('held approval_required');
    expect(verdict(await call(rig, { confirm: true, 'example.com/account': 'ceo', progressToken: 7, traceparent: '00' }))).toBe('server');
    expect(verdict(await call(rig))).toBe('server');
    expect(rig.executed()).toEqual(['t', 't']);
  });

  test("the protocol's own keys, and the ids that clients give each call, make no difference", async () => {
    const rig = await open();
    const meta = (n: number) => ({ progressToken: n, 'claudecode/toolUseId': `toolu_${n}`, 'vscode.requestId': `r-${n}` });
    await call(rig, meta(1));
    expect((await records(rig, 'pending'))[0]?.evidence.meta).toBe('{"claudecode/toolUseId":"toolu_1","vscode.requestId":"r-1"}');
    await approve(rig);
    expect(verdict(await call(rig, { 'claudecode/toolUseId': 'drop everything' }))).toBe('held approval_required');
    expect(verdict(await call(rig, { 'claudecode/toolUseId': { confirm: true } }))).toBe('held approval_required');
    expect(verdict(await call(rig, meta(2)))).toBe('server');
  });

  test('wire.md §2.12: a continuation that adds something is held anew', async () => {
    const answers = [{ result: { resultType: 'input_required', inputRequests: {}, requestState: 's' } }, { result: OK }];
    const rig = await open({ respond: ({ method }) => (method === 'tools/call' ? answers.shift() : { result: {} }) });
    await call(rig);
    await approve(rig);
    await call(rig);
    expect(rig.executed()).toEqual(['t']);
    const inputs = { a: { action: 'accept' } };
    const more = { requestState: 's', inputResponses: inputs, _meta: CEO };
    expect(verdict(await rig.call('t', { amount: 1 }, more))).toBe('held approval_required');
    expect(rig.calls().at(-1)?.inputs).toBe(JSON.stringify(inputs));
    expect(rig.executed()).toEqual(['t']);
  });

  test('for idempotency it is the same call', async () => {
    const rig = await openRig({ policy: 'version: "1"\nname: p\ntools:\n  t: {idempotency_window: 5m, rules: []}\n', respond: ok });
    await call(rig, { a: 1 });
    await call(rig, { a: 2 });
    expect(rig.executed()).toEqual(['t']);
  });
});
