/** Loaded before the command: the process dies at its n-th change of a file, as in a power cut (`DIE_AT`). */
import fs from 'node:fs';

const CHANGES = [
  'openSync',
  'writeFileSync',
  'fsyncSync',
  'fchmodSync',
  'renameSync',
  'linkSync',
  'rmSync',
  'mkdirSync',
  'ftruncateSync',
] as const;

let left = Number(process.env.DIE_AT);
const functions = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of CHANGES) {
  const real = functions[name];
  if (!real) continue;
  functions[name] = (...args) => {
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
    return real.apply(fs, args);
  };
}
