/**
 * Many instances on one state under faults: no window admits more than its limit, or the store is fenced (I4, scale.md §10).
 *
 *     npm run scale -- --calls 100000 [--instances 8]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROGRAMS, startRedis } from '../../test/harness/redis-server.ts';
import { type FleetResult, runFleet } from './fleet.ts';
import { BURST } from './tally.ts';

const { values } = parseArgs({ options: { calls: { type: 'string', default: '100000' }, instances: { type: 'string', default: '8' } } });
const calls = Number(values.calls);
const instances = Number(values.instances);
const monthly = 2.5 * BURST;

const folder = mkdtempSync(join(tmpdir(), 'intercept-scale-'));
let over = 0;

function report(name: string, { sum, seconds, killed }: FleetResult): void {
  const rate = Math.round(sum.calls() / seconds);
  console.log(`${name}: ${sum.calls()} calls of ${instances} instances in ${seconds.toFixed(1)} s, ${rate} a second; ${killed} killed`);
  for (const { unit, windows, most, limit, over: more } of sum.windows()) {
    console.log(`  ${unit}: at most ${most} of ${limit} admitted in each of ${windows} windows; ${more} over`);
    over += more;
  }
  for (const [why, times] of sum.failures) console.log(`  denied ${times} times: ${why}`);
  console.log(`  ${sum.fenced()} calls denied by a fence`);
}

try {
  const common = { home: join(folder, 'home'), calls, monthly, instances };
  report('one SQLite file', await runFleet({ ...common, where: `sqlite:${join(folder, 'state')}`, faults: [] }));
  for (const program of PROGRAMS) {
    const server = await startRedis(['--appendonly', 'yes'], program);
    const send = async (...commands: string[][]) => {
      const link = await server.link();
      await link.send(commands, 5_000).finally(link.close);
    };
    const faults = {
      'scripts flushed': () => send(['SCRIPT', 'FLUSH']),
      'killed and started again': async () => {
        await server.kill();
        await server.restart();
      },
      'stopped for 2 s': async () => {
        server.signal('SIGSTOP');
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        server.signal('SIGCONT');
      },
    };
    const home = join(folder, program);
    const where = `redis:${server.port}`;
    const kept = await runFleet({ ...common, where, home, faults: Object.values(faults) });
    report(`${program}: ${Object.keys(faults).join(', ')}`, kept);
    if (kept.sum.fenced() > 0) throw new Error('a fence where nothing was lost');
    const emptied = await runFleet({ ...common, calls: 2_000, where, home, faults: [() => send(['FLUSHALL'])] });
    report(`${program}: emptied`, emptied);
    if (emptied.sum.fenced() === 0) throw new Error('no fence where everything was lost');
    await server.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${over} over`);
process.exitCode = over > 0 ? 1 : 0;
