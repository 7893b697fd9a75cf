/** wire.md §2 against servers of the official SDK, of two generations and both eras, that write down what they execute. */
import { afterAll, describe, expect, test } from 'bun:test';
import { exchange } from '../../harness/http.ts';
import { openStreamable } from '../../harness/http-session.ts';
import { modern } from '../../harness/modern.ts';
import { startListener } from '../../harness/program.ts';
import { startProxy } from '../../harness/proxy.ts';
import { until } from '../../harness/wait.ts';
import { type Attack, VERSION } from './attack.ts';
import { BATCHES } from './cases/batches.ts';
import { CALLS } from './cases/calls.ts';
import { FRAMES, MAX_MESSAGE, RESPONSES } from './cases/framing.ts';
import { KEYS } from './cases/keys.ts';
import { fence } from './ledger.ts';
import { type Target, targetOf } from './run.ts';
import { type Execution, type LoggingServer, startFirst, startSecond } from './sdk-servers.ts';

const ATTACKS: readonly Attack[] = [...BATCHES, ...KEYS, ...CALLS, ...FRAMES, ...RESPONSES];
const POLICY = 'version: "1"\ndefault: deny\ntools:\n  safe: {rules: [{conditions: [{path: args.amount, op: lte, value: 10}]}]}\n';
const FLAGS = ['--max-message', `${MAX_MESSAGE}`];
const TIMEOUT_MS = 180_000;
const SERVERS = [
  ['SDK v1', startFirst],
  ['SDK v2', startSecond],
] as const;

let [sent, bypasses, fences] = [0, 0, 0];
afterAll(() =>
  console.log(
    `attacks on SDK servers: ${ATTACKS.length} cases, ${sent} sent, bypasses: ${bypasses}; ${fences} fences, all executed by the server`,
  ),
);

const isForbidden = ({ tool, amount }: Execution) => tool !== 'safe' || !(typeof amount === 'number' && amount <= 10);

/** A harmless call of its own number after each attack: the server has to write it down, too. */
async function passFence(server: LoggingServer, request: Target['request']): Promise<void> {
  fences += 1;
  const number = fences;
  await request('tools/call', fence(number));
  await until(`fence ${number}`, () => server.executed.some((execution) => execution.fence === number) || undefined);
}

async function attackAll(server: LoggingServer, open: (version: string) => Promise<Target & AsyncDisposable>): Promise<void> {
  for (const version of [undefined, '2025-03-26'] as const) {
    {
      await using target = await open(version ?? VERSION);
      for (const { bytes } of ATTACKS.filter((attack) => attack.version === version)) {
        await target.send(bytes);
        await passFence(server, target.request);
        sent += 1;
      }
    }
    // The proxy has ended; nothing of its can come behind a call that comes directly.
    await using direct = await openStreamable(server.url, VERSION);
    await passFence(server, direct.request);
  }
  bypasses += server.executed.filter(isForbidden).length;
  expect(server.executed.filter(isForbidden)).toEqual([]);
}

describe.each(SERVERS)('%s', (_, start) => {
  test('without the proxy, attacks are executed', async () => {
    await using server = await start();
    const session = await openStreamable(server.url, VERSION);
    for (const { bytes } of ATTACKS.filter(({ version }) => version === undefined)) await session.post(bytes).catch(() => undefined);
    await session[Symbol.asyncDispose]();
    expect(server.executed.filter(isForbidden).length).toBeGreaterThan(20);
  }, 180_000);

  test(
    'in POSTs to the listener, nothing denied is executed (wire.md §2)',
    async () => {
      await using server = await start();
      await using listener = await startListener({ policy: POLICY, flags: ['--upstream', server.url, ...FLAGS] });
      await attackAll(server, async (version) => {
        const session = await openStreamable(listener.url, version);
        const { frames, post: send, request } = session;
        return { frames, send, request, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
      });
    },
    TIMEOUT_MS,
  );

  test(
    'through the bridge, nothing denied is executed (wire.md §2)',
    async () => {
      await using server = await start();
      await attackAll(server, async (version) => {
        const proxy = await startProxy({ policy: POLICY, flags: ['--upstream', server.url, ...FLAGS] });
        await proxy.client.initialize(version);
        return { ...targetOf(proxy), [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
      });
    },
    TIMEOUT_MS,
  );
});

test(
  'SDK v2, in its own era: calls in POSTs without a session, with the headers that the body asks for, or others',
  async () => {
    await using server = await startSecond();
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', server.url] });
    const call = (name: string, amount: number) =>
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: modern({ name, arguments: { amount } }) });
    const post = (body: string, name: string) =>
      exchange(listener.url, { body, headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name } });
    expect((await post(call('safe', 1), 'safe')).text).toContain('done');
    for (const [body, name] of [
      [call('danger', 1), 'danger'],
      [call('danger', 1), 'safe'],
      [call('safe', 11), 'safe'],
      [call('safe', 1).replace('"safe"', '"safe","name":"danger"'), 'danger'],
      [call('safe', 1).replace('"name"', '"Name":"danger","name"'), 'safe'],
      [call('safe', 1).replace('"method"', '"m\\u0065thod":"tools/call","method"'), 'safe'],
      [`[${call('danger', 1)}]`, 'danger'],
    ] as const) {
      await post(body, name);
      sent += 1;
    }
    bypasses += server.executed.filter(isForbidden).length;
    expect(server.executed).toEqual([{ tool: 'safe', amount: 1 }]);
  },
  TIMEOUT_MS,
);
