import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createMatcher } from '../../src/core/match.ts';
import { fingerprintFor, judgeCall } from '../../src/engine/judge-call.ts';
import { loadPolicyText } from '../../src/policy/load.ts';
import { namespaceOf } from '../../src/run/home.ts';
import { stateIn } from '../../src/state/open.ts';
import { openFolder } from './run.ts';

const POLICY = `version: "1"
name: shop
default: deny
tools:
  refund:
    rules:
      - {name: cap, conditions: [{path: args.amount, op: lte, value: 100}], on_deny: too much}
      - {name: daily, rate_limit: 2/day}
      - {name: large, action: require_approval, conditions: [{path: args.amount, op: gt, value: 50}]}
  look: []
`;

const METHODS = `version: "1"
name: shop
default: deny
methods: {"resources/*": deny, "resources/list": allow, "tools/x*": allow}
`;

describe('cli.md §1: explain --method', () => {
  test('says what is denied, and by which key of methods', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', METHODS);
    const denied: readonly (readonly [string, string])[] = [
      ['resources/read', '"methods" has "resources/*": deny'],
      ['custom/thing', 'no key of "methods" names it, MCP does not know it, and the default is deny'],
      ['tools/other', 'a method of tools passes only where a key of "methods" that begins with "tools/" allows it'],
      ['Tools/Call', 'it is no method, and only resembles "tools/call"'],
      ['notifications/own', 'no key of "methods" names it'],
    ];
    for (const [method, why] of denied) {
      const { status, out } = await folder.run('explain', '-c', file, '--method', method);
      expect(out).toContain('decision  deny by (methods)');
      expect(out).toContain(`because   ${why}`);
      expect([method, status]).toEqual([method, 4]);
      expect([method, out.includes('its sender gets the error')]).toEqual([method, !/^(Tools|notifications)/.test(method)]);
    }
    const { out } = await folder.run('explain', '-c', file, '--method', 'resources/read');
    expect(out).toContain('  [INTERCEPT POLICY DENIED] Method "resources/read" is not permitted by policy');
  });

  test('a denied list is empty to its sender', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', 'version: "1"\nmethods: deny\n');
    const { status, out } = await folder.run('explain', '-c', file, '--method', 'prompts/list');
    expect([status, out]).toEqual([4, expect.stringContaining('its sender gets an empty list\n  {"prompts":[]}\n')]);
    const { sender_gets } = JSON.parse((await folder.run('explain', '-c', file, '--method', 'prompts/list', '--json')).out);
    expect(sender_gets).toEqual({ list: { prompts: [] }, meta: expect.objectContaining({ outcome: 'denied', rule: '(methods)' }) });
  });

  test('says what passes, and why', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', METHODS);
    const allowed: readonly (readonly [string, string])[] = [
      ['resources/list', '"methods" has "resources/list": allow'],
      ['prompts/get', 'no key of "methods" names it, and MCP knows it'],
      ['tools/xy', '"methods" has "tools/x*": allow'],
      ['notifications/progress', 'MCP defines this notification'],
      ['tools/call', '"tools" decides about each call: ask with --call'],
    ];
    for (const [method, why] of allowed) {
      const { status, out } = await folder.run('explain', '-c', file, '--method', method);
      expect(out).toMatch(/decision {2}allow\nbecause/);
      expect(out).toContain(why);
      expect([method, status]).toEqual([method, 0]);
    }
  });

  test('shadow mode forwards what methods deny, but no look-alike, and nothing while paused', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', `${METHODS}mode: shadow\n`);
    const ask = (method: string, ...more: readonly string[]) => folder.run('explain', '-c', file, '--method', method, ...more);
    expect(await ask('resources/read')).toMatchObject({ status: 0, out: expect.stringContaining('forwarded shadow mode') });
    expect((await ask('Tools/Call')).status).toBe(4);
    const store = await stateIn(join(folder.path, 'home/state')).open({ namespace: namespaceOf(undefined, 'shop', file) });
    await store.pause({ policy: undefined, reason: 'incident' });
    await store.close();
    expect(await ask('resources/read')).toMatchObject({ status: 4, out: expect.stringContaining('All tool calls are paused: incident') });
    expect((await ask('resources/list')).status).toBe(0);
    expect((await ask('resources/read', '--fresh')).status).toBe(0);
  });
});

