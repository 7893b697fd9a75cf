/** Several proxies on one state (policy.md §6, §7, §11): limits, restarts, edits, pauses. */
import { expect, test } from 'bun:test';
import { setUpRecorder } from '../harness/recorder.ts';
import { until } from '../harness/wait.ts';
import { callTool, openHome } from './processes.ts';

const limited = (max: number, rule = 'cap') =>
  `version: "1"\nname: shared\ntools:\n  pay:\n    rules:\n      - {name: ${rule}, rate_limit: ${max}/month}\n`;

test('I4: two proxies in front of one limit of 25 let exactly 25 calls through', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'pay' }] });
  await using home = await openHome();
  await using first = await home.start(limited(25), recorder);
  await using second = await home.start(limited(25), recorder);
  const all = await Promise.all(Array.from({ length: 60 }, (_, n) => callTool(n % 2 ? first : second, 'pay', { n })));
  expect(all.filter((one) => one === 'allowed').length).toBe(25);
  expect(all.filter((one) => one === 'rate_limit').length).toBe(35);
  expect((await recorder.executed()).length).toBe(25);
}, 120_000);

test('policy.md §6: the count survives a restart, another maximum and another name of the rule', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'pay' }] });
  await using home = await openHome();
  const ask = async (policy: string, times: number) => {
    await using proxy = await home.start(policy, recorder);
    const answers: string[] = [];
    for (let n = 0; n < times; n++) answers.push(await callTool(proxy, 'pay'));
    return answers;
  };
  expect(await ask(limited(2), 3)).toEqual(['allowed', 'allowed', 'rate_limit']);
  expect(await ask(limited(3, 'renamed'), 2)).toEqual(['allowed', 'rate_limit']);
  expect(await ask(limited(1), 1)).toEqual(['rate_limit']);
  expect((await recorder.executed()).length).toBe(3);
}, 120_000);

test('policy.md §11: a pause holds in every proxy within a second, across a restart, until it is resumed', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'pay' }] });
  await using home = await openHome();
  await using first = await home.start(limited(1_000_000), recorder);
  await using second = await home.start(limited(1_000_000), recorder);
  expect([await callTool(first, 'pay'), await callTool(second, 'pay')]).toEqual(['allowed', 'allowed']);

  const since = performance.now();
  await home.withStore('shared', (store) => store.pause({ policy: 'shared', reason: 'an incident' }));
  const paused = (proxy: typeof first) => until('the pause', async () => ((await callTool(proxy, 'pay')) === 'paused' ? true : undefined));
  await Promise.all([paused(first), paused(second)]);
  // One second, and what a crowded machine adds to it.
  expect(performance.now() - since).toBeLessThan(5_000);
  const executed = (await recorder.executed()).length;
  const refused = await first.client.request('resources/read', { uri: 'a' });
  expect(refused.error).toMatchObject({ code: -32010, message: '[INTERCEPT POLICY DENIED] All tool calls are paused: an incident' });
  expect(await first.client.request('tools/list')).toHaveProperty('result');

  await using third = await home.start(limited(1_000_000), recorder);
  expect(await callTool(third, 'pay')).toBe('paused');
  await home.withStore('shared', (store) => store.resume('shared'));
  for (const proxy of [first, second, third]) {
    await until('the resumption', async () => ((await callTool(proxy, 'pay')) === 'allowed' ? true : undefined));
  }
  expect((await recorder.executed()).length).toBe(executed + 3);
}, 120_000);
