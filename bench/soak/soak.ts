/**
 * `npm run soak [-- --minutes 60]`: one proxy for each transport, under mixed calls, reloads, sessions that come and
 * go, and a server that answers badly, for a long time. Every few seconds each proxy says what it holds; at the end
 * memory, handles, timers and files must be where they were once it had warmed up (I11). Exit status 1 where one grew.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type HttpSession, openLegacy, openStreamable } from '../../test/harness/http-session.ts';
import { temporaryFolder } from '../../test/harness/paths.ts';
import { startListener, startProgram } from '../../test/harness/program.ts';
import { startProxy } from '../../test/harness/proxy.ts';
import type { Tool } from '../../test/harness/recorder/config.ts';
import { setUpRecorder } from '../../test/harness/recorder.ts';
import { type Held, judge, renderGrowth } from './growth.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } } });
const until = Date.now() + Number(values.minutes) * 60_000;
const SAMPLE_MS = 3_000;
const PATIENCE_MS = 30_000;
/** Clients of each driver that go away without a word. */
const CRASHES = 4;

process.env['INTERCEPT_UNDER_TEST'] = 'node';
const folder = await temporaryFolder();
const report = join(folder.path, 'report');
const env = {
  SOAK_REPORT: report,
  NODE_OPTIONS: `--expose-gc --no-warnings --import ${join(import.meta.dirname, 'probe.ts')}`,
};

const POLICY = (revision: number) => `version: "1"
name: soak
description: revision ${revision}
default: deny
approvals: {max_pending: 5, default_timeout: 5s}
tools:
  free: {rules: []}
  counted: {rules: [{rate_limit: 1000000/day}, {rate_limit: {max: 100000, window: minute, per: session}}]}
  each: {rules: [{rate_limit: {max: 3, window: second, per: call, count: attempts}}]}
  held: {rules: [{action: require_approval}]}
  once: {idempotency_window: 2s, rules: []}
  judged: {rules: [{validate: {schema: true}, conditions: [{path: args.amount, op: lte, value: 100}]}]}
  bad: {rules: [{rate_limit: 1000000/day}]}
  slow: {rules: []}
  large: {rules: []}
`;

const SCHEMA = { type: 'object', properties: { amount: { type: 'number' }, note: { type: 'string' } }, required: ['amount'] };
const TOOLS = [
  ...['free', 'counted', 'each', 'held', 'once'].map((name) => ({ name })),
  { name: 'judged', inputSchema: SCHEMA },
  { name: 'large', behaviour: { do: 'huge', bytes: 300_000 } },
  { name: 'slow', behaviour: { do: 'progress', steps: 3, next: { do: 'delay', ms: 20 } } },
  {
    name: 'bad',
    behaviour: {
      do: 'sequence',
      steps: Array.from(
        { length: 1_000_000 / 20_000 },
        (_, i) =>
          [
            { do: 'error', code: -32000, message: `fault ${i}` },
            { do: 'is_error', text: `failed ${i}` },
            {
              do: 'raw',
              lines: ['{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"isError":false},"result":{}}'],
              next: { do: 'answer' },
            },
            { do: 'raw', lines: ['{"jsonrpc":"2.0","id":"nobody","result":{}}'], next: { do: 'answer' } },
            { do: 'raw', lines: ['{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'], next: { do: 'answer' } },
          ][i % 5],
      ),
    },
  },
] as readonly Tool[];

/** A small generator of the same numbers for the same seed. */
let state = Number(values.seed);
function random(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % below;
}

/** One frame of an agent: mostly calls, now and then something that is refused. */
function frame(id: string): string {
  const call = (name: string, args: string) =>
    `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"tools/call","params":{"name":"${name}","arguments":${args},"_meta":{"progressToken":${JSON.stringify(id)}}}}`;
  switch (random(16)) {
    case 0:
      return call('denied', '{}');
    case 1:
      return call('held', `{"n":${random(50)}}`);
    case 2:
      return call('once', `{"n":${random(1_000_000)}}`);
    case 3:
      return call('judged', `{"amount":${random(200)},"note":"${'x'.repeat(random(2_000))}"}`);
    case 4:
      return call('each', `{"n":${random(100_000)}}`);
    case 5:
    case 6:
      return call('bad', '{}');
    case 7:
      return call('large', '{}');
    case 8:
      return call('slow', '{}');
    case 9:
      return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"tools/call","params":{"name":"free","name":"denied"}}`;
    case 10:
      return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"tools/list"}`;
    default:
      return call(random(2) === 0 ? 'free' : 'counted', `{"n":${random(1_000_000)}}`);
  }
}

