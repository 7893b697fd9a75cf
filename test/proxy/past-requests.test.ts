/** I11: a request that was answered is remembered by its id, and not with the frame that it came in. */
import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { NODE, temporaryFolder } from '../harness/paths.ts';

test('64 requests of a megabyte, remembered: their texts are not kept, on Node, where what is cut from a text keeps all of it', async () => {
  const folder = await temporaryFolder();
  const entrypoints = [join(import.meta.dirname, 'children/answer-many.ts')];
  const built = await Bun.build({ entrypoints, target: 'node', outdir: folder.path });
  expect(built.success).toBe(true);
  const { stdout, stderr } = spawnSync(NODE, ['--expose-gc', join(folder.path, 'answer-many.js')], { encoding: 'utf8' });
  await folder.remove();
  expect(stderr).toBe('');
  const [bytes, remembered] = stdout.trim().split(' ').map(Number);
  expect(remembered).toBe(64);
  expect(bytes).toBeLessThan(16 * 1024 * 1024);
});
