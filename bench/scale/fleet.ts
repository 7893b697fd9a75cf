/** Instances on one store, one of which is killed each second, until so many calls are answered. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createSum, type Sum } from './tally.ts';

const CHILD = join(import.meta.dirname, 'child.ts');

export interface FleetOptions {
  /** `redis:port` or `sqlite:folder`. */
  readonly where: string;
  readonly home: string;
  readonly calls: number;
  readonly monthly: number;
  readonly instances: number;
  /** Done one after the other, at even distances of the calls. */
  readonly faults: readonly (() => Promise<void>)[];
}

export interface FleetResult {
  readonly sum: Sum;
  readonly seconds: number;
  readonly killed: number;
}

export async function runFleet({ where, home, calls, monthly, instances, faults }: FleetOptions): Promise<FleetResult> {
  const sum = createSum(monthly);
  const children = new Set<ChildProcess>();
  let isOver = false;
  const start = () => {
    const child = spawn(process.execPath, [CHILD, where, home, String(monthly)], { stdio: ['pipe', 'pipe', 'ignore'] });
    children.add(child);
    child.stdin?.on('error', () => {});
    createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (line) => {
      // The last line of one that was killed may be half a line.
      if (line.endsWith('}')) sum.add(line);
    });
    child.once('exit', () => {
      children.delete(child);
      if (!isOver) start();
    });
  };
  const from = performance.now();
  for (let count = 0; count < instances; count++) start();
  let killed = 0;
  const killing = setInterval(() => {
    [...children][killed++ % instances]?.kill('SIGKILL');
  }, 1_000);
  for (const [index, fault] of [...faults, async () => {}].entries()) {
    await reached(sum, (calls * (index + 1)) / (faults.length + 1));
    await fault();
  }
  clearInterval(killing);
  isOver = true;
  const seconds = (performance.now() - from) / 1_000;
  await Promise.all(
    [...children].map(async (child) => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }),
  );
  return { sum, seconds, killed };
}

async function reached(sum: Sum, calls: number): Promise<void> {
  while (sum.calls() < calls) await new Promise((resolve) => setTimeout(resolve, 10));
}
