/** The front page's story: nine calls in nine seconds, and what becomes of the one that waits for a human. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPANY_CALLS } from '../../../examples/demo/calls.ts';
import { ROOT } from '../../harness/paths.ts';
import { type Agent, openCompany, openStage, seedPolicy } from './stage.ts';

const POLICY = readFileSync(join(ROOT, 'examples/policy.yaml'), 'utf8');
const REFUND = { charge: 'ch_3PqX2v', amount: 250_000 };

const refundsOf = (executed: readonly { readonly tool: string }[]) => executed.filter(({ tool }) => tool === 'create_refund').length;

async function held(agent: Agent, args: object = REFUND): Promise<string> {
  const answer = await agent.call('create_refund', args);
  expect(answer.outcome).toBe('AWAIT');
  expect(answer.approval).toMatch(/^apr_[a-z2-7]{16}$/);
  return answer.approval;
}

describe('nine tool calls in nine seconds', () => {
  test('3 reads allowed, 5 blocked, 1 held; approved from the command line, it goes through exactly once', async () => {
    await using stage = await openCompany(POLICY);
    const agent = await stage.agent('--agent', 'support-bot');
    const outcomes = [];
    for (const { tool, args, expected } of COMPANY_CALLS) {
      const { outcome } = await agent.call(tool, args);
      expect({ tool, outcome }).toEqual({ tool, outcome: expected });
      outcomes.push(outcome);
    }
    expect(outcomes.filter((outcome) => outcome === 'DENY')).toHaveLength(5);
    expect((await stage.executed()).map(({ tool }) => tool)).toEqual(['list_issues', 'list_customers', 'retrieve_balance']);

    const { out } = await stage.intercept('approvals', 'list');
    const [id = ''] = /^apr_\w{16}/m.exec(out) ?? [];
    expect(out).toMatch(/ support-bot +create_refund +large refunds +amount=250000 /);
    const shown = await stage.intercept('approvals', 'show', id.slice(0, 10));
    expect(shown.out).toContain('      "charge": "ch_3PqX2v",\n      "amount": 250000\n');
    expect(shown.out).toContain('held by     large refunds: Requires approval (amount > $100)');
    const approved = await stage.intercept('approvals', 'approve', id.slice(4, 12), '--as', 'ada', '--reason', 'checked the charge');
    expect(approved).toMatchObject({ status: 0, err: '' });
    expect(approved.out).toStartWith(`approved ${id}: create_refund`);

    expect((await agent.call('create_refund', REFUND)).outcome).toBe('ALLOW');
    expect(refundsOf(await stage.executed())).toBe(1);
    expect(await held(agent)).not.toBe(id);
    expect(refundsOf(await stage.executed())).toBe(1);

    const all = await stage.intercept('approvals', 'list', '--all', '--json');
    expect(JSON.parse(all.out)).toMatchObject([
      { state: 'pending', tool: 'create_refund', agent: 'support-bot' },
      { id, state: 'consumed', decided_by: 'ada', reason: 'checked the charge', attempts: 1, args: REFUND },
    ]);
    const decision = (await stage.records()).find(({ type }) => type === 'approval_approved');
    expect(decision).toMatchObject({
      approval: id,
      by: 'ada',
      reason: 'checked the charge',
      tool: 'create_refund',
      policy: 'example-company',
    });
    const { out: status } = await stage.intercept('status');
    expect(status).toContain('4 allowed, 5 denied, 2 held, 0 replayed');
    expect(status).toMatch(/█░+ {2}1 of 10 this day .* left +create_refund 10\/day\n/);
  }, 60_000);

  test('different arguments require a new approval', async () => {
    await using stage = await openCompany(POLICY);
    const agent = await stage.agent();
    const id = await held(agent);
    await stage.intercept('approvals', 'approve', id);
    expect(await held(agent, { ...REFUND, amount: 250_001 })).not.toBe(id);
    expect((await agent.call('create_refund', REFUND)).outcome).toBe('ALLOW');
  }, 60_000);

  test('a denied call is told why, and stays denied', async () => {
    await using stage = await openCompany(POLICY);
    const agent = await stage.agent();
    const id = await held(agent);
    expect((await stage.intercept('approvals', 'deny', id, '--reason', 'the customer called back')).status).toBe(0);
    for (let i = 0; i < 2; i++) {
      const answer = await agent.call('create_refund', REFUND);
      expect(answer).toMatchObject({ outcome: 'DENY', decision: { code: 'approval_denied' } });
      expect(answer.text).toContain('Approval denied: the customer called back');
    }
    expect(refundsOf(await stage.executed())).toBe(0);
    const again = await stage.intercept('approvals', 'approve', id);
    expect(again.status).toBe(1);
    expect(again.err).toContain('cannot be decided any more: denied by');
  }, 60_000);

  test('the agent is told to wait and to repeat the call, and never how to approve it', async () => {
    await using stage = await openCompany(POLICY);
    const answer = await (await stage.agent()).call('create_refund', REFUND);
    expect(answer.text).toStartWith('[INTERCEPT APPROVAL REQUIRED] Requires approval (amount > $100)');
    expect(answer.text).toContain('Repeat the same call');
    expect(answer.text).toContain(answer.approval);
    expect(JSON.stringify(answer.result)).not.toMatch(/intercept approvals|https?:|\.intercept/);
    expect(answer.decision).toMatchObject({ outcome: 'held', code: 'approval_required', retryable: true });
  }, 60_000);

  test('limits that several agents share: the eleventh refund of the day is denied', async () => {
    await using stage = await openCompany(POLICY);
    const agents = [await stage.agent('--agent', 'one'), await stage.agent('--agent', 'two')];
    const outcomes = [];
    for (let i = 0; i < 12; i++) outcomes.push((await agents[i % 2]?.call('create_refund', { charge: `ch_${i}`, amount: 100 }))?.outcome);
    expect(outcomes).toEqual([...Array(10).fill('ALLOW'), 'DENY', 'DENY']);
    expect(refundsOf(await stage.executed())).toBe(10);
  }, 60_000);
});

describe('the front page’s policy', () => {
  test('hides, limits, holds and keeps to safe paths, as it says', async () => {
    const tools = ['create_refund', 'issue_refund', 'write_file', 'delete_repository', 'merge_pull_request', 'new_tool'];
    await using stage = await openStage(seedPolicy('home.yaml'), tools);
    const agent = await stage.agent();
    expect((await agent.tools()).toSorted()).toEqual(['create_refund', 'issue_refund', 'write_file']);
    expect((await agent.call('new_tool')).outcome).toBe('DENY');
    expect((await agent.call('delete_repository')).text).toContain('is hidden by policy');
    expect((await agent.call('write_file', { path: '/app/src/main.ts' })).outcome).toBe('ALLOW');
    expect((await agent.call('write_file', { path: '/etc/passwd' })).outcome).toBe('DENY');
    const waiting = await agent.call('issue_refund', { amount: 1 });
    expect(waiting.outcome).toBe('AWAIT');
    await stage.intercept('approvals', 'approve', waiting.approval);
    expect((await agent.call('issue_refund', { amount: 1 })).outcome).toBe('ALLOW');
    expect((await agent.call('issue_refund', { amount: 1 })).outcome).toBe('AWAIT');
  }, 60_000);

  test('an idempotency window: the same call within it is neither sent nor counted again', async () => {
    const policy = `version: "1"\ntools:\n  create_charge:\n    idempotency_window: "5m"\n    rules:\n      - rate_limit: 10/day\n`;
    await using stage = await openStage(policy, ['create_charge']);
    const agent = await stage.agent();
    const first = await agent.call('create_charge', { amount: 500 });
    const second = await agent.call('create_charge', { amount: 500 });
    expect([first.outcome, second.outcome]).toEqual(['ALLOW', 'REPLAY']);
    expect(second.result.content).toEqual(first.result.content);
    expect(await stage.executed()).toHaveLength(1);
    expect((await stage.intercept('status')).out).toMatch(/ 1 of 10 this day {2}.* left {2}create_charge 10\/day\n/);
    expect((await stage.intercept('idempotency', 'list')).out).toMatch(
      /^ {2}[0-9a-f]{12} {2}create_charge {2}agent unknown {2}done, kept for /,
    );
    expect((await agent.call('create_charge', { amount: 501 })).outcome).toBe('ALLOW');
  }, 60_000);
});
