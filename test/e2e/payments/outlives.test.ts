/** policy.md §8, I4: a challenge outlives the process that delivered it, and a flood of invented clients. */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { namespaceOf } from '../../../src/run/home.ts';
import { openSqliteStore } from '../../../src/state/sqlite/sqlite.ts';
import { exchange } from '../../harness/http.ts';
import { startProgram } from '../../harness/program.ts';
import { setUpProxy } from '../../harness/proxy.ts';
import { startUpstream } from '../../harness/upstream.ts';

setDefaultTimeout(120_000);

const POLICY = `version: "1"
name: outlives
tools:
  buy:
    rules:
      - name: budget
        spend: { daily: 7.99, assets: { "0x1": { decimals: 6, currency: usd } } }
`;
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
};
const offer = { scheme: 'exact', network: 'eip155:1', amount: '4000000', asset: '0x1', payTo: '0x2', extra: {} };
const payment = { 'x402/payment': { x402Version: 2, accepted: offer, payload: { authorization: { value: '4000000' } } } };

async function openStage() {
  const paid: unknown[] = [];
  const upstream = await startUpstream((received, response) => {
    const { id, method, params } = JSON.parse(received.body);
    const asks = { isError: true, content: [], structuredContent: { x402Version: 2, accepts: [offer] } };
    const pays = params?._meta?.['x402/payment'] !== undefined;
    if (method === 'tools/call' && pays) paid.push(params.arguments);
    const result = method !== 'tools/call' ? { tools: [{ name: 'buy', inputSchema: { type: 'object' } }] } : pays ? { content: [] } : asks;
    const known = received.headers.authorization === undefined || received.headers.authorization.includes('real');
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
  const setup = await setUpProxy({ policy: POLICY, flags: ['--transport', 'http', '--upstream', upstream.url] });
  const start = () => startProgram(setup.command, setup.env);
  const post = async (url: string, bearer: string, method: string, params: object) => {
    const { text } = await exchange(url, {
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method,
        params: { ...params, _meta: { ...META, ...('_meta' in params ? (params._meta as object) : {}) } },
      }),
      headers: {
        authorization: `Bearer ${bearer}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(method === 'tools/call' && { 'mcp-name': 'buy' }),
      },
    });
    return text;
  };
  const buy = (url: string, n: number, more: object = {}, bearer = 'real') =>
    post(url, bearer, 'tools/call', { name: 'buy', arguments: { n }, ...more });
  const spent = async () => {
    const store = await openSqliteStore({
      path: join(setup.home, 'state', 'intercept.sqlite'),
      namespace: namespaceOf(undefined, 'outlives', 'policy.yaml'),
      clock: Date.now,
      timeoutMs: 5_000,
    });
    const micros = (await store.counters()).reduce((sum, counter) => sum + counter.micros, 0);
    await store.close();
    return micros;
  };
  const dispose = async () => {
    await setup.remove();
    await upstream[Symbol.asyncDispose]();
  };
  return { paid, start, post, buy, spent, [Symbol.asyncDispose]: dispose };
}

test('killed between the challenge and the payment: it is paid once, in two processes that ask at once, and to the cent', async () => {
  await using on = await openStage();
  const first = await on.start();
  expect(await on.buy(first.url, 1)).toContain('accepts');
  first.kill('SIGKILL');
  await first.exited;
  expect(await on.spent()).toBe(4_000_000);
  await using second = await on.start();
  await using third = await on.start();
  // 3.99 are left.
  expect(await on.buy(second.url, 2)).toContain('Spend limit');
  const answers = await Promise.all([second, third, second, third].map(({ url }) => on.buy(url, 1, { _meta: payment })));
  expect(answers.filter((text) => text.includes('answers no challenge')).length).toBe(3);
  expect(on.paid).toEqual([{ n: 1 }]);
  expect(await on.spent()).toBe(4_000_000);
});

test('a flood of invented credentials makes nobody forgotten', async () => {
  await using on = await openStage();
  await using proxy = await on.start();
  expect(await on.buy(proxy.url, 1)).toContain('accepts');
  for (let sent = 0; sent < 1_200; sent += 50)
    await Promise.all(Array.from({ length: 50 }, (_, index) => on.post(proxy.url, `invented ${sent + index}`, 'ping', {})));
  expect(await on.buy(proxy.url, 1, { _meta: payment })).not.toContain('answers no challenge');
  expect(on.paid).toEqual([{ n: 1 }]);
  expect(await on.spent()).toBe(4_000_000);
});
