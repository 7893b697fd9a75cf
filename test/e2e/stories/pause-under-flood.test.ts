/**
 * The kill switch under a flood (policy.md §11, wire.md §2.13): whatever a server or an agent pours in, `intercept pause`
 * has the confirmation within a second, and others are answered meanwhile.
 */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stateIn } from '../../../src/state/open.ts';
import type { RawClient } from '../../harness/client.ts';
import { type HttpSession, openStreamable } from '../../harness/http-session.ts';
import { decisionOf, type Message } from '../../harness/message.ts';
import { BUN, interceptCommand, ROOT } from '../../harness/paths.ts';
import { type Program, startListener, startProgram } from '../../harness/program.ts';
import { startProxy } from '../../harness/proxy.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(120_000);

const VERSION = '2025-11-25';
const FLOODING = [BUN, join(ROOT, 'test/fixtures/servers/flooding.ts')];
const POLICY = `version: "1"
default: deny
tools:
  read: []
  flood: []
  take: []
  pay: {rules: [{name: money, spend: {per_call: 5.00}}]}
`;
/** ms within which the promise is kept, and by how many starts of a command that asks nobody a busy machine may stretch it. */
const PROMISED = 1_000;
const STRETCH = 4;

const HEAVY = Buffer.from(
  `{"jsonrpc":"2.0","method":"tools/call","params":{"arguments":{"a":[${'"a%/a%/a%",'.repeat(940_000)}1]},"name":"take"},"id":`,
);
const heavyTail = (id: string) => Buffer.from(`"${id}"}`);
const callOf = (id: string, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } });

/** Somebody else, or the same agent in another request. */
type Ask = (method: string, params: object) => Promise<Message>;

/** What pours; `poured` counts what came of it so far. */
interface Flood extends Disposable {
  readonly poured: () => number;
}

async function intercept(home: string, ...argv: readonly string[]): Promise<string> {
  const [file = '', ...args] = interceptCommand();
  return (await promisify(execFile)(file, [...args, ...argv], { env: { ...process.env, INTERCEPT_HOME: home } })).stdout;
}

/** Pauses everything with the command; ms from the pause in the store to the last confirmation there. */
async function pauseTakes(home: string): Promise<number> {
  const { confirmed, silent } = JSON.parse(await intercept(home, 'pause', '--json'));
  expect([confirmed.length, silent]).toEqual([1, []]);
  const store = await stateIn(join(home, 'state')).open({ namespace: '' });
  const { pauses } = await store.control().finally(store.close);
  return Date.parse(confirmed[0].seen_at) - (pauses[0]?.since ?? Number.NaN);
}

/** ms of a command's start beside the flood: how busy the machine is, whatever the proxy does. */
async function startTakes(home: string): Promise<number> {
  const before = performance.now();
  await intercept(home, '--version');
  return performance.now() - before;
}

async function expectPause(home: string, ask: Ask, pour: () => Flood): Promise<void> {
  using flood = pour();
  const { poured } = flood;
  const flows = (from: number) => until('the flood', () => (poured() > from ? true : undefined));
  await flows(2);
  expect((await ask('ping', {})).result).toBeDefined();
  expect(decisionOf(await ask('tools/call', { name: 'danger' }))?.code).toBe('default_deny');
  await flows(poured());
  const start = await startTakes(home);
  expect(await pauseTakes(home)).toBeLessThan(PROMISED + STRETCH * start);
  expect(decisionOf(await ask('tools/call', { name: 'take' }))?.code).toBe('paused');
}

/** Calls again and again, each time once the last was answered, until the flood is over or something fails. */
function again(call: (id: string) => Promise<unknown>): Flood {
  let poured = 0;
  let over = false;
  const loop = async () => {
    for (; !over; poured++) await call(`again-${poured}`);
  };
  void loop().catch(() => {});
  const stop = () => {
    over = true;
  };
  return { poured: () => poured, [Symbol.dispose]: stop };
}

/** Ends a flood of calls that nobody judged: it would prove nothing. */
function expectJudged({ frames }: Pick<RawClient, 'frames'>, id: string): void {
  const answer = frames.findLast(({ json }) => json?.id === id);
  if (answer?.json?.result === undefined) throw new Error(`not judged: ${answer?.text}`);
}

/** Reads the server's flood, and keeps none of it. */
function drink(listener: Program): Flood {
  let poured = 0;
  const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json', 'mcp-protocol-version': VERSION };
  const read = async () => {
    const { body } = await fetch(listener.url, { method: 'POST', headers, body: JSON.stringify(callOf('f', 'flood')) });
    for await (const piece of body ?? []) poured += piece.length;
  };
  void read().catch(() => {});
  // What is in flight would be waited for.
  return { poured: () => poured, [Symbol.dispose]: () => listener.kill('SIGKILL') };
}

describe('listener', () => {
  const floods: Record<string, (session: HttpSession, listener: Program) => Flood> = {
    'answers full of offers': (session) => again((id) => session.post(JSON.stringify(callOf(id, 'read')))),
    'tiny events': (_, listener) => drink(listener),
    'calls of 10 MiB': (session) =>
      again(async (id) => {
        await session.post(Buffer.concat([HEAVY, heavyTail(id)]));
        expectJudged(session, id);
      }),
  };
  test.each(Object.keys(floods))('a flood of %s', async (kind) => {
    await using server = await startProgram(FLOODING);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', server.url] });
    await using flooded = await openStreamable(listener.url, VERSION);
    await using other = await openStreamable(listener.url, VERSION);
    await expectPause(listener.home, other.request, () => (floods[kind] as (typeof floods)[string])(flooded, listener));
  });
});

describe('stdio', () => {
  const heavy = (client: RawClient) =>
    again(async (id) => {
      client.send(HEAVY);
      client.sendLine(heavyTail(id).toString());
      await client.next(({ json }) => json?.id === id);
      expectJudged(client, id);
    });
  test.each(['tiny lines', 'tiny events', 'calls of 10 MiB'])('a flood of %s', async (kind) => {
    await using remote = await (kind === 'tiny events' ? startProgram(FLOODING) : undefined);
    let poured = 0;
    const keeps = (line: string) => {
      const isKept = line.includes('"id"');
      if (!isKept) poured += 1;
      return isKept;
    };
    const before = remote ? { flags: ['--upstream', remote.url] } : { server: [...FLOODING, 'stdio'] };
    await using proxy = await startProxy({ policy: POLICY, keeps, ...before });
    await proxy.client.initialize(VERSION);
    await expectPause(proxy.home, proxy.client.request, () => {
      if (kind === 'calls of 10 MiB') return heavy(proxy.client);
      proxy.client.sendLine(callOf('f', 'flood'));
      // What is in flight would be waited for.
      return { poured: () => poured, [Symbol.dispose]: () => proxy.client.kill('SIGTERM') };
    });
  });
});