describe('cli.md §1: explain', () => {
  test('an allowed call is status 0, with every clause, its value and the counters', async () => {
    using folder = openFolder();
    const { status, out } = await folder.run('explain', '-c', folder.write('p.yaml', POLICY), '--call', 'refund', '--args', '{"amount":5}');
    expect(out).toMatch(/true +args\.amount lte 100 +← 5/);
    expect(out).toContain('refund 2/day: 0 of 2 this day, the call adds 1');
    expect(out).toContain('decision  allow');
    expect(status).toBe(0);
    expect(existsSync(join(folder.path, 'home'))).toBe(false);
  });

  test('a denied or held one is status 4, with exactly what the agent sees', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', POLICY);
    const denied = await folder.run('explain', '-c', file, '--call', 'refund', '--args', '{"amount":101}');
    expect(denied.out).toContain('[INTERCEPT POLICY DENIED] too much');
    expect(denied.status).toBe(4);
    const held = await folder.run('explain', '-c', file, '--call', 'refund', '--args', '{"amount":51}');
    expect(held.out).toContain('[INTERCEPT APPROVAL REQUIRED]');
    expect(held.status).toBe(4);
    expect((await folder.run('explain', '-c', file, '--call', 'nope')).out).toContain('(default deny)');
  });

  test('where no rule was looked at, it says what the name alone decided', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', POLICY);
    const { out } = await folder.run('explain', '-c', file, '--call', 'look');
    expect(out).toContain('because   "look" is listed, with no rules');
    expect(out).not.toContain('no rule was looked at');
    expect((await folder.run('explain', '-c', file, '--call', 'refnd')).out).toContain(
      'because   "refnd" is not listed, and the default is deny; did you mean "refund"?',
    );
  });

  test('reads the counters of the store, and draws nothing', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', POLICY);
    const { policy } = await loadPolicyText(POLICY);
    if (!policy) throw new Error('the policy does not load');
    const store = await stateIn(join(folder.path, 'home/state')).open({ namespace: namespaceOf(undefined, 'shop', file) });
    const facts = {
      policy,
      match: createMatcher(policy),
      catalog: undefined,
      pause: undefined,
      fingerprint: fingerprintFor('', ''),
    };
    const call = { tool: 'refund', args: new Map([['amount', { number: '1' }]]), agent: undefined, session: undefined };
    for (let count = 0; count < 2; count++) await judgeCall(call, '{"amount":1}', facts, { store });
    const argv = ['explain', '-c', file, '--call', 'refund', '--args', '{"amount":1}'];
    for (let count = 0; count < 2; count++) {
      const { status, out } = await folder.run(...argv);
      expect(out).toContain('refund 2/day: 2 of 2 this day');
      expect(out).toMatch(/fails +daily\n +at the store rate_limit 2\/day/);
      expect(status).toBe(4);
    }
    expect(await folder.run(...argv, '--fresh')).toMatchObject({ status: 0, out: expect.stringMatching(/passes +daily\n/) });
    await store.pause({ policy: undefined, reason: 'incident' });
    expect((await folder.run(...argv)).out).toContain('All tool calls are paused: incident');
    await store.close();
  });

  test('arguments come from a file or stdin, and are read as strictly as on the wire (wire.md §2.2)', async () => {
    using folder = openFolder();
    const argv = ['explain', '-c', folder.write('p.yaml', POLICY), '--call', 'refund', '--args'];
    expect((await folder.run(...argv, `@${folder.write('args.json', '{\n"amount": 5}')}`)).status).toBe(0);
    expect((await folder.runWith('{"amount":5}', ...argv, '-')).status).toBe(0);
    for (const text of ['{"amount":1,"amount":2}', '{amount:1}', '[]', '{}x', '@nowhere.json']) {
      const { status, err } = await folder.run(...argv, text);
      expect(err).toStartWith('intercept: --args');
      expect(status).toBe(2);
    }
  });

  test('an invalid policy is status 3', async () => {
    using folder = openFolder();
    const { status, err } = await folder.run('explain', '-c', folder.write('p.yaml', 'version: 7\n'), '--call', 'x');
    expect(err).toContain('p.yaml:1:10: error:');
    expect(status).toBe(3);
  });

  test('--json has the walk', async () => {
    using folder = openFolder();
    const { out } = await folder.run(
      'explain',
      '--json',
      '-c',
      folder.write('p.yaml', POLICY),
      '--call',
      'refund',
      '--args',
      '{"amount":101}',
    );
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'deny',
      forwarded: false,
      decided_by: { rule: 'cap' },
      agent_sees: { meta: { outcome: 'denied' } },
    });
  });
});
