/**
 * `npm run bench -- --held`: how long the proxy takes over calls that need its store, by the audit's own `duration_us`
 * (from the arrival of a call to its record), and what a round trip gets longer by. Bare durable commits of a row to a
 * SQLite file on the same disk take turns with the calls, so that the part of the disk is seen.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Agent, startAgent } from './agent.ts';
import { compile } from './contestants.ts';
import { quantile } from './stats.ts';
import { measureStore } from './store.ts';

/** Tools by what their calls need. */
const TOOLS = {
  stateless: '{rules: []}',
  'three counters': '{rules: [{rate_limit: 100000000/minute}, {rate_limit: 100000000/hour}, {rate_limit: 100000000/day}]}',
  held: '{rules: [{action: require_approval}]}',
  idempotent: '{idempotency_window: 5m, rules: []}',
  'idempotent, counted': '{idempotency_window: 5m, rules: [{rate_limit: 100000000/day}]}',
} as const;

/** Calls of each kind before anything is measured. */
const WARM_UP = 100;

export interface HeldBench {
  readonly folder: string;
  readonly root: string;
  readonly intercept: readonly string[];
  readonly calls: number;
}

/** µs. `round`: from the agent's write to its answer; undefined where nothing is asked of the proxy. */
interface Times {
  readonly proxy: readonly number[];
  readonly round: readonly number[] | undefined;
}

export interface HeldResult {
  readonly times: Readonly<Record<string, Times>>;
  /** µs of processor time for a store step in process, by how many calls it judges. */
  readonly steps: Readonly<Record<number, number>>;
}

/** Runs everything, prints the table, returns the raw data. */
export async function benchHeld({ folder, root, intercept, calls }: HeldBench): Promise<HeldResult> {
  const home = join(folder, 'held');
  mkdirSync(home, { mode: 0o700 });
  const config = join(home, 'policy.yaml');
  const tools = Object.entries(TOOLS).map(([name, entry]) => `  ${JSON.stringify(name)}: ${entry}\n`);
  writeFileSync(config, `version: "1"\nname: bench-held\napprovals: {max_pending: 10000}\ntools:\n${tools.join('')}`);
  const server = compile(root, 'bench/echo-server.ts', join(folder, 'echo-server'));
  const command = [...intercept, '-c', config, '--', server];
  const agent = await startAgent({ name: 'intercept', command, env: { INTERCEPT_HOME: join(home, 'home') } });
  const rounds = await callInTurns(agent, join(home, 'bare.sqlite'), calls);
  await agent.close();
  const recorded = durationsIn(join(home, 'home', 'events'));
  const proxied = Object.keys(TOOLS).map((name) => [name, { proxy: recorded(name).slice(WARM_UP), round: rounds.get(name) }] as const);
  const times = Object.fromEntries([['bare durable commit', { proxy: rounds.get('') ?? [], round: undefined }], ...proxied]);
  const steps = await measureStore(home);
  process.stdout.write(`${render(times)}\n${renderSteps(steps)}`);
  return { times, steps };
}

/** One call after the other; answers with the µs of each by its tool, and those of bare commits under no name. */
async function callInTurns(agent: Agent, path: string, calls: number): Promise<ReadonlyMap<string, readonly number[]>> {
  const commit = openCommits(path);
  const times = new Map<string, number[]>([['', []], ...Object.keys(TOOLS).map((name) => [name, []] as [string, number[]])]);
  for (let n = 0; n < WARM_UP + calls; n++) {
    for (const [name, own] of times) {
      const from = performance.now();
      if (name === '') commit(n);
      else await agent.call(name, `{"n":${n}}`);
      if (n >= WARM_UP) own.push(Math.round((performance.now() - from) * 1_000));
    }
  }
  return times;
}

/** What a durable commit of one row takes. Its log is short, and soon as long as it gets: that of the proxy is, too. */
function openCommits(path: string): (value: number) => void {
  const db = new DatabaseSync(path);
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 50; CREATE TABLE t (id INTEGER PRIMARY KEY, n)',
  );
  const write = db.prepare('INSERT INTO t VALUES (1, ?) ON CONFLICT DO UPDATE SET n = excluded.n');
  return (value) => void write.run(value);
}

/** By tool, in the order of the calls. */
function durationsIn(events: string): (tool: string) => readonly number[] {
  const records = readdirSync(events).flatMap((file) => readFileSync(join(events, file), 'utf8').trim().split('\n'));
  const calls = records.map((line) => JSON.parse(line)).filter(({ type }) => type === 'tool_call');
  return (tool) => calls.filter((call) => call.tool === tool).map((call) => call.duration_us as number);
}

function render(times: Readonly<Record<string, Times>>): string {
  const stateless = quantile(times.stateless?.round ?? [], 0.5);
  const rows = Object.entries(times).map(([name, { proxy, round }]) => [
    name,
    ...[0.5, 0.9, 0.99].map((p) => quantile(proxy, p).toFixed(0)),
    round ? (quantile(round, 0.5) - stateless).toFixed(0) : '',
  ]);
  const head = ['', 'p50 µs', 'p90 µs', 'p99 µs', 'round trip, p50 over stateless'];
  return `${[head, ['---', ...head.slice(1).map(() => '---:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

function renderSteps(steps: HeldResult['steps']): string {
  const each = Object.entries(steps).map(([width, us]) => `${us.toFixed(0)} µs for ${width} at once`);
  return `processor time of a store step with three counters: ${each.join(', ')}\n`;
}