const recorder = await setUpRecorder({ version: '2025-11-25', tools: TOOLS });
await writeFile(
  join(recorder.folder, 'recorder.json'),
  JSON.stringify({ version: '2025-11-25', tools: TOOLS, channel: 'stream', ledger: '/dev/null' }),
);
const upstream = await startProgram(recorder.httpCommand);
const options = { policy: POLICY(0), env };
const stdio = await startProxy({ ...options, server: recorder.command });
const bridge = await startProxy({ ...options, flags: ['--upstream', upstream.url] });
const relay = await startListener({ ...options, flags: ['--upstream', upstream.url] });
const duplex = await startListener({ ...options, server: recorder.command });
const proxies = {
  stdio: stdio.client.pid,
  bridge: bridge.client.pid,
  'listener before HTTP': relay.pid,
  'listener before a command': duplex.pid,
};
let sent = 0;

async function driveStdio({ client }: typeof stdio): Promise<void> {
  await client.initialize();
  await client.request('tools/list');
  for (let n = 0; Date.now() < until; n++) {
    const ids = Array.from({ length: 1 + random(8) }, (_, i) => `s${n}-${i}`);
    const answers = ids.map((id) => client.next(({ json }) => json?.id === id && json.method === undefined, 60_000));
    for (const id of ids) client.sendLine(frame(id));
    if (random(20) === 0) client.sendLine('{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}');
    await Promise.all(answers);
    // The harness keeps every line: it must not be what grows.
    (client.frames as { length: number }).length = 0;
    sent += ids.length;
  }
}

async function driveHttp(url: string, worker: number): Promise<void> {
  for (let n = 0; Date.now() < until; n++) {
    const session: HttpSession = await (random(4) === 0 ? openLegacy : openStreamable)(url, '2025-11-25');
    for (let i = 0; i < 10 + random(40) && Date.now() < until; i++) {
      const text = frame(`w${worker}-${n}-${i}`);
      await within(session.post(text), text);
      sent += 1;
    }
    // The first ones only go away, as clients do that crash: their sessions stay for a quarter of an hour. More of them
    // than at the beginning would be growth that is meant.
    if (n >= CRASHES) await session.end();
    await session[Symbol.asyncDispose]();
  }
}

/** A call that hangs is a fault of its own. */
async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms: ${what.slice(0, 300)}`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function driveReloads(): Promise<void> {
  for (let revision = 1; Date.now() < until; revision++) {
    for (const { policyFile } of [stdio, bridge, relay, duplex]) {
      await writeFile(`${policyFile}.new`, revision % 7 === 0 ? 'version: "1"\ndefualt: deny\n' : POLICY(revision));
      await rename(`${policyFile}.new`, policyFile);
    }
    await pause(1_000);
  }
}

const samples: Record<string, Held[]> = Object.fromEntries(Object.keys(proxies).map((name) => [name, []]));
async function sample(): Promise<void> {
  while (Date.now() < until) {
    await pause(SAMPLE_MS);
    for (const [name, pid] of Object.entries(proxies)) {
      const file = `${report}.${pid}`;
      rmSync(file, { force: true });
      process.kill(pid, 'SIGUSR2');
      for (let waited = 0; !existsSync(file) && waited < 10_000; waited += 20) await pause(20);
      if (!existsSync(file)) throw new Error(`the proxy "${name}" (${pid}) said nothing for 10 s`);
      samples[name]?.push(JSON.parse(readFileSync(file, 'utf8')) as Held);
    }
  }
}

const driven = [
  driveStdio(stdio),
  driveStdio(bridge),
  ...[0, 1].map((worker) => driveHttp(relay.url, worker)),
  ...[2, 3].map((worker) => driveHttp(duplex.url, worker)),
  driveReloads(),
  sample(),
];
let failed: unknown;
await Promise.all(driven).catch((error: unknown) => {
  failed = error;
});
console.log(`${sent} frames, ${samples['stdio']?.length} samples of each proxy`);
const growths = Object.entries(samples).map(([name, held]) => ({ name, ...judge(held) }));
for (const growth of growths) console.log(renderGrowth(growth));
await Promise.all([stdio, bridge, relay, duplex].map((proxy) => proxy[Symbol.asyncDispose]()));
await upstream[Symbol.asyncDispose]();
await recorder[Symbol.asyncDispose]();
await folder.remove();
if (failed !== undefined) console.error(failed);
process.exit(failed === undefined && growths.every(({ grew }) => grew.length === 0) ? 0 : 1);
