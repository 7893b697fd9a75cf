/** The tutorial on spending controls, step by step, with a real client. */
import { describe, expect, test } from 'bun:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { startListener } from '../../harness/program.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { until } from '../../harness/wait.ts';
import { type Agent, openStage, seedPolicy } from './stage.ts';

const TOOLS = [
  'create_charge',
  'create_refund',
  'delete_customer',
  'delete_product',
  'delete_invoice',
  'delete_subscription',
  'list_charges',
];
const CHARGE = { amount: 50_000, currency: 'usd' };

const SINGLE = `
      - name: "max single charge"
        conditions:
          - path: "args.amount"
            op: "lte"
            value: 50000
        on_deny: "Single charge cannot exceed $500.00"`;
const DAILY = `
      - name: "daily spend cap"
        conditions:
          - path: "state.create_charge.daily_spend"
            op: "lte"
            value: 1000000
        on_deny: "Daily spending cap of $10,000.00 reached"
        state:
          counter: "daily_spend"
          window: "day"
          increment_from: "args.amount"`;
const policyOf = (rules: string, more = '') =>
  `version: "1"\ndescription: "Stripe spending controls"\n${more}tools:\n  create_charge:\n    rules:${rules}\n`;

function tool(name: string, failing = false) {
  const behaviour = {
    do: 'sequence',
    steps: [{ do: 'is_error', text: 'card declined' }, { do: 'error', code: -32000, message: 'down' }, { do: 'answer' }],
  } as const;
  return failing ? { name, behaviour } : { name };
}

/** Spends `times` charges of $500. */
async function spend(agent: Agent, times: number): Promise<void> {
  for (let i = 0; i < times; i++) expect((await agent.call('create_charge', { ...CHARGE, n: i })).outcome).toBe('ALLOW');
}

describe('step 2: a limit on a single transaction', () => {
  test('checks amount on every call; what is blocked never reaches the server', async () => {
    await using stage = await openStage(policyOf(SINGLE), TOOLS);
    const agent = await stage.agent();
    expect((await agent.call('create_charge', { amount: 50_000 })).outcome).toBe('ALLOW');
    for (let i = 0; i < 3; i++) {
      const { outcome, text } = await agent.call('create_charge', { amount: 50_001 });
      expect([outcome, text]).toEqual(['DENY', '[INTERCEPT POLICY DENIED] Single charge cannot exceed $500.00']);
    }
    expect(await stage.executed()).toHaveLength(1);
  }, 60_000);
});

describe('step 3: a cap on the day', () => {
  test('200 charges of $50 are stopped at exactly $10,000, also over restarts', async () => {
    await using stage = await openStage(policyOf(SINGLE + DAILY), TOOLS);
    const first = await stage.agent();
    await spend(first, 12);
    await first.close();
    // "If you restart, the daily total picks up where it left off."
    const second = await stage.agent();
    await spend(second, 7);
    expect((await second.call('create_charge', { amount: 49_999 })).outcome).toBe('ALLOW');
    const { outcome, text } = await second.call('create_charge', { amount: 2 });
    expect([outcome, text]).toEqual(['DENY', '[INTERCEPT POLICY DENIED] Daily spending cap of $10,000.00 reached']);
    expect((await second.call('create_charge', { amount: 1 })).outcome).toBe('ALLOW');
    const { out } = await stage.intercept('status');
    expect(out).toMatch(
      /counters near their limit\n {2}█{10} {2}1000000 of 1000000 this day {2}.* left {2}.*: create_charge\.daily_spend\n/,
    );
  }, 60_000);

  test('failed upstream calls do not consume quota', async () => {
    await using stage = await openStage(policyOf(SINGLE + DAILY), [tool('create_charge', true)]);
    const agent = await stage.agent();
    expect((await agent.call('create_charge', CHARGE)).text).toContain('card declined');
    await expect(agent.call('create_charge', CHARGE)).rejects.toThrow('down');
    await spend(agent, 20);
    expect((await agent.call('create_charge', { amount: 1 })).outcome).toBe('DENY');
  }, 60_000);
});

describe('step 4: currencies and other arguments', () => {
  const both = `
      - name: "safe charge"
        conditions:
          - path: "args.amount"
            op: "lte"
            value: 50000
          - path: "args.currency"
            op: "in"
            value: ["usd", "eur"]
        on_deny: "Charge must be under $500 and in USD or EUR"`;
  test('both conditions must pass; a missing argument passes none', async () => {
    await using stage = await openStage(policyOf(both), TOOLS);
    const agent = await stage.agent();
    const outcomes = [];
    for (const args of [
      { amount: 1, currency: 'eur' },
      { amount: 1, currency: 'gbp' },
      { amount: 50_001, currency: 'usd' },
      { amount: 1 },
      { currency: 'usd' },
    ])
      outcomes.push((await agent.call('create_charge', args)).outcome);
    expect(outcomes).toEqual(['ALLOW', 'DENY', 'DENY', 'DENY', 'DENY']);
  }, 60_000);
});

