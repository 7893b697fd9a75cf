/** `npm run console`: writes what the console's sources give into the modules that hold it. */
import { writeConsole } from './build/console.ts';

await writeConsole();
