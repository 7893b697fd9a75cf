/** `npm run build`: the standalone binary of this platform, and the npm package, into dist/. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { binaryName, buildBinary } from './build/binary.ts';
import { checkConsole } from './build/console.ts';
import { writeNotices } from './build/notices.ts';
import { buildPackage } from './build/package.ts';
import { DIST } from './build/paths.ts';
import { stampSources } from './build/stale.ts';

rmSync(join(DIST, 'stamp'), { force: true });
await checkConsole();
await buildBinary({ outfile: join(DIST, binaryName('intercept', process.platform)) });
await buildPackage();
writeNotices();
stampSources();
