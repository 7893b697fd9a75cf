/** Policies are validated, tested and explained without the command line: this imports nothing of ours but `authoring`. */
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainCall } from '../../src/authoring/explain.ts';
import { readPolicyFile } from '../../src/authoring/policy-file.ts';
import { coveredPercent } from '../../src/authoring/test/coverage.ts';
import { findTestFiles, runTestFiles } from '../../src/authoring/test/suite.ts';
import { validateText } from '../../src/authoring/validate.ts';

const POLICY = `version: "1"
tools:
  refund:
    rules:
      - {name: cap, conditions: [{path: args.amount, op: lte, value: 100}], on_deny: too much}
      - {name: daily, rate_limit: 2/day}
`;
const TESTS = `policy: p.yaml
cases:
  - name: small ones pass
    steps: [{call: refund, args: {amount: 5}, expect: allow}]
  - name: large ones do not
    steps: [{call: refund, args: {amount: 500}, expect: deny, rule: cap, message: too much}]
  - name: wrong on purpose
    steps: [{call: refund, args: {amount: 500}, expect: allow}]
`;

function openFiles(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'intercept-authoring-'));
  writeFileSync(join(path, 'p.yaml'), POLICY);
  writeFileSync(join(path, 'p.test.yaml'), TESTS);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('runs policy tests: which passed, why one failed, and what they covered', async () => {
  using files = openFiles();
  const { files: results, totals, coverage, diagnostics } = await runTestFiles(findTestFiles([files.path]));
  expect(diagnostics).toEqual([]);
  expect(totals).toEqual({ passed: 2, failed: 1 });
  const cases = results.flatMap((result) => result.cases);
  expect(cases.map(({ status }) => status)).toEqual(['passed', 'passed', 'failed']);
  const failure = cases[2]?.status === 'failed' ? cases[2].failure : undefined;
  expect(failure).toMatchObject({ expected: 'allow', got: 'deny by rule "cap" (rule): "too much"' });
  const rules = coverage.get(join(files.path, 'p.yaml')) ?? [];
  expect(rules.map(({ rule, passed, failed }) => [rule, passed, failed])).toEqual([
    ['cap', true, true],
    ['daily', true, false],
  ]);
  expect(coveredPercent(rules)).toBe(75);
});

test('explains a call: the walk, the counters and what the agent sees', async () => {
  using files = openFiles();
  const validated = await validateText('p.yaml', readPolicyFile(join(files.path, 'p.yaml')), undefined);
  const policy = validated.kind === 'read' ? validated.policy : undefined;
  if (!policy) throw new Error('the policy is invalid');
  const facts = { policy, catalog: undefined, namespace: 'shop', own: undefined, state: undefined, now: Date.UTC(2026, 0, 1) };
  const allowed = await explainCall({ tool: 'refund', argsText: '{"amount":5}', agent: undefined }, facts);
  expect([allowed.decision.outcome, allowed.answer, allowed.stored]).toEqual(['allow', undefined, false]);
  expect(allowed.counters).toMatchObject([{ value: '0', draws: '1', limit: '2', unit: 'day' }]);
  const denied = await explainCall({ tool: 'refund', argsText: '{"amount":500}', agent: 'anna' }, facts);
  expect(denied.decision.outcome).toBe('deny');
  expect(denied.answer?.text).toContain('too much');
  expect(denied.trace.find(({ verdict }) => verdict === 'fails')?.rule).toBe('cap');
});
