/** Reading on in audit files (cli.md §1): each record once, however the files grow. */
import { expect, test } from 'bun:test';
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { followEventFiles } from '../../src/audit/evidence/follow.ts';
import { temporaryFolder } from '../harness/paths.ts';

const NOW = Date.parse('2026-03-04T10:30:15Z');
const line = (n: number, at = NOW) => `${JSON.stringify({ ts: new Date(at).toISOString(), type: 'tool_call', n, text: 'é日' })}\n`;

test('each record comes once: what was added, what was not whole, and files that follow', async () => {
  const { path: folder, remove } = await temporaryFolder();
  const dir = join(folder, 'events');
  const files = followEventFiles(dir, NOW);
  const next = async () => {
    const found: unknown[] = [];
    for await (const { n } of files.next()) found.push(n);
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
