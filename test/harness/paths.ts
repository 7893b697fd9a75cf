/** Where things are, and how the programs under test are started. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const BUN = join(ROOT, 'node_modules/.bin/bun');
/** Node as a development dependency, so that tests do not depend on the one in PATH. */
export const NODE = join(ROOT, 'node_modules/.bin/node');

/** How Intercept can be run, chosen by INTERCEPT_UNDER_TEST; INTERCEPT_NODE names another Node to run it on. */
export const INTERCEPT: Readonly<Record<string, readonly string[]>> = {
  source: [BUN, join(ROOT, 'src/cli/main.ts')],
  binary: [join(ROOT, 'dist/intercept')],
  node: [process.env.INTERCEPT_NODE ?? NODE, join(ROOT, 'dist/cli.js')],
};

/** The command under test, without arguments. */
export function interceptCommand(): readonly string[] {
  const chosen = process.env.INTERCEPT_UNDER_TEST ?? 'source';
  const command = INTERCEPT[chosen];
  if (!command) throw new Error(`INTERCEPT_UNDER_TEST is "${chosen}"; set it to one of ${Object.keys(INTERCEPT).join(', ')}`);
  return command;
}

/** A new temporary folder, and how to remove it. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'intercept-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
