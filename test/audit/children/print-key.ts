import { writeSync } from 'node:fs';
import { loadHashKey } from '../../../src/audit/key.ts';

writeSync(1, 'ready\n');
process.stdin.on('end', () => writeSync(1, Buffer.from(loadHashKey(process.argv[2] ?? '')).toString('hex'))).resume();
