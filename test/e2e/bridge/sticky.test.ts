/** wire.md §5: a balancer finds by its cookie the node that has the session (sticky sessions). */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { type Balancer, startBalancer } from '../../harness/balancer.ts';
import { exchange } from '../../harness/http.ts';
import { modern } from '../../harness/modern.ts';
import { startListener } from '../../harness/program.ts';
import { ALLOW_ALL, startProxy } from '../../harness/proxy.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const CALL = { name: 'pay', arguments: {} };
const sum = ({ calls: [first, second] }: Balancer) => first + second;
const message = (id: number, method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id, method, params });

test('the bridge: 4 of 4 calls, and those after a node was lost', async () => {
  await using balancer = await startBalancer();
  await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', balancer.url] });
  await proxy.client.initialize();
  for (let call = 0; call < 4; call++) expect((await proxy.client.request('tools/call', CALL)).error).toBeUndefined();
  expect(Math.max(...balancer.calls)).toBe(4);
  balancer.lose(balancer.calls[0] === 4 ? 0 : 1);
  await proxy.client.request('tools/call', CALL);
  for (let call = 0; call < 4; call++) expect((await proxy.client.request('tools/call', CALL)).error).toBeUndefined();
  expect(Math.min(...balancer.calls)).toBeGreaterThanOrEqual(4);
});

test('the listener: 4 of 4 calls in each of two sessions; clients see no cookie, and bring none', async () => {
  await using balancer = await startBalancer();
  await using listener = await startListener({ policy: ALLOW_ALL, flags: ['--upstream', balancer.url] });
  const open = async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } };
    const { headers } = await exchange(listener.url, { body: message(0, 'initialize', params) });
    expect(headers['set-cookie']).toBeUndefined();
    return String(headers['mcp-session-id']);
  };
  for (const session of [await open(), await open()])
    for (let id = 1; id <= 4; id++) {
      const headers = { 'mcp-session-id': session, cookie: `node=${session.startsWith('0') ? 1 : 0}; mine=1` };
      const answer = await exchange(listener.url, { body: message(id, 'tools/call', CALL), headers });
      expect([answer.status, answer.headers['set-cookie']]).toEqual([200, undefined]);
    }
  expect(balancer.calls).toEqual([4, 4]);
  expect(balancer.received.some(({ headers }) => headers.cookie?.includes('mine'))).toBe(false);
});

for (const between of ['bridge', 'listener'] as const)
  test(`the modern era, ${between}: what belongs to no session has the agent's cookies`, async () => {
    await using balancer = await startBalancer();
    const setUp = { policy: ALLOW_ALL, flags: ['--upstream', balancer.url] };
    await using proxy = between === 'bridge' ? await startProxy(setUp) : undefined;
    await using listener = between === 'listener' ? await startListener(setUp) : undefined;
    const ask = async (id: number, method: string, params: object) => {
      if (proxy) return void (await proxy.client.request(method, modern(params)));
      const headers = { 'mcp-method': method, 'mcp-name': 'pay', 'mcp-protocol-version': '2026-07-28' };
      await exchange(String(listener?.url), { body: message(id, method, modern(params)), headers });
    };
    await ask(0, 'server/discover', {});
    for (let id = 1; id <= 4; id++) await ask(id, 'tools/call', CALL);
    expect(sum(balancer)).toBe(4);
    expect(Math.max(...balancer.calls)).toBe(4);
  });
