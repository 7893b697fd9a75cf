/** The production checklist: spend limits (3), approvals (6), the audit (9) and shadow mode (10), with a real client. */
import { describe, expect, test } from 'bun:test';
import { until } from '../../harness/wait.ts';
import { openStage, seedPolicy } from './stage.ts';

const TOOLS = ['create_refund', 'cancel_subscription', 'list_customers', 'delete_customer'];

describe('3. set spend limits', () => {
  const policy = `version: "1"
tools:
  create_refund:
    rules:
      - name: "max single refund"
        conditions: [{path: "args.amount", op: "lte", value: 5000}]
        on_deny: "Single refund cannot exceed $50.00"
      - name: "daily refund cap"
        conditions: [{path: "state.create_refund.daily_total", op: "lt", value: 50000}]
        on_deny: "Daily refund cap of $500.00 reached"
        state: {counter: "daily_total", window: "day", increment_from: "args.amount"}
`;
  test('when the daily total hits $500 the tool is blocked, whatever the amounts', async () => {
    await using stage = await openStage(policy, TOOLS);
    const agent = await stage.agent();
    expect((await agent.call('create_refund', { amount: 5001 })).text).toContain('Single refund cannot exceed $50.00');
    for (let i = 0; i < 10; i++) expect((await agent.call('create_refund', { amount: 5000, n: i })).outcome).toBe('ALLOW');
    for (const amount of [5000, 1, 0])
      expect((await agent.call('create_refund', { amount })).text).toContain('Daily refund cap of $500.00 reached');
    expect(await stage.executed()).toHaveLength(10);
  }, 60_000);
});

describe('6. require approval for high-risk actions', () => {
  test('small refunds flow through, larger ones pause until a human has decided', async () => {
    await using stage = await openStage(seedPolicy('two-tier.yaml'), TOOLS);
    const agent = await stage.agent();
    expect((await agent.call('create_refund', { amount: 10_000 })).outcome).toBe('ALLOW');
    const large = await agent.call('create_refund', { amount: 10_001 });
    expect([large.outcome, large.text.includes('Refunds over $100.00 require human approval')]).toEqual(['AWAIT', true]);
    const { out } = await stage.intercept('approvals', 'show', large.approval);
    expect(out).toContain('overrides   rule "auto-allow small refunds": condition args.amount lte 10000');
    await stage.intercept('approvals', 'approve', large.approval);
    expect((await agent.call('create_refund', { amount: 10_001 })).outcome).toBe('ALLOW');
    expect((await stage.executed()).map(({ arguments: args }) => args)).toEqual([{ amount: 10_000 }, { amount: 10_001 }]);
  }, 60_000);

  test('a cancellation waits fifteen minutes; denied, the agent reads why', async () => {
    await using stage = await openStage(seedPolicy('two-tier.yaml'), TOOLS);
    const agent = await stage.agent();
    const { approval, text, decision } = await agent.call('cancel_subscription', { id: 'sub_1' });
    expect(text).toContain('Subscription cancellations require human approval');
    const left = new Date(decision?.expires_at).getTime() - Date.now();
    expect(left).toBeGreaterThan(13 * 60_000);
    expect(left).toBeLessThanOrEqual(15 * 60_000);
    await stage.intercept('approvals', 'deny', approval, '--reason', 'keep it until March');
    expect((await agent.call('cancel_subscription', { id: 'sub_1' })).text).toContain('Approval denied: keep it until March');
    expect(await stage.executed()).toEqual([]);
  }, 60_000);

  test('an approval outlives the process that asked for it', async () => {
    await using stage = await openStage(seedPolicy('two-tier.yaml'), TOOLS);
    const first = await stage.agent();
    const { approval } = await first.call('cancel_subscription', { id: 'sub_1' });
    await first.close();
    await stage.intercept('approvals', 'approve', approval);
    expect((await (await stage.agent()).call('cancel_subscription', { id: 'sub_1' })).outcome).toBe('ALLOW');
    expect((await (await stage.agent()).call('cancel_subscription', { id: 'sub_1' })).outcome).toBe('AWAIT');
  }, 60_000);

  test('a hold belongs to its agent: another one with the same arguments asks anew', async () => {
    await using stage = await openStage(seedPolicy('two-tier.yaml'), TOOLS);
    const [ada, bob] = [await stage.agent('--agent', 'ada'), await stage.agent('--agent', 'bob')];
    const mine = await ada.call('cancel_subscription', { id: 'sub_1' });
    await stage.intercept('approvals', 'approve', mine.approval);
    const theirs = await bob.call('cancel_subscription', { id: 'sub_1' });
    expect([theirs.outcome, theirs.approval === mine.approval]).toEqual(['AWAIT', false]);
    expect((await ada.call('cancel_subscription', { id: 'sub_1' })).outcome).toBe('ALLOW');
  }, 60_000);
});

