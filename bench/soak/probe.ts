/** Loaded into a proxy before anything else: at SIGUSR2 it collects garbage and writes what it holds to `SOAK_REPORT.<pid>`. */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';

const collect = (globalThis as { readonly gc?: () => void }).gc;
process.on('SIGUSR2', () => {
  collect?.();
  collect?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const active = process.getActiveResourcesInfo();
  const timers = active.filter((name) => name === 'Timeout' || name === 'Immediate').length;
  const held = { heap: heapUsed + external, rss, timers, handles: active.length - timers, files: readdirSync('/proc/self/fd').length };
  const report = `${process.env['SOAK_REPORT']}.${process.pid}`;
  writeFileSync(`${report}.new`, JSON.stringify(held));
  renameSync(`${report}.new`, report);
});
