/** `npm run build`: the standalone binary of this platform, and the npm package, into dist/. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packArchive } from './build/archive.ts';
import { binaryName, buildBinary } from './build/binary.ts';
import { checkConsole } from './build/console.ts';
import { writeNotices } from './build/notices.ts';
import { buildPackage } from './build/package.ts';
import { DIST } from './build/paths.ts';
import { stampSources } from './build/stale.ts';

rmSync(join(DIST, 'stamp'), { force: true });
await checkConsole();
packArchive();
await buildBinary({ outfile: join(DIST, binaryName('intercept', process.platform)) });
await buildPackage();
writeNotices();
stampSources();

const sizeOf = (path: string): number =>
  statSync(path).isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : statSync(path).size;
const made = [
  [[binaryName('intercept', process.platform)], 'one file with no dependencies: sudo install dist/intercept /usr/local/bin/'],
  [['cli.js', 'cli'], 'the same for Node.js 22.13 or later'],
] as const;
for (const [names, what] of made) {
  const size = names.reduce((sum, name) => sum + sizeOf(join(DIST, name)), 0);
  console.log(`dist/${names[0]}  ${(size / 1_000_000).toFixed(1)} MB  ${what}`);
}