describe('9. audit everything', () => {
  test('every decision is on stderr and in the audit, with all arguments, up to who approved it and how it ended', async () => {
    await using stage = await openStage(`name: audit-story\n${seedPolicy('two-tier.yaml')}`, TOOLS);
    const agent = await stage.agent();
    await agent.call('create_refund', { amount: 10 });
    await agent.call('delete_customer', { id: 'cus_1' });
    const { approval } = await agent.call('cancel_subscription', { id: 'sub_1' });
    await stage.intercept('approvals', 'approve', approval, '--as', 'ada', '--reason', 'asked by mail');
    await agent.call('cancel_subscription', { id: 'sub_1' });
    await until('the outcome', async () =>
      (await stage.records()).filter(({ type }) => type === 'outcome').length === 2 ? true : undefined,
    );
    const said = agent.stderr();
    expect(said).toContain('[INTERCEPT] ALLOWED tool=create_refund args={"amount":10}');
    expect(said).toContain('[INTERCEPT] DENIED tool=delete_customer rule="(default deny)" args={"id":"cus_1"}');
    expect(said).toContain(
      `[INTERCEPT] HELD tool=cancel_subscription rule="require approval for cancellations" id=${approval} args={"id":"sub_1"}`,
    );
    const about = (await stage.records())
      .filter((record) => record.approval === approval)
      .map(({ type, result, by }) => [type, result ?? by]);
    expect(about).toContainEqual(['approval_requested', undefined]);
    expect(about).toContainEqual(['approval_approved', 'ada']);
    expect(about).toContainEqual(['approval_consumed', undefined]);
    expect(about).toContainEqual(['tool_call', 'approval_required']);
    expect(about).toContainEqual(['tool_call', 'allowed']);
  }, 60_000);
});

describe('10. shadow mode first', () => {
  test('lets everything through, notes what would have happened, and opens no approval', async () => {
    const shadow = seedPolicy('two-tier.yaml').replace('version: "1"', 'version: "1"\nmode: "shadow"');
    await using stage = await openStage(shadow, TOOLS);
    const agent = await stage.agent();
    for (const [tool, args] of [
      ['create_refund', { amount: 99_999 }],
      ['delete_customer', { id: 'cus_1' }],
      ['cancel_subscription', { id: 'sub_1' }],
    ] as const)
      expect((await agent.call(tool, args)).outcome).toBe('ALLOW');
    expect(await stage.executed()).toHaveLength(3);
    expect((await stage.intercept('approvals', 'list', '--all')).out).toBe('no approvals are kept\n');
    const { out } = await stage.intercept('status');
    expect(out).toContain('shadow: enforcement would have');
    expect(out).toContain('1  held by large refund approval');
    expect(out).toContain('1  denied by (default deny)');
    expect(agent.stderr()).toContain('SHADOW-HELD tool=create_refund');
  }, 60_000);

  test('then flip to enforcement: the same file, without that line', async () => {
    const policy = seedPolicy('two-tier.yaml');
    await using stage = await openStage(policy.replace('version: "1"', 'version: "1"\nmode: "shadow"'), TOOLS);
    const agent = await stage.agent();
    expect((await agent.call('cancel_subscription', { id: 'sub_1' })).outcome).toBe('ALLOW');
    await stage.edit(policy);
    await until('the edited policy', async () => ((await stage.records()).some(({ type }) => type === 'config_reload') ? true : undefined));
    expect((await agent.call('cancel_subscription', { id: 'sub_1' })).outcome).toBe('AWAIT');
  }, 60_000);
});
