/** The example of "what policy enforcement means": an agent before a financial services server, with a real client. */
import { describe, expect, test } from 'bun:test';
import { openStage, seedPolicy } from './stage.ts';

/** The five tools of the policy, and two of the many that the server has besides. */
const LISTED = ['get_balance', 'list_transactions', 'create_payment', 'create_refund', 'close_account'];
const TOOLS = [...LISTED, 'delete_all_records', 'transfer_to_external'];
const POLICY = seedPolicy('financial.yaml');

describe('a policy for a financial services server', () => {
  test('if the server exposes more tools, the agent sees five, and cannot call another', async () => {
    await using stage = await openStage(POLICY, TOOLS);
    const agent = await stage.agent();
    expect((await agent.tools()).toSorted()).toEqual(LISTED.toSorted());
    for (const tool of ['delete_all_records', 'transfer_to_external']) expect((await agent.call(tool)).outcome).toBe('DENY');
    expect((await agent.call('get_balance')).outcome).toBe('ALLOW');
    expect((await stage.executed()).map(({ tool }) => tool)).toEqual(['get_balance']);
  }, 60_000);

  test('payments: $500 each, $5,000 a day, in three currencies', async () => {
    await using stage = await openStage(POLICY, TOOLS);
    const agent = await stage.agent();
    expect((await agent.call('create_payment', { amount: 500.01, currency: 'USD' })).outcome).toBe('DENY');
    expect((await agent.call('create_payment', { amount: 1, currency: 'CHF' })).outcome).toBe('DENY');
    for (let n = 0; n < 10; n++) expect((await agent.call('create_payment', { amount: 500, currency: 'EUR', n })).outcome).toBe('ALLOW');
    expect(await agent.call('create_payment', { amount: 0.01, currency: 'USD' })).toMatchObject({
      outcome: 'DENY',
      decision: { code: 'spend' },
    });
    expect(await stage.executed()).toHaveLength(10);
    expect((await stage.intercept('status')).out).toMatch(/█{10} {2}5000 of 5000 this day {2}.*: create_payment usd\/day\n/);
  }, 60_000);

  test('refunds: $100 each, $1,000 a day, ten of them', async () => {
    await using stage = await openStage(POLICY, TOOLS);
    const agent = await stage.agent();
    expect((await agent.call('create_refund', { amount: 100.01 })).text).toContain('Refund limit reached. Escalate to human operator.');
    for (let n = 0; n < 10; n++) expect((await agent.call('create_refund', { amount: 50, n })).outcome).toBe('ALLOW');
    expect((await agent.call('create_refund', { amount: 1 })).text).toContain('Refund limit reached. Escalate to human operator.');
    expect(await stage.executed()).toHaveLength(10);
  }, 60_000);

  test('closing an account is held until a human approves or rejects it, half an hour at most', async () => {
    await using stage = await openStage(POLICY, TOOLS);
    const agent = await stage.agent();
    const [one, two] = [await agent.call('close_account', { id: 'acc_1' }), await agent.call('close_account', { id: 'acc_2' })];
    expect([one.outcome, two.outcome]).toEqual(['AWAIT', 'AWAIT']);
    expect(one.text).toContain('Account closure requires human approval');
    const [record] = JSON.parse((await stage.intercept('approvals', 'list', '--json')).out);
    expect(new Date(record.expires_at).getTime() - new Date(record.created_at).getTime()).toBe(30 * 60_000);
    await stage.intercept('approvals', 'approve', one.approval);
    await stage.intercept('approvals', 'deny', two.approval, '--reason', 'it has a balance');
    expect((await agent.call('close_account', { id: 'acc_1' })).outcome).toBe('ALLOW');
    expect((await agent.call('close_account', { id: 'acc_2' })).text).toContain('it has a balance');
    expect((await stage.executed()).map(({ arguments: args }) => args)).toEqual([{ id: 'acc_1' }]);
  }, 60_000);

  test('state persists: rate limits, totals and decisions are there after a restart', async () => {
    await using stage = await openStage(POLICY, TOOLS);
    const first = await stage.agent();
    for (let n = 0; n < 9; n++) await first.call('create_refund', { amount: 1, n });
    const { approval } = await first.call('close_account', { id: 'acc_1' });
    await first.close();
    await stage.intercept('approvals', 'approve', approval);
    const second = await stage.agent();
    expect((await second.call('create_refund', { amount: 1 })).outcome).toBe('ALLOW');
    expect((await second.call('create_refund', { amount: 1 })).outcome).toBe('DENY');
    expect((await second.call('close_account', { id: 'acc_1' })).outcome).toBe('ALLOW');
  }, 60_000);
});
