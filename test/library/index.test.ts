import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, decide, type LoadedPolicy, loadPolicy, loadTools, renderDenial } from '../../src/index.ts';

const REFUNDS = `version: "1"
default: deny
tools:
  refund:
    rules:
      - {name: cap, conditions: [{path: args.amount, op: lte, value: 100}], on_deny: too much}
      - {name: daily, rate_limit: 2/day}
  look: []
`;

async function load(text: string): Promise<LoadedPolicy> {
  const { policy, diagnostics } = await loadPolicy(text);
  if (!policy) throw new Error(JSON.stringify(diagnostics));
  return policy;
}

describe('decide', () => {
  test('allows, and says what forwarding draws', async () => {
    const decided = decide(await load(REFUNDS), { tool: 'refund', args: { amount: 100 } });
    expect(decided.outcome).toBe('allow');
    expect(decided.draws).toMatchObject([{ label: 'refund 2/day', micros: 1_000_000, amount: '1' }]);
    expect(decided.trace).toBeUndefined();
  });

  test('denies with rule and message', async () => {
    const decided = decide(await load(REFUNDS), { tool: 'refund', args: { amount: 100.5 } });
    expect(decided).toMatchObject({ outcome: 'deny', forward: false, denial: { rule: 'cap', message: 'too much', code: 'rule' } });
  });

  test('reads counters from the caller, and knows when the window ends', async () => {
    const now = Date.UTC(2026, 2, 1, 10);
    const decided = decide(await load(REFUNDS), { tool: 'refund', args: { amount: 1 } }, { counters: () => 2_000_000, now });
    expect(decided).toMatchObject({ outcome: 'deny', denial: { code: 'rate_limit', retryAt: Date.UTC(2026, 2, 2) } });
    expect(decided).toMatchObject({ denial: { message: 'Rate limit of 2 per day reached. Try again in 14 hours.' } });
    if (decided.outcome === 'deny') expect(renderDenial(decided.denial, now).meta.retry_after).toBe(14 * 3600);
  });

  test('names no time to wait where no clock was given', async () => {
    const decided = decide(await load(REFUNDS), { tool: 'refund', args: { amount: 1 } }, { counters: () => 2_000_000 });
    expect(decided).toMatchObject({ denial: { message: 'Rate limit of 2 per day reached. Try again later.', retryAt: undefined } });
  });

  test('keeps numbers of a text exact (policy.md §4)', async () => {
    const policy = await load('version: "1"\ntools: {a: [{name: n, conditions: [{path: args.id, op: eq, value: 9007199254740993}]}]}\n');
    expect(decide(policy, { tool: 'a', argsJson: '{"id":9007199254740993}' }).outcome).toBe('allow');
    expect(decide(policy, { tool: 'a', argsJson: '{"id":9007199254740992}' }).outcome).toBe('deny');
    expect(decide(policy, { tool: 'a', args: { id: 9007199254740993n } }).outcome).toBe('allow');
  });

  test('refuses arguments that the proxy would refuse (wire.md §2.2), and what JSON does not have', async () => {
    const policy = await load(REFUNDS);
    expect(() => decide(policy, { tool: 'look', argsJson: '{"a":1,"\\u0061":2}' })).toThrow(SyntaxError);
    expect(() => decide(policy, { tool: 'look', argsJson: '{} {}' })).toThrow(SyntaxError);
    expect(() => decide(policy, { tool: 'look', argsJson: '[]' })).toThrow(SyntaxError);
    expect(() => decide(policy, { tool: 'look', args: { a: Number.NaN } })).toThrow(TypeError);
    expect(() => decide(policy, { tool: 'look', args: { a: new Date() } })).toThrow(TypeError);
    expect(() => decide(policy, { tool: 'look', args: { a: { b: undefined } } })).toThrow('argument "b" is undefined');
  });

  test('tells the walk where it is asked to', async () => {
    const { trace } = decide(await load(REFUNDS), { tool: 'refund', args: { amount: 101 } }, { trace: true });
    expect(trace?.map(({ clause, verdict }) => [clause, verdict])).toEqual([
      ['args.amount lte 100', 'false'],
      ['', 'fails'],
    ]);
  });

  test('judges by the schemas of the server (policy.md §3)', async () => {
    const policy = await load('version: "1"\ntools: {a: [{name: v, action: allow, validate: {schema: true}}]}\n');
    const tools = await loadTools({
      tools: [{ name: 'a', inputSchema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } }],
    });
    expect(decide(policy, { tool: 'a', args: { n: 1 } }, { tools }).outcome).toBe('allow');
    expect(decide(policy, { tool: 'a', args: { n: 'x' } }, { tools }).outcome).toBe('deny');
    expect(decide(policy, { tool: 'a', args: { n: 1 } }).outcome).toBe('deny');
  });

  test('shadow mode forwards, and says what enforcement would do (policy.md §10)', async () => {
    const decided = decide(await load(`mode: shadow\n${REFUNDS}`), { tool: 'refund', args: { amount: 101 } });
    expect(decided).toMatchObject({ outcome: 'deny', forward: true });
  });
});

