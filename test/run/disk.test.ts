import { expect, test } from 'bun:test';
import { tmpdir } from 'node:os';
import { warnOfSpace } from '../../src/run/disk.ts';

const MIB = 1024 ** 2;

async function warningsOf(free: Record<string, number>): Promise<readonly string[]> {
  const warnings: string[] = [];
  const look = async (folder: string) => free[folder] ?? Promise.reject(new Error('gone'));
  await warnOfSpace({ folders: ['/a', '/b', '/a'], warn: (text) => warnings.push(text), free: look });
  return warnings;
}

test('cli.md §2: less than 512 MiB free where records or state are written is warned of, once each time', async () => {
  expect(await warningsOf({ '/a': 512 * MIB, '/b': 600 * MIB })).toEqual([]);
  expect(await warningsOf({ '/a': 511.5 * MIB, '/b': 1 })).toEqual([expect.stringContaining('511 MiB are free in "/a"')]);
  expect(await warningsOf({ '/b': 0 })).toEqual([expect.stringContaining('0 MiB are free in "/b"')]);
  expect(await warningsOf({})).toEqual([]);
});

test('real disks are looked at', async () => {
  const warnings: string[] = [];
  await warnOfSpace({ folders: [tmpdir()], warn: (text) => warnings.push(text) });
  for (const text of warnings) expect(text).toMatch(/^\d+ MiB are free in /);
});
