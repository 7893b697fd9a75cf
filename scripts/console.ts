/** `npm run console`: writes what the console's sources give into the module that holds it. */
import { writeFileSync } from 'node:fs';
import { BUILT, renderConsole } from './build/console.ts';

writeFileSync(BUILT, await renderConsole());