describe('createEngine', () => {
  test('counts, gives back what failed, and starts anew with the window (policy.md §6)', async () => {
    let now = Date.UTC(2026, 0, 1, 23);
    const engine = createEngine(await load(REFUNDS), { clock: () => now });
    const call = { tool: 'refund', args: { amount: 1 } };
    const first = await engine.decide(call);
    await engine.settle(first, 'released');
    await engine.settle(await engine.decide(call), 'committed');
    await engine.settle(await engine.decide(call), 'kept');
    expect((await engine.decide(call)).outcome).toBe('deny');
    now += 3_600_000;
    expect((await engine.decide(call)).outcome).toBe('allow');
  });

  const PAY = `version: "1"
tools:
  pay:
    idempotency_window: 5m
    rules: [{name: large, action: require_approval, conditions: [{path: args.amount, op: gt, value: 100}]}]
`;

  test('approves, denies and replays (policy.md §9, §12)', async () => {
    const engine = createEngine(await load(PAY));
    const held = async (amount: number) => {
      const decision = await engine.decide({ tool: 'pay', args: { amount } });
      return decision.outcome === 'hold' ? (decision.hold.approval?.id ?? '') : '';
    };
    const id = await held(200);
    expect(await engine.approve(id, 'ada')).toBe(true);
    expect(await engine.deny(id, 'ada')).toBe(false);
    const allowed = await engine.decide({ tool: 'pay', args: { amount: 200 } });
    expect(await engine.decide({ tool: 'pay', args: { amount: 200 } })).toMatchObject({ denial: { code: 'outcome_unknown' } });
    await engine.settle(allowed, 'committed', { receipt: 7 });
    expect(await engine.decide({ tool: 'pay', args: { amount: 200.0 } })).toMatchObject({
      outcome: 'replay',
      replay: { result: '{"receipt":7}' },
    });
    await engine.deny(await held(300), 'ada', 'no');
    expect(await engine.decide({ tool: 'pay', args: { amount: 300 } })).toMatchObject({ denial: { message: 'Approval denied: no' } });
  });

  test('pauses and resumes (policy.md §11)', async () => {
    const engine = createEngine(await load(REFUNDS));
    await engine.pause('incident');
    expect(await engine.decide({ tool: 'look' })).toMatchObject({
      outcome: 'deny',
      denial: { code: 'paused', message: 'All tool calls are paused: incident' },
    });
    await engine.resume();
    expect((await engine.decide({ tool: 'look' })).outcome).toBe('allow');
  });
});

describe('the bundle for browsers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'intercept-library-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('has nothing of a platform, and decides', async () => {
    const built = await Bun.build({ entrypoints: [join(import.meta.dirname, '../../src/index.ts')], target: 'browser', outdir: folder });
    expect(built.success).toBe(true);
    const text = readFileSync(join(folder, 'index.js'), 'utf8');
    expect(text).not.toMatch(/(from|require\(|import\()\s*["'](node:|bun:|fs["']|crypto["'])/);
    expect(text).not.toMatch(/\bprocess\.(env|versions)|\bBun\./);
    const bundle: typeof import('../../src/index.ts') = await import(join(folder, 'index.js'));
    const { policy } = await bundle.loadPolicy(REFUNDS);
    expect(policy && bundle.decide(policy, { tool: 'nope' })).toMatchObject({ outcome: 'deny', denial: { code: 'default_deny' } });
  });
});