describe('step 5: destructive operations', () => {
  const policy = `version: "1"
hide: [delete_customer, delete_product, delete_invoice]
tools:
  delete_subscription:
    rules:
      - name: "block subscription deletion"
        action: "deny"
        on_deny: "Subscription deletion is not permitted via AI agents"
`;
  test('hidden tools are not in the list; a denied one is, and every call of it is blocked', async () => {
    await using stage = await openStage(policy, TOOLS);
    const agent = await stage.agent();
    expect((await agent.tools()).toSorted()).toEqual(['create_charge', 'create_refund', 'delete_subscription', 'list_charges']);
    expect((await agent.call('delete_customer', { id: 'cus_1' })).outcome).toBe('DENY');
    expect((await agent.call('delete_subscription', { id: 'sub_1' })).text).toBe(
      '[INTERCEPT POLICY DENIED] Subscription deletion is not permitted via AI agents',
    );
    expect(await stage.executed()).toEqual([]);
  }, 60_000);
});

describe('step 7: wired up', () => {
  test('the agent has a URL and a token, and the policy runs on every call', async () => {
    await using recorder = await setUpRecorder({ tools: TOOLS.map((name) => ({ name })) });
    const options = {
      policy: seedPolicy('spending.yaml'),
      server: recorder.command,
      flags: ['--token-env', 'TOKEN'],
      env: { TOKEN: 'a-token-that-ann-was-given' },
    };
    await using listener = await startListener(options);
    const connect = async (token: string) => {
      const agent = new Client({ name: 'agent', version: '1' });
      const requestInit = { headers: { Authorization: `Bearer ${token}` } };
      await agent.connect(new StreamableHTTPClientTransport(new URL(listener.url), { requestInit }));
      return agent;
    };
    await expect(connect('a-token-that-nobody-gave')).rejects.toThrow();
    const agent = await connect('a-token-that-ann-was-given');
    const { tools } = await agent.listTools();
    expect(tools.map(({ name }) => name)).not.toContain('delete_customer');
    const denied = await agent.callTool({ name: 'create_charge', arguments: { ...CHARGE, amount: 50_001 } });
    expect(JSON.stringify(denied.content)).toContain('Single charge cannot exceed $500.00');
    await agent.callTool({ name: 'create_charge', arguments: CHARGE });
    await agent.close();
    expect((await recorder.executed()).map(({ tool: name }) => name)).toEqual(['create_charge']);
  }, 120_000);
});

describe('the complete policy', () => {
  test('step 6: sixty calls of any tool in a minute, and no more', async () => {
    await using stage = await openStage(seedPolicy('spending.yaml'), TOOLS);
    const agent = await stage.agent();
    const first = minuteOf(Date.now());
    const outcomes = [];
    for (let i = 0; i < 130; i++) outcomes.push((await agent.call('list_charges', { page: i })).outcome);
    const minutes = minuteOf(Date.now()) - first + 1;
    const allowed = outcomes.filter((outcome) => outcome === 'ALLOW').length;
    expect(allowed).toBeLessThanOrEqual(60 * minutes);
    if (minutes === 1) expect(outcomes.indexOf('DENY')).toBe(60);
  }, 120_000);

  test('refunds: at most $100, ten a day; charges: three rules at once', async () => {
    await using stage = await openStage(seedPolicy('spending.yaml'), TOOLS);
    const agent = await stage.agent();
    expect((await agent.call('create_refund', { amount: 10_001 })).text).toContain('Refunds over $100.00 require manual processing');
    for (let i = 0; i < 10; i++) expect((await agent.call('create_refund', { amount: 10_000, n: i })).outcome).toBe('ALLOW');
    expect((await agent.call('create_refund', { amount: 1 })).text).toContain('Daily refund limit (10) reached');
    expect((await agent.call('create_charge', CHARGE)).outcome).toBe('ALLOW');
    expect((await agent.call('create_charge', { ...CHARGE, currency: 'gbp' })).outcome).toBe('DENY');
    expect((await agent.call('create_charge', { ...CHARGE, amount: 50_001 })).text).toContain('Single charge cannot exceed $500.00');
  }, 60_000);

  test('hot reload: an edit takes effect while the agent stays connected, and the total goes on', async () => {
    await using stage = await openStage(policyOf(SINGLE + DAILY), TOOLS);
    const agent = await stage.agent();
    await spend(agent, 2);
    await stage.edit(policyOf(SINGLE + DAILY).replace('value: 1000000', 'value: 120000'));
    await until('the edited policy', async () => ((await stage.records()).some(({ type }) => type === 'config_reload') ? true : undefined));
    expect((await agent.call('create_charge', CHARGE)).outcome).toBe('DENY');
    expect((await agent.call('create_charge', { amount: 20_000 })).outcome).toBe('ALLOW');
  }, 60_000);

  test('a policy with a mistake does not go live', async () => {
    await using stage = await openStage(policyOf(SINGLE), TOOLS);
    const agent = await stage.agent();
    await stage.edit(policyOf(SINGLE).replace('op: "lte"', 'op: "lt3"'));
    await until('the rejected edit', async () => ((await stage.records()).some(({ accepted }) => accepted === false) ? true : undefined));
    expect((await agent.call('create_charge', { amount: 50_001 })).outcome).toBe('DENY');
    expect((await agent.call('create_charge', { amount: 1 })).outcome).toBe('ALLOW');
    expect((await stage.intercept('status')).out).toContain('the policy on disk is not in force');
  }, 60_000);
});

/** Windows are calendar minutes: calls that cross into the next one have its sixty too. */
function minuteOf(instant: number): number {
  return Math.floor(instant / 60_000);
}
