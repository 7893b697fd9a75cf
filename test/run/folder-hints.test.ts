/** Hints at changes of a policy file (cli.md §1): without them an edit waits for the next look. */
import { expect, test } from 'bun:test';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderHints, watchFolders } from '../../src/run/folder-hints.ts';
import { temporaryFolder } from '../harness/paths.ts';
import { until } from '../harness/wait.ts';

interface Watched {
  readonly hints: FolderHints;
  /** Does this, and resolves once there was a hint after it. */
  hintAt(work: () => Promise<unknown>): Promise<void>;
}

function watchFile(path: string): Watched {
  let count = 0;
  const hints = watchFolders(path, () => count++);
  hints.renew();
  return {
    hints,
    async hintAt(work) {
      const before = count;
      await work();
      await until('a hint', () => (count > before ? true : undefined));
    },
  };
}

// Each in a folder of its own: of equal events within a few ms a runtime may tell one, and the look comes after them all.
const CHANGES: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
  ['writing', (path) => writeFile(path, 'b')],
  ['replacing', (path) => writeFile(`${path}.new`, 'c').then(() => rename(`${path}.new`, path))],
  ['removing', (path) => rm(path)],
];
for (const [name, change] of CHANGES)
  test(`${name} the file hints`, async () => {
    const { path: folder, remove } = await temporaryFolder();
    const path = join(folder, 'p.yaml');
    await writeFile(path, 'a');
    const { hints, hintAt } = watchFile(path);
    await hintAt(() => change(path));
    hints.stop();
    await remove();
  });

test('a file behind a link hints, and behind another one after the look that follows', async () => {
  const { path: folder, remove } = await temporaryFolder();
  const path = join(folder, 'p.yaml');
  for (const name of ['one', 'two']) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'real.yaml'), name);
  }
  await symlink(join('one', 'real.yaml'), path);
  const { hints, hintAt } = watchFile(path);
  await hintAt(() => writeFile(join(folder, 'one', 'real.yaml'), 'edited'));
  await rm(path);
  await symlink(join('two', 'real.yaml'), path);
  hints.renew();
  await hintAt(() => writeFile(join(folder, 'two', 'real.yaml'), 'edited'));
  hints.stop();
  await remove();
});

test('a folder that is not there is no fault, and hints once it is there', async () => {
  const { path: folder, remove } = await temporaryFolder();
  const path = join(folder, 'later', 'p.yaml');
  const { hints, hintAt } = watchFile(path);
  await mkdir(join(folder, 'later'));
  hints.renew();
  await hintAt(() => writeFile(path, 'a'));
  hints.stop();
  expect(() => hints.stop()).not.toThrow();
  await remove();
});
