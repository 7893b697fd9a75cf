/**
 * How long the audit takes to be verified, and to be read: a generated gigabyte, by the command itself on one core.
 * Prints seconds, MB/s and the most memory that the command had. The size in MB may be given.
 *
 *   bun bench/audit.ts [MB]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeyedHash } from '../src/audit/key.ts';
import { openFileSink } from '../src/audit/sinks/file.ts';
import type { AuditEvent } from '../src/core/audit.ts';

const MB = 1_000_000;
const PROCESSES = 4;
const megabytes = Number(process.argv[2] ?? 1_000);
const home = mkdtempSync(join(tmpdir(), 'intercept-bench-'));
const dir = join(home, 'events');
const command = [process.execPath, join(import.meta.dirname, '../src/cli/main.ts')];

/** Writes calls and their outcomes, as several processes would, until there are so many bytes. */
function generate(): number {
  let now = Date.UTC(2026, 0, 1);
  const options = { dir, clock: () => now, keyedHash: openKeyedHash(new Uint8Array(32)), args: 'redacted' } as const;
  const sinks = Array.from({ length: PROCESSES }, (_, i) => openFileSink({ ...options, instance: `bench-${i}` }));
  let records = 0;
  // A call's record and its outcome take about 310 bytes each on average.
  for (; records * 310 < megabytes * MB; now += 3) {
    const events: AuditEvent[] = [];
    for (let i = 0; i < 50; i++) {
      const call = `bench-${records}-${i}`;
      const argsText = `{"charge":"ch_${records}","amount":${i}}`;
      const args = new Map<string, string | { number: string }>([
        ['charge', `ch_${records}`],
        ['amount', { number: String(i) }],
      ]);
      const denied = i % 7 === 0;
      events.push({
        type: 'tool_call',
        call,
        tool: 'create_refund',
        result: denied ? 'denied' : 'allowed',
        ...(denied && { code: 'rule', rule: 'single refund', message: 'A single refund is at most $500.00' }),
        args,
        argsText,
        agent: 'bench',
        durationUs: 42,
      });
      if (!denied) events.push({ type: 'outcome', call, result: 'committed', upstreamUs: 1_000 });
    }
    sinks[records % PROCESSES]?.write(events);
    records += events.length;
  }
  for (const sink of sinks) sink.close();
  return records;
}

/** Runs the command to its end, alone. */
async function measure(name: string, bytes: number, ...args: readonly string[]): Promise<void> {
  const started = performance.now();
  const child = Bun.spawn([...command, 'log', ...args], {
    env: { ...process.env, INTERCEPT_HOME: home },
    stdout: 'ignore',
    stderr: 'inherit',
  });
  const status = await child.exited;
  const seconds = (performance.now() - started) / 1_000;
  const usage = child.resourceUsage();
  const cpu = Number(usage?.cpuTime.total ?? 0) / 1e6;
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of a core, ${(bytes / MB / seconds).toFixed(0)} MB/s, ` +
      `${((usage?.maxRSS ?? 0) / MB).toFixed(0)} MB at most, status ${status}`,
  );
}

try {
  const records = generate();
  const bytes = (await Array.fromAsync(new Bun.Glob('*.jsonl').scan(dir))).reduce((sum, file) => sum + Bun.file(join(dir, file)).size, 0);
  console.log(`${(bytes / MB).toFixed(0)} MB, ${records} records of ${PROCESSES} processes`);
  await measure('log --verify', bytes, '--verify');
  await measure('log', bytes);
  await measure('log --tool, --json', bytes, '--tool', 'nothing_*', '--json');
  await measure('log --since, which is later', bytes, '--since', '2026-06-01');
} finally {
  rmSync(home, { recursive: true, force: true });
}
