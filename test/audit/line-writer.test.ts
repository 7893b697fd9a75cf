import { describe, expect, test } from 'bun:test';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { openLineWriter } from '../../src/audit/sinks/line-writer.ts';
import { withFolder } from './events.ts';

const SCRIPT = join(import.meta.dir, 'children', 'write-lines.ts');
const RUNTIMES = { bun: process.execPath, node: join(import.meta.dir, '../../node_modules/.bin/node') };

interface Report {
  readonly written: number;
  readonly dropped: number;
  readonly longest: number;
  readonly untouched: boolean;
}

interface Writer {
  readonly child: ChildProcess;
  readonly kind: string;
  order(text: string): Promise<Report>;
  /** Reads stderr until `done` of what was read so far. */
  read(done: (text: string) => boolean): Promise<string>;
}

/** A child whose stderr is a socket or a pipe that nobody reads unless told to. */
async function withWriter(runtime: string, kind: 'socket' | 'pipe', run: (writer: Writer) => Promise<void>): Promise<void> {
  await withFolder(async (dir) => {
    const fifo = kind === 'pipe' ? openFifo(join(dir, 'fifo')) : undefined;
    const child = spawn(runtime, [SCRIPT], { stdio: ['pipe', 'pipe', fifo?.write ?? 'pipe'] });
    const stderr = fifo ? fs.createReadStream('', { fd: fifo.read, highWaterMark: 65_536 }) : (child.stderr as Readable);
    stderr.pause();
    const answers = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
    try {
      await run({
        child,
        kind: (await answers.next()).value ?? '',
        async order(text) {
          child.stdin?.write(`${text}\n`);
          return JSON.parse((await answers.next()).value ?? '');
        },
        read: (done) => readUntil(stderr, done),
      });
    } finally {
      child.kill('SIGKILL');
      if (fifo) fs.closeSync(fifo.write);
      stderr.destroy();
    }
  });
}

function openFifo(path: string): { read: number; write: number } {
  execFileSync('mkfifo', [path]);
  const both = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const write = fs.openSync(path, fs.constants.O_WRONLY);
  const read = fs.openSync(path, fs.constants.O_RDONLY);
  fs.closeSync(both);
  return { read, write };
}

function readUntil(stream: Readable, done: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (chunk: unknown) => {
      text += chunk;
      if (done(text)) end();
    };
    const end = () => {
      stream.pause().off('data', take).off('end', end).off('error', reject);
      resolve(text);
    };
    stream.on('data', take).on('end', end).on('error', reject).resume();
  });
}

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  for (const kind of ['socket', 'pipe'] as const) {
    describe(`on ${name}, to a ${kind}`, () => {
      test('nobody reads: nothing waits, 1 MiB is kept, the rest is counted, and exit is prompt', () =>
        withWriter(runtime, kind, async ({ child, kind: actual, order }) => {
          expect(actual).toBe(kind);
          const report = await order('write 30000');
          expect(report.written).toBe(30_000);
          expect(report.longest).toBeLessThan(1000);
          expect(report.dropped).toBeGreaterThan(10_000);
          expect((await order('flush 30')).dropped).toBe(report.dropped);
          const start = performance.now();
          child.stdin?.write('exit 1\n');
          expect(await once(child, 'exit')).toEqual([7, null]);
          expect(performance.now() - start).toBeLessThan(2000);
        }));

      test('a late reader gets whole lines in order, and how many are missing where they are', () =>
        withWriter(runtime, kind, async ({ order, read }) => {
          const { dropped } = await order('write 30000');
          // Enough that some of the backlog has gone out, and not all: what comes now stands behind the loss.
          const start = await read((text) => text.includes('line 5000 '));
          expect((await order('write 10')).dropped).toBe(dropped);
          const reading = read((text) => text.includes('line 30009 ') && text.endsWith('\n'));
          await order('flush 20000');
          const lines = (start + (await reading)).split('\n').slice(0, -1);
          // The stream may take more between two losses: each is named where it is, and all together are what was counted.
          let [next, missing] = [0, 0];
          for (const line of lines) {
            const [, lost] = /^\[INTERCEPT\] WARN (\d+) lines dropped here: nobody read this stream$/.exec(line) ?? [];
            if (lost === undefined) expect(line).toBe(`line ${next++} ${'x'.repeat(80)}`);
            else [next, missing] = [next + Number(lost), missing + Number(lost)];
          }
          expect([next, missing]).toEqual([30_010, dropped]);
        }));

      test('lines written just before the process ends arrive', () =>
        withWriter(runtime, kind, async ({ child, read }) => {
          const reading = read((text) => text.includes('last 4\n'));
          child.stdin?.write('exit 5\n');
          expect(await reading).toBe('last 0\nlast 1\nlast 2\nlast 3\nlast 4\n');
        }));

      // Node's own `process.stderr` changes a socket's description as well, so nothing is won by sparing it there.
      test.if(process.platform === 'linux' && !(name === 'node' && kind === 'socket'))('the shared description stays blocking', () =>
        withWriter(runtime, kind, async ({ order }) => {
          expect((await order('write 3000')).untouched).toBe(true);
        }),
      );

      test('a reader that goes away ends nothing', () =>
        withWriter(runtime, kind, async ({ child, order }) => {
          if (kind === 'pipe') return;
          child.stderr?.destroy();
          await order('write 100');
          await order('flush 2000');
          expect((await order('write 100')).written).toBe(200);
        }));
    });
  }
}

test('a file takes all lines', () =>
  withFolder(async (dir) => {
    const path = join(dir, 'log');
    const fd = fs.openSync(path, 'a');
    const writer = openLineWriter(fd);
    for (let i = 0; i < 20_000; i++) writer.write(`${i} ü`);
    await writer.flush(5000);
    fs.closeSync(fd);
    expect(fs.readFileSync(path, 'utf8')).toBe(Array.from({ length: 20_000 }, (_, i) => `${i} ü\n`).join(''));
    expect(writer.dropped()).toBe(0);
  }));

test('a descriptor that is not open loses lines and nothing else', async () => {
  const writer = openLineWriter(9999);
  writer.write('a');
  await writer.flush(1000);
  writer.write('b');
  expect(writer.dropped()).toBe(2);
});
