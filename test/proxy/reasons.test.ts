/** policy.md §4: why a condition is unknown reaches the audit, stderr, whoever decides, and the agent. */
import { expect, test } from 'bun:test';
import { renderDecision } from '../../src/audit/sinks/stderr.ts';
import { renderRecordLines } from '../../src/cli/approvals/record-lines.ts';
import { renderApproval } from '../../src/core/approval-json.ts';
import { type Message, textOf as textIn } from '../harness/message.ts';
import { openRig } from './fixture.ts';

const textOf = (answer: Message | undefined) => textIn(answer ?? {});
const MASK = { keyedHash: () => '3f2a5c' };
const rigWith = (rule: string) => openRig({ policy: `version: "1"\nname: p\ntools: {t: {rules: [${rule}]}}\n` });
const lineOf = (rig: Awaited<ReturnType<typeof rigWith>>) => rig.calls().map((call) => renderDecision(call, 'redacted', MASK))[0] ?? '';
const FENCE = 'name: fence, conditions: [{path: args.path, op: within, value: /w/public}]';
const WHY = 'condition args.path within "/w/public" is unknown: the path is relative';

test('a requirement: the reason in record and line, the remedy behind the words of the policy', async () => {
  const rig = await rigWith(`{${FENCE}, on_deny: Only public can be read}`);
  expect(textOf(await rig.call('t', { path: 'public/a' }))).toBe(
    '[INTERCEPT POLICY DENIED] Only public can be read. Send an absolute path.',
  );
  expect(rig.calls()[0]).toMatchObject({ code: 'indeterminate', message: 'Only public can be read', why: WHY });
  expect(lineOf(rig)).toStartWith(`[INTERCEPT] DENIED tool=t rule="fence" why=${JSON.stringify(WHY)} args=`);
});

test('without words of its own, too; what is known to be elsewhere gets no advice and no reason on the line', async () => {
  const rig = await rigWith(`{${FENCE}}`);
  expect(textOf(await rig.call('t', { path: '' }))).toBe('[INTERCEPT POLICY DENIED] Denied by rule "fence". Send an absolute path.');
  const other = await rigWith(`{${FENCE}}`);
  expect(textOf(await other.call('t', { path: '/etc' }))).toBe('[INTERCEPT POLICY DENIED] Denied by rule "fence"');
  expect(other.calls()[0]?.why).toBe('condition args.path within "/w/public" is false');
  expect(lineOf(other)).not.toContain('why=');
});

test('a deny rule that fires because nothing is known', async () => {
  const rig = await rigWith('{name: not large, action: deny, conditions: [{path: args.amount, op: gt, value: 5}], on_deny: Too much!}');
  expect(textOf(await rig.call('t', { amount: '9' }))).toBe('[INTERCEPT POLICY DENIED] Too much! Send args.amount as a number.');
  expect(lineOf(rig)).toContain('why="the deny rule fires: args.amount is text, not a number"');
});

test('an amount that cannot be counted, under words of the policy', async () => {
  const rig = await rigWith('{name: sum, state: {counter: sum, window: day, increment_from: args.amount}, on_deny: No}');
  expect(textOf(await rig.call('t', {}))).toBe('[INTERCEPT POLICY DENIED] No. Send args.amount as a number of at least 0.');
});

test('a held call: whoever decides reads why', async () => {
  const rig = await rigWith(
    '{name: ask, action: require_approval, conditions: [{path: args.amount, op: gt, value: 5}], on_deny: A human decides}',
  );
  const held = await rig.call('t', {});
  expect(textOf(held)).toStartWith('[INTERCEPT APPROVAL REQUIRED] A human decides. Approval id:');
  expect(lineOf(rig)).toContain('why="args.amount is absent"');
  const [record] = await rig.store.approvals.list({});
  if (!record) throw new Error('nothing was recorded');
  expect(renderRecordLines(record, 0, 100)).toContain('  held by     ask: A human decides (args.amount is absent)');
  expect(JSON.parse(renderApproval(record, record.args)).rules).toEqual([
    { rule: 'ask', message: 'A human decides', why: 'args.amount is absent' },
  ]);
});

const COUNTED = '{name: cap, rate_limit: 5/day}';

test('policy.md §6: an outcome that nobody knows names what stays counted, and the server', async () => {
  const rig = await openRig({ policy: `version: "1"\nname: p\ntools: {t: {rules: [${COUNTED}]}, u: []}\n`, respond: () => undefined });
  const calls = ['t', 't', 'u'].map((name, id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } }));
  await rig.send(...calls);
  await rig.session.end('the server ended (SIGKILL) before it answered');
  const said = rig.logged.filter((text) => text.includes('SIGKILL'));
  expect(said).toContain('outcome unknown: t (2 calls) stays counted (the server ended (SIGKILL) before it answered)');
  expect(said.filter((text) => text.endsWith(': the server ended (SIGKILL) before it answered'))).toHaveLength(1);
  expect(said).toHaveLength(2);
});

test('policy.md §9: who said that a call was carried out is named to its repeat', async () => {
  const rig = await openRig({
    policy: 'version: "1"\nname: p\ntools: {t: {idempotency_window: 1h, rules: []}}\n',
    respond: () => undefined,
  });
  await rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't' } });
  await rig.session.upstreamFailed([{ key: 'n:1', text: '1' }], { outcome: 'kept', why: 'the server broke the connection' });
  const [claim] = await rig.store.claims.list({});
  await rig.store.claims.resolve(claim?.key ?? '', 'happened', 'ada');
  expect(textOf(await rig.call('t'))).toBe(
    '[INTERCEPT POLICY DENIED] ada has said that an identical call was carried out; it is not repeated.',
  );
});

test('a call that used an approval names it on its line', async () => {
  const rig = await rigWith('{name: ask, action: require_approval}');
  await rig.call('t');
  const [held] = await rig.store.approvals.list({});
  await rig.store.approvals.decide({ id: held?.id ?? '', verdict: 'approve', by: 'ada', reason: '' });
  await rig.call('t');
  const line = renderDecision(rig.calls()[1] ?? (rig.calls()[0] as never), 'redacted', MASK);
  expect(line).toBe(`[INTERCEPT] ALLOWED tool=t approval=${held?.id} args={}`);
});
