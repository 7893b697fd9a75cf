/** Reading all audit files as one (cli.md §1): in order of time, each record once, however the files grow. */
import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openEventReader, type ReaderOptions, type ReadFault } from '../../src/audit/evidence/merge.ts';
import { temporaryFolder } from '../harness/paths.ts';
import { withFolder } from './events.ts';

const NOW = Date.parse('2026-03-04T10:30:15Z');
const line = (n: number, at = NOW) => `${JSON.stringify({ ts: new Date(at).toISOString(), type: 'tool_call', n, text: 'é日' })}\n`;

test('each record comes once: what was added, what was not whole, and files that follow', async () => {
  const { path: folder, remove } = await temporaryFolder();
  const dir = join(folder, 'events');
  const files = openEventReader(dir, { since: NOW });
  const next = async () => {
    const found: unknown[] = [];
    for await (const { record } of files.next()) found.push(record['n']);
    return found;
  };
  expect(await next()).toEqual([]);
  await mkdir(dir);
  const [first, second] = ['20260304-a.jsonl', '20260304-a.1.jsonl'].map((name) => join(dir, name)) as [string, string];
  await writeFile(first, line(0, NOW - 1) + line(1) + line(2));
  expect(await next()).toEqual([1, 2]);
  expect(await next()).toEqual([]);
  const bytes = Buffer.from(line(3));
  await appendFile(first, Buffer.concat([Buffer.from('no record\n\xff\n', 'latin1'), bytes.subarray(0, bytes.length - 6)]));
  expect(await next()).toEqual([]);
  await appendFile(first, Buffer.concat([bytes.subarray(bytes.length - 6), Buffer.from(line(4))]));
  await writeFile(second, line(5));
  expect(await next()).toEqual([3, 4, 5]);
  await rm(first);
  await appendFile(second, line(6));
  expect(await next()).toEqual([6]);
  await remove();
});

const put = (dir: string, name: string, ...records: readonly (readonly [number, string])[]) =>
  writeFile(
    join(dir, name),
    records.map(([at, n]) => `${JSON.stringify({ ts: new Date(at).toISOString(), type: 'tool_call', n })}\n`).join(''),
  );

async function read(dir: string, options?: ReaderOptions): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const { record } of openEventReader(dir, options).next()) seen.push(record['n']);
  return seen;
}

test('records of all processes come in order of time, those of one process in their own', () =>
  withFolder(async (dir) => {
    await put(dir, '2026-03-04T10-30-15.000Z-a.jsonl', [NOW, 'a1'], [NOW + 40, 'a2']);
    await put(
      dir,
      '2026-03-04T10-30-15.000Z-a.1.jsonl',
      [NOW + 60, 'a3'],
      [NOW + 20, 'a4, after the clock was set back'],
      [NOW + 90, 'a5'],
    );
    await put(dir, '2026-03-04T10-30-15.030Z-b.jsonl', [NOW + 30, 'b1'], [NOW + 50, 'b2']);
    await put(dir, 'named-otherwise.jsonl', [NOW + 10, 'c1'], [NOW + 70, 'c2']);
    const inOrder = ['a1', 'c1', 'b1', 'a2', 'b2', 'a3', 'a4, after the clock was set back', 'c2', 'a5'];
    expect(await read(dir)).toEqual(inOrder);
    expect(await read(dir, { since: NOW + 50 })).toEqual(['b2', 'a3', 'c2', 'a5']);
  }));

test('what cannot be read is passed over, and said once for each file', () =>
  withFolder(async (dir) => {
    const record = (n: string, more = '') => `${JSON.stringify({ ts: new Date(NOW).toISOString(), type: 'tool_call', n })}${more}\n`;
    await writeFile(
      join(dir, 'a.jsonl'),
      `${record('a1')}no record\n${record('a2')}[]\n\0\0\0\n{"ts":"soon","type":"x"}\n${record('a3')}{"ts":"20`,
    );
    await writeFile(join(dir, 'b.jsonl'), `${record('b1')}${'x'.repeat(5_000_000)}\n${record('b2')}${'y'.repeat(3_000_000)}`);
    await mkdir(join(dir, 'c.jsonl'));
    await writeFile(join(dir, 'd.jsonl'), '');
    await writeFile(join(dir, 'e.jsonl'), Buffer.alloc(100_000));
    spawnSync('mkfifo', [join(dir, 'f.jsonl')]);
    const faults: ReadFault[] = [];
    expect(await read(dir, { onFault: (fault) => faults.push(fault) })).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']);
    expect(faults.map(({ file, line, why }) => `${basename(file)}:${line}: ${why}`).sort()).toEqual([
      'a.jsonl:2: it is no record',
      'b.jsonl:2: it is longer than any record',
      'c.jsonl:undefined: it is a folder',
    ]);
    await expect(read(dir)).rejects.toThrow(`cannot read the audit file ${JSON.stringify(join(dir, 'c.jsonl'))}: it is a folder`);
  }));

test('a long line is read however it lies in blocks', () =>
  withFolder(async (dir) => {
    const texts = Array.from({ length: 300 }, (_, i) => 'ü'.repeat((i * 1_733) % 60_000));
    await put(dir, 'a.jsonl', ...texts.map((text) => [NOW, text] as const));
    expect(await read(dir)).toEqual(texts);
  }));
