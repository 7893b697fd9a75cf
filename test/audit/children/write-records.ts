/** Writes records and acknowledges each on stdout: `<seq>` or `failed`. Sizes of arguments come as words on the command line, or it goes on for ever. */
import { writeSync } from 'node:fs';
import { openKeyedHash } from '../../../src/audit/key.ts';
import { openFileSink } from '../../../src/audit/sinks/file.ts';
import { AuditError } from '../../../src/core/audit.ts';
import { callOf } from '../events.ts';

const [dir = '', ...sizes] = process.argv.slice(2);
const sink = openFileSink({
  dir,
  instance: `p${process.pid}`,
  clock: Date.now,
  keyedHash: openKeyedHash(new Uint8Array(32)),
  args: 'full',
});
let seq = 0;

function write(size: number): string {
  try {
    sink.write([callOf({ body: 'x'.repeat(size) }, { call: `c${seq + 1}` })]);
    return String(++seq);
  } catch (error) {
    return error instanceof AuditError ? 'failed' : String(error);
  }
}

for (const size of sizes) writeSync(1, `${write(Number(size))}\n`);
while (sizes.length === 0) writeSync(1, `${write(seq % 5000)}\n`);
