/** kill -9 of the proxy in a stream of counted calls (I3, I4): what was executed was counted and recorded before. */
import { expect, test } from 'bun:test';
import { isAnswer } from '../harness/client.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { openHome } from './processes.ts';

const POLICY = 'version: "1"\nname: crash\ntools:\n  pay:\n    rules:\n      - {name: cap, rate_limit: 100000/month}\n';
const ROUNDS = 6;
const CALLS = 120;

test('I4: after each kill the count covers what the server executed, and never more than was sent', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'pay' }] });
  await using home = await openHome();
  const check = async (sent: number) => {
    // In this order: what is executed later was counted and recorded earlier.
    const executed = (await recorder.executed()).length;
    const counted = await home.counted('crash');
    expect(counted).toBeGreaterThanOrEqual(executed);
    expect(counted).toBeLessThanOrEqual(sent);
    return executed;
  };
  for (let round = 1; round <= ROUNDS; round++) {
    await using proxy = await home.start(POLICY, recorder);
    const { client } = proxy;
    const instant = Math.floor(Math.random() * CALLS);
    const lines = Array.from({ length: CALLS }, (_, n) =>
      JSON.stringify({ jsonrpc: '2.0', id: n, method: 'tools/call', params: { name: 'pay', arguments: { round, n } } }),
    );
    // Half of the rounds send all at once, the others in several writes.
    if (round % 2) client.send(`${lines.join('\n')}\n`);
    else for (const line of lines) client.sendLine(line);
    await client.next((frame) => isAnswer(frame, instant));
    client.kill('SIGKILL');
    expect(await client.exited).toMatchObject({ signal: 'SIGKILL' });
    await check(round * CALLS);
    const allowed = (await proxy.records()).filter(({ type, result }) => type === 'tool_call' && result === 'allowed');
    expect(allowed.length).toBeGreaterThanOrEqual((await recorder.executed()).length);
  }
  expect(await check(ROUNDS * CALLS)).toBeGreaterThanOrEqual(ROUNDS);
}, 60_000);

test('I9: the server dies: what waits gets an error, stays spent, and the audit says so', async () => {
  await using recorder = await setUpRecorder({
    tools: [
      { name: 'pay', behaviour: { do: 'silence' } },
      { name: 'die', behaviour: { do: 'exit', signal: 'SIGKILL' } },
    ],
  });
  await using home = await openHome();
  await using proxy = await home.start(POLICY, recorder);
  const waiting = [1, 2].map(() => proxy.client.request('tools/call', { name: 'pay' }));
  await recorder.untilExecuted(2);
  waiting.push(proxy.client.request('tools/call', { name: 'die' }));
  expect((await Promise.all(waiting)).map(({ error }) => (error as { code: number }).code)).toEqual([-32000, -32000, -32000]);
  expect(await proxy.client.exited).toEqual({ code: 128 + 9, signal: null });
  const outcomes = (await proxy.records()).filter(({ type }) => type === 'outcome');
  expect(outcomes.map(({ result }) => result)).toEqual(['kept', 'kept', 'kept']);
  expect(await home.counted('crash')).toBe(2);
}, 120_000);
