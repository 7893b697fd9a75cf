import { describe, expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openFolder } from './run.ts';

const POLICY = `version: "1"
default: deny
tools:
  refund:
    rules:
      - {name: cap, conditions: [{path: args.amount, op: lte, value: 100}], on_deny: too much}
      - {name: daily, rate_limit: 2/day}
  wipe: [{name: never, action: deny}]
`;

function tests(...steps: readonly string[]): string {
  return `policy: p.yaml\ncases:\n  - name: first\n    steps:\n${steps.map((step) => `      - ${step}\n`).join('')}`;
}

describe('policy.md §15: test', () => {
  test('passes, and says how many', async () => {
    using folder = openFolder();
    folder.write('p.yaml', POLICY);
    const file = folder.write(
      'a.test.yaml',
      tests(
        '{call: refund, args: {amount: 1}, repeat: 2, expect: allow}',
        '{call: refund, args: {amount: 1}, expect: deny, code: rate_limit}',
      ),
    );
    const { status, out } = await folder.run('test', file);
    expect(out).toContain('ok    first');
    expect(out).toEndWith('1 passed\n');
    expect(status).toBe(0);
  });

  test('a failure tells step, line, expected, got and the walk; status 4', async () => {
    using folder = openFolder();
    folder.write('p.yaml', POLICY);
    const file = folder.write('a.test.yaml', tests('{call: wipe, expect: deny}', '{call: refund, args: {amount: 101}, expect: allow}'));
    const { status, out } = await folder.run('test', file);
    expect(out).toContain(`${file}:6: step 2: refund {"amount":101}`);
    expect(out).toContain('expected allow');
    expect(out).toContain('got      deny by rule "cap" (rule): "too much"');
    expect(out).toMatch(/false +args\.amount lte 100 +← 101/);
    expect(status).toBe(4);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ['rule', '{call: wipe, expect: deny, rule: cap}'],
    ['code', '{call: wipe, expect: deny, code: limit}'],
    ['message', '{call: wipe, expect: deny, message: other}'],
    ['pattern', '{call: wipe, expect: deny, message: "/^other/"}'],
    ['outcome', '{call: wipe, expect: hold}'],
    ['repetition', '{call: refund, args: {amount: 1}, repeat: 3, expect: allow}'],
  ];
  for (const [what, step] of wrong) {
    test(`another ${what} than expected fails`, async () => {
      using folder = openFolder();
      folder.write('p.yaml', POLICY);
      expect((await folder.run('test', folder.write('a.test.yaml', tests(step)))).status).toBe(4);
    });
  }

  test('pause, resume and the clock', async () => {
    using folder = openFolder();
    folder.write('p.yaml', POLICY);
    const steps = [
      '{pause: incident}',
      '{call: refund, args: {amount: 1}, expect: deny, code: paused, message: "All tool calls are paused: incident"}',
      '{resume: true}',
      '{call: refund, args: {amount: 1}, repeat: 2, expect: allow}',
      '{after: 23h}',
      '{call: refund, args: {amount: 1}, after: 1h, expect: allow}',
    ];
    const { out, status } = await folder.run('test', folder.write('a.test.yaml', tests(...steps)));
    expect(out).toContain('1 passed');
    expect(status).toBe(0);
  });

  const HELD = `version: "1"
tools:
  wire:
    rules:
      - {name: large, action: require_approval, conditions: [{path: args.amount, op: gt, value: 100}]}
  pay:
    idempotency_window: 5m
    rules: []
`;

  test('policy.md §15: a held call is approved or denied, by the clock of the case', async () => {
    using folder = openFolder();
    folder.write('p.yaml', HELD);
    const call = '{call: wire, args: {amount: 200}';
    const steps = [
      `${call}, expect: hold, rule: large, code: approval_required}`,
      '{approve: last}',
      `${call}, upstream: tool_error, expect: allow}`,
      `${call}, expect: allow}`,
      `${call}, expect: hold}`,
      '{deny: last, reason: not today, after: 1m}',
      `${call}, expect: deny, code: approval_denied, message: "Approval denied: not today"}`,
      `${call}, after: 15m, expect: hold}`,
      '{after: 16m}',
      `${call}, expect: hold}`,
    ];
    const { out, status } = await folder.run('test', folder.write('a.test.yaml', tests(...steps)));
    expect(out).toContain('1 passed');
    expect(status).toBe(0);
  });

  test('policy.md §15: an identical call is replayed, and its failures are not', async () => {
    using folder = openFolder();
    folder.write('p.yaml', HELD);
    const steps = [
      '{call: pay, args: {n: 1}, upstream: error, expect: allow}',
      '{call: pay, args: {n: 1}, result: {content: []}, expect: allow}',
      '{call: pay, args: {n: 1.0}, repeat: 3, expect: replay}',
      '{call: pay, args: {n: 1}, after: 6m, expect: allow}',
      '{call: pay, args: {n: 2}, upstream: unknown, expect: allow}',
      '{call: pay, args: {n: 2}, expect: deny, code: outcome_unknown}',
      '{call: pay, args: {n: 3}, agent: a, expect: allow}',
      '{call: pay, args: {n: 3}, agent: b, expect: allow}',
    ];
    const { out, status } = await folder.run('test', folder.write('a.test.yaml', tests(...steps)));
    expect(out).toContain('1 passed');
    expect(status).toBe(0);
  });

  test('to approve where nothing waits is a failure, and says so', async () => {
    using folder = openFolder();
    folder.write('p.yaml', HELD);
    const { out, status } = await folder.run('test', folder.write('a.test.yaml', tests('{approve: last}')));
    expect(out).toContain('expected a held call that waits for approval');
    expect(out).toContain('got      no call was held before');
    expect(status).toBe(4);
    const twice = ['{call: wire, args: {}, expect: hold}', '{deny: last}', '{approve: last}'];
    expect((await folder.run('test', folder.write('b.test.yaml', tests(...twice)))).out).toContain('got      its record is denied');
  });

  test('--coverage: an approved call does not make its rule stay silent', async () => {
    using folder = openFolder();
    folder.write('p.yaml', HELD);
    const call = '{call: wire, args: {amount: 200}';
    const file = folder.write('a.test.yaml', tests(`${call}, expect: hold}`, '{approve: last}', `${call}, expect: allow}`));
    expect((await folder.run('test', '--coverage', file)).out).toContain('no case makes wire "large" stay silent');
  });

  const faulty: readonly (readonly [string, string])[] = [
    ['{call: wipe, expct: deny}', '[unknown-key]'],
    ['{call: wipe}', '[missing-key]'],
    ['{call: wipe, expect: refuse}', '[wrong-value]'],
    ['{call: wipe, expect: deny, json: "{\\"a\\":1,\\"a\\":2}"}', 'occurs twice'],
    ['{call: wipe, expect: deny, json: "{}", args: {}}', 'same thing'],
    ['{call: wipe, expect: deny, code: nope}', 'unknown code'],
    ['{call: wipe, expect: allow, rule: x}', 'allowed call'],
    ['{call: wipe, expect: deny, after: soon}', 'duration'],
    ['{call: wipe, expect: deny, message: "/(/"}', 'pattern'],
    ['{wait: 5m}', '[missing-key]'],
    ['{approve: first}', 'held last'],
    ['{call: wipe, expect: deny, result: done}', '"result" is a map'],
  ];
  for (const [step, expected] of faulty) {
    test(`a test file with ${step} does not run`, async () => {
      using folder = openFolder();
      folder.write('p.yaml', POLICY);
      const file = folder.write('a.test.yaml', tests(step));
      const { status, err } = await folder.run('test', file);
      expect(err).toContain(`${file}:5:`);
      expect(err).toContain(expected);
      expect(status).toBe(1);
    });
  }

  test('an inline policy keeps its lines; an invalid one is status 3', async () => {
    using folder = openFolder();
    const file = folder.write(
      'a.test.yaml',
      'now: 2026-03-01T10:00:00Z\npolicy:\n  version: "1"\n  tolls: {}\ncases:\n  - {name: a, steps: [{call: x, expect: allow}]}\n',
    );
    const { status, err } = await folder.run('test', file);
    expect(err).toContain(`${file}:4:3: unknown key "tolls"`);
    expect(status).toBe(3);
  });

  test('a folder stands for all *.test.yaml below it', async () => {
    using folder = openFolder();
    folder.write('p.yaml', POLICY);
    mkdirSync(join(folder.path, 'deep'));
    folder.write('a.test.yaml', tests('{call: wipe, expect: deny}'));
    folder.write('deep/b.test.yaml', tests('{call: wipe, expect: deny}').replace('p.yaml', '../p.yaml'));
    expect((await folder.run('test', folder.path)).out).toEndWith('2 passed\n');
    expect((await folder.run('test', join(folder.path, 'home'))).status).toBe(1);
  });

  test('--coverage lists what no case tried, --min-coverage fails below', async () => {
    using folder = openFolder();
    folder.write('p.yaml', POLICY);
    const half = folder.write('a.test.yaml', tests('{call: wipe, expect: deny}', '{call: refund, args: {amount: 1}, expect: allow}'));
    const { out } = await folder.run('test', '--coverage', half);
    expect(out).toContain('60% of 3 rules covered');
    expect(out).toContain('no case makes refund "cap" fail');
    expect(out).toContain('no case makes refund "daily" fail');
    expect(out).not.toContain('"never"');
    expect((await folder.run('test', '--min-coverage', '61', half)).status).toBe(4);
    expect((await folder.run('test', '--min-coverage', '60', half)).status).toBe(0);
    const steps = [
      '{call: wipe, expect: deny}',
      '{call: refund, args: {amount: 1}, repeat: 2, expect: allow}',
      '{call: refund, args: {amount: 1}, expect: deny}',
      '{call: refund, args: {}, expect: deny}',
    ];
    expect((await folder.run('test', '--min-coverage', '100', folder.write('b.test.yaml', tests(...steps)))).status).toBe(0);
  });

  test('--json for programs', async () => {
    using folder = openFolder();
    folder.write('p.yaml', POLICY);
    const { out } = await folder.run('test', '--json', folder.write('a.test.yaml', tests('{call: wipe, expect: allow}')));
    expect(JSON.parse(out)).toMatchObject({
      totals: { passed: 0, failed: 1 },
      files: [{ cases: [{ status: 'failed', failure: { step: 1, line: 5 } }] }],
    });
  });
});
