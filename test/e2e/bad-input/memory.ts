/** How much memory a process holds. */
import { readFile } from 'node:fs/promises';

/** Less than what each of these tests writes: to keep it all would show. Measured: 60 to 105 MiB. */
export const MAX_MIB = 200;

/** MiB in use; 0 where the system does not tell. */
export async function residentMiB(pid: number): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** For `until`: defined once looks over half a second saw about the same. */
export function steady(look: () => Promise<number>): () => Promise<true | undefined> {
  let last = { value: Number.NaN, at: performance.now() };
  return async () => {
    const value = await look();
    if (Math.abs(value - last.value) < 1) return performance.now() - last.at > 500 ? true : undefined;
    last = { value, at: performance.now() };
    return undefined;
  };
}
