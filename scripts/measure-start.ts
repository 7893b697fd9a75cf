/** Spawn to the answer to `initialize`, with a proxy and without, taking turns; and the memory that it took. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './build/paths.ts';

const ROUNDS = Number(process.argv[2] ?? 20);
const POLICY = `version: "1"
tools:
  create_refund:
    rules:
      - name: cap
        conditions: [{ path: args.amount, op: lte, value: 50000 }]
        on_deny: refunds are at most 500.00
`;
const SERVER = [
  'sh',
  '-c',
  `read line; printf '%s\\n' '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}'; cat >/dev/null`,
];
const INITIALIZE =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}\n';

const folder = mkdtempSync(join(tmpdir(), 'intercept-start-'));
const policy = join(folder, 'policy.yaml');
writeFileSync(policy, POLICY);
const bin = (name: string) => join(ROOT, 'node_modules/.bin', name);
const variants: Readonly<Record<string, readonly string[]>> = {
  direct: SERVER,
  binary: [join(ROOT, 'dist/intercept'), '-c', policy, '--', ...SERVER],
  node: [bin('node'), join(ROOT, 'dist/cli.js'), '-c', policy, '--', ...SERVER],
  source: [bin('bun'), join(ROOT, 'src/cli/main.ts'), '-c', policy, '--', ...SERVER],
  ...Object.fromEntries(process.argv.slice(3).map((path) => [path, [path, '-c', policy, '--', ...SERVER]])),
};

interface Start {
  readonly ms: number;
  readonly rss: number;
}

/** Starts a command once, and ends it. */
async function start([program = '', ...args]: readonly string[]): Promise<Start> {
  const before = performance.now();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, INTERCEPT_HOME: join(folder, 'home') } });
  child.stdin.write(INITIALIZE);
  const answered = Promise.withResolvers<void>();
  child.stdout.once('data', () => answered.resolve());
  child.once('exit', (code) => answered.reject(new Error(`${program} ended with ${code}`)));
  await answered.promise;
  const ms = performance.now() - before;
  const rss = peakMemory(child.pid as number);
  child.removeAllListeners('exit');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.end();
  await ended;
  return { ms, rss };
}

/** MiB, where the system tells. */
function peakMemory(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

const results = new Map<string, Start[]>(Object.keys(variants).map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, command] of Object.entries(variants)) {
    const result = await start(command);
    if (round > 0) results.get(name)?.push(result);
  }
}
rmSync(folder, { recursive: true, force: true });

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const direct = median((results.get('direct') ?? []).map(({ ms }) => ms));
for (const [name, starts] of results) {
  const ms = median(starts.map((each) => each.ms));
  const best = Math.min(...starts.map((each) => each.ms));
  const rss = median(starts.map((each) => each.rss));
  console.log(
    `${name.padEnd(8)} ${ms.toFixed(1)} ms (best ${best.toFixed(1)}), added ${(ms - direct).toFixed(1)} ms, ${rss.toFixed(1)} MiB at most`,
  );
}
