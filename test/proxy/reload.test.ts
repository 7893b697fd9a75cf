/** The policy file changes under a running proxy (cli.md §1; I8). */
import { describe, expect, test } from 'bun:test';
import { rename, rm, writeFile } from 'node:fs/promises';
import { fromPlain } from '../../src/mcp/json/values.ts';
import { readX402Credential } from '../../src/mcp/payments/credential.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { until } from '../harness/wait.ts';
import { DECISION, lines, OK, openRig, type Responder } from './fixture.ts';
import { callTool, openHome } from './processes.ts';

/** Allows one tool and denies the other; the limit sends each allowed call through the store. */
const allowing = (good: string, bad: string) => `
version: "1"
name: reload
tools:
  ${good}: {rules: [{rate_limit: 1000000/month}]}
  ${bad}: {rules: [{action: deny}]}
`;
const BOTH = { tools: [{ name: 'red' }, { name: 'blue' }] };

test('I8: reloads under load lose no call, and each call is judged by one policy, the one that its record names', async () => {
  await using recorder = await setUpRecorder(BOTH);
  await using home = await openHome();
  const policies = [allowing('red', 'blue'), allowing('blue', 'red')];
  await using proxy = await home.start(policies[0] as string, recorder);
  let reloads = 0;
  const answers: string[] = [];
  while (reloads < 4) {
    await proxy.edit(policies[(reloads + 1) % 2] as string);
    const seen = reloads;
    await until('a reload', async () => {
      answers.push(...(await Promise.all(Array.from({ length: 20 }, (_, n) => callTool(proxy, n % 2 ? 'red' : 'blue')))));
      reloads = (await proxy.records()).filter(({ type }) => type === 'config_reload').length;
      return reloads > seen ? true : undefined;
    });
  }
  const records = (await proxy.records()).filter(({ type }) => type === 'tool_call');
  expect(records.length).toBe(answers.length);
  expect(answers.filter((one) => one !== 'allowed' && one !== 'rule')).toEqual([]);
  expect((await recorder.executed()).length).toBe(answers.filter((one) => one === 'allowed').length);
  const verdicts = new Map<unknown, Set<string>>();
  for (const { revision, tool, result } of records) {
    const known = verdicts.get(revision) ?? new Set();
    verdicts.set(revision, known.add(`${tool} ${result}`));
  }
  expect([...verdicts.values()].map((set) => [...set].sort())).toEqual(
    expect.arrayContaining([
      ['blue allowed', 'red denied'],
      ['blue denied', 'red allowed'],
    ]),
  );
  expect(verdicts.size).toBe(2);
}, 60_000);

test('cli.md §1: an invalid edit keeps the last good policy, and says so', async () => {
  await using recorder = await setUpRecorder(BOTH);
  await using home = await openHome();
  await using proxy = await home.start(allowing('red', 'blue'), recorder);
  await proxy.edit('version: "1"\nname: reload\ndefualt: allow\n');
  const records = await proxy.untilRecords('the refused reload', (all) => all.some(({ type }) => type === 'config_reload'));
  expect(records.find(({ type }) => type === 'config_reload')).toMatchObject({ accepted: false });
  await until('the warning', () => proxy.client.stderr().includes('defualt') || undefined);
  expect([await callTool(proxy, 'red'), await callTool(proxy, 'blue')]).toEqual(['allowed', 'rule']);
  await proxy.edit(allowing('blue', 'red'));
  await until('the good edit', async () => ((await callTool(proxy, 'blue')) === 'allowed' ? true : undefined));
}, 120_000);

test('policy.md §7: an edit that would count elsewhere is refused', async () => {
  await using recorder = await setUpRecorder(BOTH);
  await using home = await openHome();
  await using proxy = await home.start(allowing('red', 'blue'), recorder);
  await proxy.edit(allowing('blue', 'red').replace('name: reload', 'name: other'));
  await proxy.untilRecords('the refused reload', (all) => all.some(({ type, accepted }) => type === 'config_reload' && accepted === false));
  expect([await callTool(proxy, 'red'), await callTool(proxy, 'blue')]).toEqual(['allowed', 'rule']);
}, 120_000);

