/** Held calls that are kept open, with real processes (policy.md §12): who is gone gets nothing forwarded. */
import { expect, test } from 'bun:test';
import { isAnswer } from '../harness/client.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { until } from '../harness/wait.ts';
import { openHome } from './processes.ts';

const POLICY = 'version: "1"\nname: kept\ntools:\n  pay: {rules: [{name: ask, action: require_approval}]}\n';
const CALL = { jsonrpc: '2.0', id: 'w', method: 'tools/call', params: { name: 'pay', arguments: {} } };

async function stage() {
  const recorder = await setUpRecorder({ tools: [{ name: 'pay' }] });
  const home = await openHome();
  const proxy = await home.start(POLICY, recorder, ['--approval-wait', '10m']);
  const record = () =>
    until('a record', () => home.withStore('kept', async ({ approvals }) => (await approvals.list({ namespace: undefined }))[0]));
  const approve = async () => {
    const { id } = await record();
    await home.withStore('kept', ({ approvals }) => approvals.decide({ id, verdict: 'approve', by: 'ada', reason: '' }));
  };
  const dispose = async () => {
    await proxy[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
    await recorder[Symbol.asyncDispose]();
  };
  return { recorder, proxy, record, approve, [Symbol.asyncDispose]: dispose };
}

test('it goes through when a human approves, from another process', async () => {
  await using on = await stage();
  on.proxy.client.sendLine(CALL);
  await on.approve();
  const answer = (await on.proxy.client.next((frame) => isAnswer(frame, 'w'))).json;
  expect(answer?.result).toMatchObject({ content: [{ text: '{}' }] });
  expect(await on.recorder.executed()).toHaveLength(1);
}, 60_000);

test('stdin ends: it is answered as held, the proxy ends at once, and the approval stays unused', async () => {
  await using on = await stage();
  on.proxy.client.sendLine(CALL);
  await on.record();
  on.proxy.client.end();
  const answer = (await on.proxy.client.next((frame) => isAnswer(frame, 'w'))).json;
  expect(answer?.result).toMatchObject({ _meta: { 'policylayer.com/decision': { outcome: 'held' } } });
  await on.proxy.client.exited;
  await on.approve();
  expect(await on.recorder.executed()).toEqual([]);
  expect((await on.record()).state).toBe('approved');
}, 60_000);

test('the proxy is killed while it waits: the approval is there for the next call', async () => {
  await using on = await stage();
  on.proxy.client.sendLine(CALL);
  await on.record();
  on.proxy.client.kill('SIGKILL');
  await on.proxy.client.exited;
  await on.approve();
  expect((await on.record()).state).toBe('approved');
  expect(await on.recorder.executed()).toEqual([]);
}, 60_000);
