/** One run writes at a time, and says so where it cannot write down what it does. */
import { afterAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asOnlyRun } from '../../../src/setup/init/lock.ts';
import { temporaryFolder } from '../../harness/paths.ts';

const FOLDER = await temporaryFolder();
afterAll(FOLDER.remove);

test('a run while another is at work is refused, and one after it is not', async () => {
  const setup = join(FOLDER.path, 'setup');
  await asOnlyRun(setup, async () => {
    await expect(asOnlyRun(setup, async () => {})).rejects.toThrow(/^another "intercept init" runs/);
  });
  expect(await asOnlyRun(setup, async () => 'done')).toBe('done');
});

test('a folder that takes nothing is told in words, and so is a disk that is full', async () => {
  const file = join(FOLDER.path, 'file');
  writeFileSync(file, '');
  await expect(asOnlyRun(join(file, 'setup'), async () => {})).rejects.toThrow(/ cannot be written: it (?!.*ENOTDIR)/);
  const full = asOnlyRun(join(FOLDER.path, 'setup'), async () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  await expect(full).rejects.toThrow(/setup cannot be written: it (?!.*ENOSPC)/);
});