test('cli.md §1: a deleted policy holds for two seconds, then every call is denied, until it is back', async () => {
  await using recorder = await setUpRecorder(BOTH);
  await using home = await openHome();
  await using proxy = await home.start(allowing('red', 'blue'), recorder);
  const since = performance.now();
  await rm(proxy.policyFile);
  await until('the denial', async () => ((await callTool(proxy, 'red')) === 'no_policy' ? true : undefined));
  expect(performance.now() - since).toBeGreaterThan(1_900);
  expect((await proxy.client.request('resources/read', { uri: 'a' })).error).toMatchObject({ code: -32010 });
  const executed = (await recorder.executed()).length;
  expect(await callTool(proxy, 'blue')).toBe('no_policy');
  expect((await recorder.executed()).length).toBe(executed);

  await writeFile(`${proxy.policyFile}.new`, allowing('red', 'blue'));
  await rename(`${proxy.policyFile}.new`, proxy.policyFile);
  await until('the policy', async () => ((await callTool(proxy, 'red')) === 'allowed' ? true : undefined));
}, 120_000);

describe('I4, I8, policy.md §8: what a call pays is read when it is judged, under the policy that judges it', () => {
  const held = 'version: "1"\nname: paid\ntools:\n  buy:\n    rules: [{name: ask, action: require_approval}]\n';
  const spend = '{spend: {per_call: 5, daily: 10, assets: {"0x1": {decimals: 6, currency: usd}}}}';
  const limited = held.replace('rules: [', `rules: [${spend}, `);
  const accepted = { scheme: 'exact', network: 'eip155:1', amount: '400000000', asset: '0x1', payTo: '0x2', extra: {} };
  const payment = { x402Version: 2, accepted, payload: { authorization: { value: '400000000' } } };
  const respond: Responder = ({ method }) =>
    method === 'tools/list' ? { result: { tools: [{ name: 'buy', inputSchema: { type: 'object' } }] } } : { result: OK };

  test.each([
    ['in its _meta', { _meta: { 'x402/payment': payment } }, undefined],
    ['in the headers of its POST', {}, () => [readX402Credential(fromPlain(payment))]],
  ])('a call that is kept open over a reload, paid %s', async (_, more, credentials) => {
    const rig = await openRig({ policy: held, approvalWait: 600_000, respond });
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'buy', arguments: {}, ...more } };
    rig.session.fromAgent(lines([call]), { id: 'post', credentials });
    const [record] = await until('a record', async () => {
      const records = await rig.store.approvals.list({});
      return records.length > 0 ? records : undefined;
    });
    await rig.reload(limited);
    await rig.store.approvals.decide({ id: record?.id ?? '', verdict: 'approve', by: 'ada', reason: '' });
    await rig.idle();
    expect(rig.answersTo(1)[0]?.result?._meta?.[DECISION]).toMatchObject({ outcome: 'denied', code: 'spend' });
    expect(rig.executed()).toEqual([]);
  });

  test('a call that waits for the list of tools', async () => {
    const rig = await openRig({ policy: held, respond: () => undefined });
    const params = { name: 'buy', arguments: {}, _meta: { 'x402/payment': payment } };
    rig.session.fromAgent(lines([{ jsonrpc: '2.0', id: 1, method: 'tools/call', params }]));
    const asked = await until('the list to be asked for', () => rig.server.find(({ method }) => method === 'tools/list'));
    await rig.reload(`version: "1"\nname: paid\ntools:\n  buy:\n    rules: [${spend}]\n`);
    rig.session.fromServer(lines([{ jsonrpc: '2.0', id: asked.id, result: { tools: [{ name: 'buy' }] } }]));
    await rig.idle();
    expect(rig.answersTo(1)[0]?.result?._meta?.[DECISION]).toMatchObject({ outcome: 'denied', code: 'spend' });
    expect(rig.executed()).toEqual([]);
  });
});
