/** The programs of docs/library.md print what the page says they do, on Bun and on Node. */
import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUN, NODE, ROOT, temporaryFolder } from '../harness/paths.ts';
import { allBlocks, type Block } from './markdown.ts';

const PACKAGE = '@policylayer/intercept';
const RUNTIMES = { bun: BUN, node: NODE };

for (const block of allBlocks().filter(({ language }) => language === 'ts')) {
  for (const [name, runtime] of Object.entries(RUNTIMES)) {
    test(`${block.page}:${block.line}: the program prints what it says, on ${name}`, async () => {
      expect(await run(runtime, block)).toBe(promised(block));
    });
  }
}

/** What stands behind the arrows. */
function promised({ text }: Block): string {
  return [...text.matchAll(/\/\/ → (.*)/g)].map(([, line]) => `${line}\n`).join('');
}

async function run(runtime: string, { text }: Block): Promise<string> {
  const folder = await temporaryFolder();
  const file = join(folder.path, 'program.mts');
  writeFileSync(file, text.replace(`'${PACKAGE}'`, JSON.stringify(join(ROOT, 'src/index.ts'))));
  const { stdout, stderr } = spawnSync(runtime, [file], { encoding: 'utf8', timeout: 30_000, killSignal: 'SIGKILL' });
  await folder.remove();
  return stdout || stderr;
}
