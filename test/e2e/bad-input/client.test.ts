/** Agents that misbehave (wire.md §4, §2.13): answered where they can be, never a bypass, memory bounded, an orderly end. */
import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { isAnswer } from '../../harness/client.ts';
import { setUpProxy, startProxy } from '../../harness/proxy.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { until } from '../../harness/wait.ts';
import { MAX_MIB, residentMiB, steady } from './memory.ts';

const POLICY = 'version: "1"\ndefault: deny\ntools:\n  safe: {rules: []}\n  big: {rules: []}\n';
const call = (id: string, name: string) => `{"jsonrpc":"2.0","id":"${id}","method":"tools/call","params":{"name":"${name}"}}`;

/** Numbers that look random and are the same in each run. */
function openBytes(seed: number): (length: number) => Uint8Array {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
  return (length) => Uint8Array.from({ length }, next);
}

test('garbage of all kinds: the server sees none of it, and the session lives on', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'safe' }, { name: 'danger' }] });
  await using proxy = await startProxy({ policy: POLICY, server: recorder.command });
  const bytes = openBytes(7);
  for (let n = 0; n < 50; n++) {
    proxy.client.send(bytes(500));
    proxy.client.send('\n');
  }
  expect((await proxy.client.request('tools/call', { name: 'safe' }, 5_000)).error).toBeUndefined();
  const ledger = await recorder.ledger();
  expect(ledger.filter(({ type }) => type === 'received').length).toBe(1);
  const refused = (await proxy.records()).filter(({ type }) => type === 'refused').length;
  expect(refused).toBeGreaterThanOrEqual(50);
  expect(proxy.client.frames.length).toBe(refused + 1);
});

test('garbage and a call in its line: the call is not seen, also byte for byte', async () => {
  await using recorder = await setUpRecorder({ reader: 'first', framing: 'any', tools: [{ name: 'safe' }, { name: 'danger' }] });
  await using proxy = await startProxy({ policy: POLICY, server: recorder.command });
  for (const byte of Buffer.from(`\u0001\r${call('x', 'danger')}\r\n`)) proxy.client.send(Uint8Array.of(byte));
  await proxy.client.next((frame) => frame.json?.error !== undefined);
  for (const byte of Buffer.from(`${call('y', 'safe')}\n`)) proxy.client.send(Uint8Array.of(byte));
  await proxy.client.next((frame) => isAnswer(frame, 'y'));
  expect((await recorder.executed()).map(({ tool }) => tool)).toEqual(['safe']);
});

test('an agent that closes at once: status of the server, nothing on stdout', async () => {
  await using recorder = await setUpRecorder();
  await using proxy = await startProxy({ policy: POLICY, server: recorder.command });
  proxy.client.end();
  expect(await proxy.client.exited).toEqual({ code: 0, signal: null });
  expect(proxy.client.frames).toEqual([]);
});

test('an agent that closes in the middle of a message: the rest is judged as it is, and refused', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'safe' }] });
  await using proxy = await startProxy({ policy: POLICY, server: recorder.command });
  proxy.client.send(call('x', 'safe').slice(0, -1));
  proxy.client.end();
  expect((await proxy.client.exited).code).toBe(0);
  expect(proxy.client.frames.map(({ json }) => json?.error?.code)).toEqual([-32700]);
  expect(await recorder.ledger()).toEqual([]);
});

test('an agent that closes behind a whole message without a line end: judged, and executed once at most', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'safe' }, { name: 'danger' }] });
  await using proxy = await startProxy({ policy: POLICY, server: recorder.command });
  proxy.client.send(`${call('x', 'danger')}\n${call('y', 'safe')}`);
  proxy.client.end();
  expect((await proxy.client.exited).code).toBe(0);
  expect(proxy.client.frames.filter((frame) => isAnswer(frame, 'x') || isAnswer(frame, 'y')).length).toBe(2);
  expect((await recorder.executed()).map(({ tool }) => tool)).toEqual(['safe']);
});

