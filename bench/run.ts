/**
 * `npm run bench [-- --rounds 5 --calls 1000 --intercept 'bun src/cli/main.ts']`: what the proxy costs, against a bare
 * line relay in the same runtime. The machine is noisy, so all contestants run side by side and take turns in blocks
 * of calls, in changing order; what is compared is paired within a round, and the table shows medians over rounds.
 * With `--http`: the listener in front of an HTTP server, against a bare fetch relay. With `--held`: calls that are held
 * or idempotent, beside bare durable commits to the same disk.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Agent, startAgent } from './agent.ts';
import { contestantsIn } from './contestants.ts';
import { measureDecisions } from './decisions.ts';
import { benchHeld } from './held.ts';
import { benchHttp } from './http/bench.ts';
import { quantile } from './stats.ts';
import { type Measured, type Round, renderTable, summarize } from './table.ts';

const ROOT = join(import.meta.dirname, '..');
const BLOCK = 200;
/** Calls before anything is measured: until then the compilers of the runtime are what is measured. */
const WARM_UP = 20_000;
const WIDTH = 32;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    calls: { type: 'string', default: '1000' },
    starts: { type: 'string', default: '10' },
    http: { type: 'boolean', default: false },
    held: { type: 'boolean', default: false },
    intercept: { type: 'string', default: join(ROOT, 'dist/intercept') },
  },
});
const machine = {
  cpu: cpus()[0]?.model,
  cores: availableParallelism(),
  platform: `${process.platform}-${process.arch}`,
  bun: process.versions.bun,
};
const rounds = Number(values.rounds);
const calls = Number(values.calls);

const folder = mkdtempSync(join(tmpdir(), 'intercept-bench-'));
const intercept = values.intercept.split(' ');
try {
  if (values.http)
    save({ date: new Date().toISOString(), machine, ...(await benchHttp({ folder, root: ROOT, intercept, rounds, calls })) });
  else if (values.held) save({ date: new Date().toISOString(), machine, ...(await benchHeld({ folder, root: ROOT, intercept, calls })) });
  else await run();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const { contestants, missing } = await contestantsIn(folder, ROOT, intercept);
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    const agents = await Promise.all(contestants.map(startAgent));
    measured.push(await measureRound(rotate(agents, round)));
    await Promise.all(agents.map((agent) => agent.close()));
  }
  const starts = await measureStarts(contestants);
  const decisions = await measureDecisions(ROOT);
  const result = { date: new Date().toISOString(), machine, rounds: measured, starts, decisions, missing };
  process.stdout.write(renderTable(summarize(measured, starts), decisions, missing));
  save(result);
}

async function measureRound(agents: readonly Agent[]): Promise<Round> {
  const times = new Map<string, number[]>(agents.map(({ name }) => [name, []]));
  for (const agent of agents) await agent.concurrent(WARM_UP, WIDTH);
  for (const agent of agents) await agent.sequential(200);
  for (let block = 0; block * BLOCK < calls; block++) {
    for (const agent of rotate(agents, block)) times.get(agent.name)?.push(...(await agent.sequential(BLOCK)));
  }
  const rates = new Map<string, number[]>(agents.map(({ name }) => [name, []]));
  for (let turn = 0; turn < 4; turn++) {
    for (const agent of rotate(agents, turn)) rates.get(agent.name)?.push(await agent.concurrent(calls, WIDTH));
  }
  // The first turn warms up.
  return Object.fromEntries(
    agents.map((agent) => [agent.name, measuredOf(agent, times.get(agent.name) ?? [], rates.get(agent.name)?.slice(1) ?? [])]),
  );
}

function measuredOf(agent: Agent, times: readonly number[], rates: readonly number[]): Measured {
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), rate: quantile(rates, 0.5), memory: agent.memory() };
}

/** From spawn to the answer of `initialize`, one process at a time. */
async function measureStarts(contestants: Parameters<typeof startAgent>[0][]): Promise<Record<string, number[]>> {
  const starts = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let i = 0; i < Number(values.starts); i++) {
    for (const contestant of rotate(contestants, i)) {
      const agent = await startAgent(contestant);
      starts.get(contestant.name)?.push(agent.ready);
      await agent.close();
    }
  }
  return Object.fromEntries(starts);
}

function rotate<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function save(result: { readonly date: string; readonly [part: string]: unknown }): void {
  const results = join(import.meta.dirname, 'results');
  mkdirSync(results, { recursive: true });
  const path = join(results, `${result.date.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 1)}\n`);
  process.stderr.write(`raw data: ${path}\n`);
}
