/** Servers that do not serve (wire.md §4): a clear message, the right status, every request answered once (I9). */
import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAnswer } from '../../harness/client.ts';
import { BUN, temporaryFolder } from '../../harness/paths.ts';
import { type Proxy as Started, startProxy } from '../../harness/proxy.ts';
import { until } from '../../harness/wait.ts';
import { MAX_MIB, residentMiB, steady } from './memory.ts';
import { runToEnd, SOON_MS } from './run.ts';

const POLICY = 'version: "1"\ntools:\n  t: {rules: [{rate_limit: 2/day}]}\n';
const CALL = '{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"t"}}';

/** A server that is this script. */
function run(script: string, flags: readonly string[] = []): Promise<Started> {
  return startProxy({ policy: POLICY, flags, server: [BUN, '-e', script] });
}

describe('a server that does not start: status 1', () => {
  const ROWS: readonly (readonly [string, (folder: string) => Promise<string> | string, RegExp])[] = [
    ['unknown', () => 'no-such-server', /command "no-such-server" was not found\nhelp: check the spelling and PATH/],
    ['a path to nothing', (folder) => join(folder, 'gone'), /command ".*gone" was not found/],
    ['a folder', (folder) => folder, /command ".*" is a directory\nhelp: name the program in it/],
    ['not executable', async (folder) => file(folder, 'x', 0o644), /command ".*x" is not executable\nhelp: run "chmod \+x /],
    [
      'with an interpreter that is missing',
      async (folder) => file(folder, '#!/no/such/interpreter\n', 0o755),
      /names an interpreter in its first line that was not found/,
    ],
    ['the empty text', () => '', /command "" /],
  ];
  test.each(ROWS)(
    '%s',
    async (_, make, gist) => {
      const { path: folder, remove } = await temporaryFolder();
      const policy = join(folder, 'p.yaml');
      await writeFile(policy, POLICY);
      const { code, stderr, stdout } = await runToEnd(join(folder, 'home'), ['-c', policy, '--', await make(folder)]);
      await remove();
      expect(stderr).toMatch(gist);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect([code, stdout]).toEqual([1, '']);
    },
    2 * SOON_MS,
  );

  test.each(ROWS.filter(([name]) => !name.includes('interpreter')))(
    'behind a listener, before anybody asks for a session: %s',
    async (_, make, gist) => {
      const { path: folder, remove } = await temporaryFolder();
      const policy = join(folder, 'p.yaml');
      await writeFile(policy, POLICY);
      const { code, stderr, stdout } = await runToEnd(join(folder, 'home'), [
        '-c',
        policy,
        '--transport',
        'http',
        '--',
        await make(folder),
      ]);
      await remove();
      expect(stderr).toMatch(gist);
      expect(stderr).not.toContain('listening');
      expect([code, stdout]).toEqual([1, '']);
    },
    2 * SOON_MS,
  );

  test.each([
    ['no command', ['--'], 2, /no server is named\nhelp: write its command after "--"/],
    ['no policy', ['--log-level', 'info', '--', 'true'], 2, /no policy\nhelp: name it with "-c policy.yaml"/],
    ['a mistyped flag', ['--polcy', 'x', '--', 'true'], 2, /unknown flag "--polcy"\nhelp: /],
  ] as const)(
    '%s: status 2',
    async (name, args, status, gist) => {
      const { path: folder, remove } = await temporaryFolder();
      await writeFile(join(folder, 'p.yaml'), POLICY);
      const config = name === 'no policy' ? [] : ['-c', join(folder, 'p.yaml')];
      const { code, stderr } = await runToEnd(join(folder, 'home'), [...config, ...args]);
      await remove();
      expect(stderr).toMatch(gist);
      expect(code).toBe(status);
    },
    2 * SOON_MS,
  );

  test(
    'a home that cannot be: status 1, and the server is not started',
    async () => {
      const { path: folder, remove } = await temporaryFolder();
      await writeFile(join(folder, 'p.yaml'), POLICY);
      await writeFile(join(folder, 'home'), 'a file');
      const { code, stderr } = await runToEnd(join(folder, 'home'), ['-c', join(folder, 'p.yaml'), '--', 'touch', join(folder, 'started')]);
      expect([code, await Bun.file(join(folder, 'started')).exists()]).toEqual([1, false]);
      expect(stderr).toContain(join(folder, 'home'));
      await remove();
    },
    2 * SOON_MS,
  );
});

async function file(folder: string, text: string, mode: number): Promise<string> {
  const path = join(folder, 'x');
  await mkdir(folder, { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

describe('a server that ends: its status is ours, and what was asked is answered', () => {
  test.each([
    ['at once with 0', 'process.exit(0)', 0],
    ['at once with 7', 'process.exit(7)', 7],
    ['by a fault of its own', 'throw new Error("x")', 1],
    ['by SIGKILL', 'process.kill(process.pid, "SIGKILL")', 137],
    ['by SIGTERM', 'process.kill(process.pid, "SIGTERM")', 143],
    ['after the request', 'process.stdin.once("data", () => process.exit(5))', 5],
    [
      'after half an answer',
      'process.stdin.once("data", () => process.stdout.write(`{"jsonrpc":"2.0","id":"c","res`, () => process.exit(6)))',
      6,
    ],
  ])('%s', async (_, script, status) => {
    await using proxy = await run(script);
    proxy.client.sendLine(CALL);
    expect(await proxy.client.exited).toEqual({ code: status, signal: null });
    const answers = proxy.client.frames.filter((frame) => isAnswer(frame, 'c'));
    expect(answers.length).toBeLessThanOrEqual(1);
    // Asked before the end was seen, it is answered; asked later, nobody reads it.
    if (status === 5 || status === 6) expect(answers[0]?.json?.error).toBeDefined();
    expect(proxy.client.frames.length).toBe(answers.length);
  });
});

test('a server that prints garbage: none of it reaches the agent, each line is told, and what is sound passes', async () => {
  const garbage = ['Listening on :8080', '{"half":', '\\u001b[31mred', '{}', '[]', '42', 'null', '"text"', '<html>', '\\u0000'];
  await using proxy = await run(`
    for (const line of ${JSON.stringify(garbage.join('\n'))}.split('\\n')) console.log(line);
    process.stdout.write(Buffer.from([0xff, 0xfe, 0x0a, 0x80, 0x0a]));
    process.stdin.once('data', () => console.log('{"jsonrpc":"2.0","id":"c","result":{"content":[]}}'));`);
  proxy.client.sendLine(CALL);
  await proxy.client.next((frame) => isAnswer(frame, 'c'));
  expect(proxy.client.frames.map(({ text }) => text)).toEqual(['{"jsonrpc":"2.0","id":"c","result":{"content":[]}}']);
  // stderr is another pipe than the answer's, and may be read later.
  const told = () => proxy.client.stderr().match(/dropped/g)?.length ?? 0;
  await until('a line about each', () => told() >= garbage.length || undefined);
});

test('a server that floods its output with garbage: calls are answered, memory is bounded, the end is orderly', async () => {
  await using proxy = await run(`
    const line = 'x'.repeat(1000) + '\\n';
    const flood = () => { while (process.stdout.write(line)); process.stdout.once('drain', flood); };
    process.stdin.once('data', () => console.log('{"jsonrpc":"2.0","id":"c","result":{"content":[]}}'));
    process.stdin.on('end', () => process.exit(0));
    flood();`);
  proxy.client.sendLine(CALL);
  await proxy.client.next((frame) => isAnswer(frame, 'c'));
  expect(await residentMiB(proxy.client.pid)).toBeLessThan(MAX_MIB);
  proxy.client.end();
  const { code } = await proxy.client.exited;
  expect([0, 143, 137]).toContain(code as number);
}, 120_000);

test('a server that writes a line without end: one line at most is kept', async () => {
  await using proxy = await run(
    `
    const piece = 'x'.repeat(65536);
    let written = 0;
    const flood = () => { while (written < 3e8) { written += piece.length; if (!process.stdout.write(piece)) return process.stdout.once('drain', flood); } done(); };
    const done = () => console.log('\\n{"jsonrpc":"2.0","id":"c","result":{"content":[]}}');
    process.stdin.once('data', flood);`,
  );
  proxy.client.sendLine(CALL);
  const peak = { mib: 0 };
  const answered = proxy.client.next((frame) => isAnswer(frame, 'c'), 30_000);
  const watch = until(
    'the answer',
    async () => {
      peak.mib = Math.max(peak.mib, await residentMiB(proxy.client.pid));
      return proxy.client.frames.some((frame) => isAnswer(frame, 'c')) || undefined;
    },
    30_000,
  );
  await Promise.all([answered, watch]);
  expect(peak.mib).toBeLessThan(MAX_MIB);
}, 120_000);

test('a server that never answers: with --upstream-timeout an error and the session lives on; it stays spent', async () => {
  await using proxy = await run('process.stdin.resume()', ['--upstream-timeout', '200ms']);
  proxy.client.sendLine(CALL);
  expect((await proxy.client.next((frame) => isAnswer(frame, 'c'))).json?.error).toEqual({
    code: -32001,
    message: 'the server did not answer in time',
  });
  expect((await proxy.client.request('tools/call', { name: 't' })).error?.code).toBe(-32001);
  expect((await proxy.client.request('tools/call', { name: 't' })).result.isError).toBe(true);
  expect((await proxy.records()).filter(({ type }) => type === 'outcome').map(({ result }) => result)).toEqual(['kept', 'kept']);
});

test('a server that never answers: when the agent ends it as SDK clients do, each request is answered once', async () => {
  await using proxy = await run('process.stdin.resume(); process.stdin.on("end", () => process.exit(0))');
  for (let id = 0; id < 2; id++) proxy.client.sendLine(CALL.replace('"c"', `${id}`));
  proxy.client.sendLine('{"jsonrpc":"2.0","id":"l","method":"tools/list"}');
  await proxy.untilRecords('both calls', (records) => records.filter(({ type }) => type === 'tool_call').length === 2);
  proxy.client.end();
  proxy.client.kill('SIGTERM');
  expect(await proxy.client.exited).toEqual({ code: 143, signal: null });
  for (const id of [0, 1, 'l'])
    expect(proxy.client.frames.filter((frame) => isAnswer(frame, id)).map(({ json }) => json?.error?.code)).toEqual([-32000]);
});

test('a server that ignores the end of its input and SIGTERM is killed (wire.md §4)', async () => {
  await using proxy = await run('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("{}")');
  await until('the start', () => proxy.client.stderr().includes('dropped') || undefined);
  const start = performance.now();
  proxy.client.end();
  expect(await proxy.client.exited).toEqual({ code: 137, signal: null });
  expect(performance.now() - start).toBeLessThan(4_000);
}, 120_000);

test.each([
  ['output', 1],
  ['input', 0],
])(
  'a server that closes its %s is ended: nothing more can be answered',
  async (_, fd) => {
    await using proxy = await run(`require('fs').closeSync(${fd}); console.error('closed'); setInterval(() => {}, 1000)`);
    const { client } = proxy;
    // A write tells that nobody reads: what was written before the end could still have been read.
    await until('the end of the pipe', () => client.stderr().includes('closed') || undefined);
    for (const id of ['"c"', '"d"']) client.sendLine(CALL.replace('"c"', id));
    expect((await client.exited).code).not.toBe(0);
    expect(client.frames.filter((frame) => isAnswer(frame, 'c')).length).toBe(1);
  },
  20_000,
);

test('a server that never reads: what the agent writes is not kept without bound', async () => {
  await using proxy = await run('setInterval(() => {}, 1000); console.log("{}")');
  await until('the start', () => proxy.client.stderr().includes('dropped') || undefined);
  const line = `{"jsonrpc":"2.0","method":"notifications/x","params":{"x":"${'x'.repeat(100_000)}"}}\n`;
  for (let n = 0; n < 2_000; n++) proxy.client.send(line);
  await until(
    'steady memory',
    steady(() => residentMiB(proxy.client.pid)),
  );
  expect(await residentMiB(proxy.client.pid)).toBeLessThan(MAX_MIB);
  proxy.client.kill('SIGTERM');
  expect((await proxy.client.exited).code).toBe(143);
}, 120_000);
