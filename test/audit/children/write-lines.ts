/** Writes numbered lines to stderr and says on stdout how that went; what to do comes on stdin, a word at a time. */
import * as fs from 'node:fs';
import { openLineWriter } from '../../../src/audit/sinks/line-writer.ts';

const flags = () => (process.platform === 'linux' ? /flags:\s*(\d+)/.exec(fs.readFileSync('/proc/self/fdinfo/2', 'utf8'))?.[1] : '');
const tell = (text: string) => fs.writeSync(1, `${text}\n`);
const before = flags();
const writer = openLineWriter(2);
let written = 0;
let longest = 0;

async function write(count: number): Promise<void> {
  for (const end = written + count; written < end; ) {
    const start = performance.now();
    for (let i = 0; i < 100 && written < end; i++) writer.write(`line ${written++} ${'x'.repeat(80)}`);
    await new Promise(setImmediate);
    longest = Math.max(longest, performance.now() - start);
  }
}

async function obey(order: string): Promise<void> {
  const [word, count] = order.split(' ');
  if (word === 'write') await write(Number(count));
  if (word === 'flush') await writer.flush(Number(count));
  if (word === 'exit') {
    for (let i = 0; i < Number(count); i++) writer.write(`last ${i}`);
    process.exit(7);
  }
  tell(JSON.stringify({ order, written, dropped: writer.dropped(), longest, untouched: before === flags() }));
}

const stat = fs.fstatSync(2);
tell(stat.isSocket() ? 'socket' : stat.isFIFO() ? 'pipe' : 'file');
let rest = '';
let turn = Promise.resolve();
process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
  const orders = (rest + chunk).split('\n');
  rest = orders.pop() ?? '';
  for (const order of orders) turn = turn.then(() => obey(order));
});
