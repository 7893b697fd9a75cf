/** `npm run build:all [target…]`: the binaries of all platforms, into dist/bin/. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packArchive } from './build/archive.ts';
import { binaryName, buildBinary } from './build/binary.ts';
import { DIST } from './build/paths.ts';
import { fetchRuntime, removeRuntimes } from './build/runtime.ts';

const TARGETS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'windows-x64', 'windows-arm64'] as const;

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !TARGETS.some((target) => target === name));
if (unknown !== undefined) {
  console.error(`build:all: unknown target ${JSON.stringify(unknown)}; known are ${TARGETS.join(', ')}`);
  process.exit(2);
}
const folder = join(DIST, 'bin');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
packArchive();
const failed: string[] = [];
for (const target of TARGETS.filter((name) => chosen.length === 0 || chosen.includes(name))) {
  const outfile = join(folder, binaryName(`intercept-${target}`, target.split('-')[0] ?? ''));
  try {
    await buildBinary({ outfile, target: `bun-${target}`, runtime: fetchRuntime(target) });
    console.log(`built ${outfile}`);
  } catch (error) {
    failed.push(target);
    console.error(`build:all: no binary for ${target}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
removeRuntimes();
process.exit(failed.length > 0 ? 1 : 0);
