/** Identical calls in several real processes that share a store (policy.md §9, §12): one winner, and the others share its result. */
import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuditRecord, untilRecords } from '../harness/audit.ts';
import { isAnswer, type RawClient } from '../harness/client.ts';
import type { Message } from '../harness/message.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { until } from '../harness/wait.ts';
import { openHome } from './processes.ts';

const POLICY =
  'version: "1"\nname: identical\ntools:\n  pay:\n    idempotency_window: 5m\n    rules: [{name: cap, rate_limit: 100/month}]\n';
const PROXIES = 3;
const CALLS = 4;

const call = (client: RawClient, id: string) =>
  client.sendLine({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'pay', arguments: { invoice: 7 } } });
const answerTo = async (client: RawClient, id: string) => (await client.next((frame) => isAnswer(frame, id), 30_000)).json as Message;
const outcomeOf = ({ result }: Message) =>
  (result as { readonly _meta?: Record<string, { readonly outcome: string }> })._meta?.['policylayer.com/decision']?.outcome ?? 'server';
const contentOf = ({ result }: Message) => (result as { readonly content: unknown }).content;

test('I6: three processes, twelve calls at once, one execution, one count, twelve equal answers', async () => {
  await using folder = await setUpRecorder();
  const gate = join(folder.folder, 'go');
  await using gated = await setUpRecorder({
    tools: [{ name: 'pay', behaviour: { do: 'await_file', path: gate, next: { do: 'answer', result: { content: [], receipt: 1.5 } } } }],
  });
  await using home = await openHome();
  const proxies = await Promise.all(Array.from({ length: PROXIES }, () => home.start(POLICY, gated)));
  try {
    const ids = Array.from({ length: CALLS }, (_, index) => `c${index}`);
    for (const { client } of proxies) for (const id of ids) call(client, id);
    await gated.untilExecuted(1);
    await writeFile(gate, '');
    const answers = await Promise.all(proxies.flatMap(({ client }) => ids.map((id) => answerTo(client, id))));
    expect(answers.map(outcomeOf).filter((outcome) => outcome === 'server')).toHaveLength(1);
    expect(answers.map(outcomeOf).filter((outcome) => outcome === 'replayed')).toHaveLength(PROXIES * CALLS - 1);
    for (const answer of answers) expect(answer.result).toMatchObject({ content: [], receipt: 1.5 });
    expect(await gated.executed()).toHaveLength(1);
    expect(await home.counted('identical')).toBe(1);
    expect(new Set(answers.map((answer) => JSON.stringify(contentOf(answer)))).size).toBe(1);
  } finally {
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  }
}, 60_000);

test('I6: the process that carries the call out is killed: whoever waits is denied, and nothing is sent again', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'pay', behaviour: { do: 'silence' } }] });
  await using home = await openHome();
  await using winner = await home.start(POLICY, recorder);
  await using other = await home.start(POLICY, recorder);
  call(winner.client, 'w');
  await recorder.untilExecuted(1);
  call(other.client, 'o');
  winner.client.kill('SIGKILL');
  await winner.client.exited;
  const answer = await answerTo(other.client, 'o');
  expect(answer.result).toMatchObject({ _meta: { 'policylayer.com/decision': { code: 'outcome_unknown' } } });
  expect(await recorder.executed()).toHaveLength(1);
}, 60_000);

test('a lease is renewed for as long as the server works', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'pay', behaviour: { do: 'silence' } }] });
  await using home = await openHome();
  await using proxy = await home.start(POLICY, recorder);
  call(proxy.client, 'w');
  await recorder.untilExecuted(1);
  const claim = () => home.withStore('identical', async (store) => (await store.claims.list({}))[0]);
  const first = await claim();
  const later = await until('a renewal', async () => {
    const now = await claim();
    return now && first && now.until > first.until ? now : undefined;
  });
  expect(later.state).toBe('in_flight');
}, 60_000);

test('policy.md §12: an approval is used once, whichever process comes first', async () => {
  const policy = 'version: "1"\nname: identical\ntools:\n  pay: {rules: [{name: ask, action: require_approval}]}\n';
  await using recorder = await setUpRecorder({ tools: [{ name: 'pay' }] });
  await using home = await openHome();
  const proxies = await Promise.all(Array.from({ length: PROXIES }, () => home.start(policy, recorder)));
  try {
    call((proxies[0] as (typeof proxies)[number]).client, 'first');
    await answerTo((proxies[0] as (typeof proxies)[number]).client, 'first');
    await home.withStore('identical', async ({ approvals }) => {
      const [record] = await approvals.list({ state: 'pending' });
      await approvals.decide({ id: record?.id ?? '', verdict: 'approve', by: 'ada', reason: '' });
    });
    for (const { client } of proxies) call(client, 'again');
    const outcomes = await Promise.all(proxies.map(async ({ client }) => outcomeOf(await answerTo(client, 'again'))));
    expect(outcomes.sort()).toEqual(['held', 'held', 'server']);
    expect(await recorder.executed()).toHaveLength(1);
    const records = await untilRecords(home.path, 'the decisions', (all) => all.filter(isDecision).length >= PROXIES + 1);
    expect(records.filter(({ type }) => type === 'approval_consumed')).toHaveLength(1);
  } finally {
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  }
}, 60_000);

function isDecision({ type }: AuditRecord): boolean {
  return type === 'tool_call';
}