test('an agent that never reads: the server is not read either, memory is bounded, and a signal ends all', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'big', behaviour: { do: 'huge', bytes: 1_000_000 } }] });
  const setup = await setUpProxy({ policy: POLICY, server: recorder.command });
  const [program = '', ...args] = setup.command;
  // Its stdout is a pipe that nobody reads: no listener, so that nothing is taken out of it.
  const child = spawn(program, args, { env: { ...process.env, ...setup.env }, stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  child.stdin.on('error', () => {});
  for (let id = 0; id < 250; id++) child.stdin.write(`${call(`${id}`, 'big')}\n`);
  await recorder.untilExecuted(1);
  await until(
    'steady memory',
    steady(() => residentMiB(child.pid as number)),
    60_000,
  );
  expect(await residentMiB(child.pid as number)).toBeLessThan(MAX_MIB);
  child.kill('SIGTERM');
  expect(await exited).toBe(143);
  await setup.remove();
}, 120_000);

test('an agent that only asks and never reads: what it is told does not pile up', async () => {
  const setup = await setUpProxy({
    policy: POLICY,
    server: [process.execPath, '-e', 'process.stdin.resume()'],
    flags: ['--log-level', 'error'],
  });
  const [program = '', ...args] = setup.command;
  const child = spawn(program, args, { env: { ...process.env, ...setup.env }, stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = new Promise<number | string | null>((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  child.stdin.on('error', () => {});
  // Their answers are larger than what may wait: were they all taken, the pipe would run empty.
  const lot = Array.from({ length: 1_000 }, (_, n) => `${call(`i${n}`, 'danger')}\n`).join('');
  let taken = 0;
  const give = (): unknown => taken < 200 && child.stdin.write(lot, () => ++taken && give());
  give();
  await until('a first lot', async () => taken > 1 || undefined, 60_000);
  await until(
    'steady pipe',
    steady(async () => taken),
    60_000,
  );
  expect(taken).toBeLessThan(200);
  child.kill('SIGTERM');
  // The signal may come before the proxy listens for it.
  expect([0, 143, 'SIGTERM']).toContain((await exited) as number);
  await setup.remove();
}, 120_000);

test('an agent that dies behind what a hanging server never read: the proxy and its server end', async () => {
  const setup = await setUpProxy({ policy: POLICY, server: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] });
  const [program = '', ...args] = setup.command;
  const child = spawn(program, args, { env: { ...process.env, ...setup.env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  child.stdin.on('error', () => {});
  const reached = new Promise((resolve) => child.stderr.once('data', resolve));
  for (let id = 0; id < 60; id++) child.stdin.write(`${call(`${id}`, 'safe')}${' '.repeat(30_000)}\n`);
  await reached;
  child.stdin.destroy();
  expect([0, 137, 143]).toContain((await exited) as number);
  await setup.remove();
}, 120_000);

test('an agent that leaves while answers come: the proxy ends with its server and does not crash', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'big', behaviour: { do: 'huge', bytes: 1_000_000 } }] });
  const setup = await setUpProxy({ policy: POLICY, server: recorder.command });
  const [program = '', ...args] = setup.command;
  const child = spawn(program, args, { env: { ...process.env, ...setup.env }, stdio: 'pipe' });
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  child.stdin.on('error', () => {});
  for (let id = 0; id < 50; id++) child.stdin.write(`${call(`${id}`, 'big')}\n`);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.destroy();
  child.stdin.destroy();
  expect([0, 137, 143]).toContain((await exited) as number);
  expect(said).not.toMatch(/internal fault|\n\s+at /);
  await setup.remove();
}, 120_000);

test('10000 calls in one write: each is answered once, those beyond what may be in flight too', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'safe' }, { name: 'danger' }] });
  await using proxy = await startProxy({ policy: POLICY, server: recorder.command, flags: ['--log-level', 'error'] });
  const total = 10_000;
  proxy.client.send(Array.from({ length: total }, (_, n) => `${call(`i${n}`, n % 2 ? 'safe' : 'danger')}\n`).join(''));
  await until('all answers', () => proxy.client.frames.length >= total || undefined, 20_000);
  await proxy.client.request('ping');
  expect(proxy.client.frames.length).toBe(total + 1);
  expect(new Set(proxy.client.frames.map(({ json }) => json?.id)).size).toBe(total + 1);
  expect((await recorder.executed()).every(({ tool }) => tool === 'safe')).toBe(true);
}, 120_000);
