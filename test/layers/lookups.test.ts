/**
 * policy.md §3: names are looked up in an agent's objects by `core/json.ts` alone, which sees keys that only look like
 * them. Proven by the compiler: with a `JsonObject` that can not be asked for a key, nothing else compiles.
 */
import { describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, temporaryFolder } from '../harness/paths.ts';

const DECLARED = 'export type JsonObject = ReadonlyMap<string, Json>;';
const MUTE = `export interface JsonObject {
  readonly size: number;
  keys(): MapIterator<string>;
  values(): MapIterator<Json>;
  entries(): MapIterator<[string, Json]>;
  [Symbol.iterator](): MapIterator<[string, Json]>;
}`;
/** What looks names up, and why it may: in schemas, which are no agent's, or as the one function. */
const ALLOWED = [
  'src/core/json.ts',
  'src/policy/schema/schema-assertions.ts',
  'src/policy/schema/schema-read.ts',
  'src/policy/schema/schema-refs.ts',
  'src/policy/server.ts',
];

/** The files that do not compile where no object can be asked for a key. */
async function filesThatLookUp(more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const tree = await temporaryFolder();
  try {
    for (const folder of ['core', 'policy']) await cp(join(ROOT, 'src', folder), join(tree.path, 'src', folder), { recursive: true });
    await cp(join(ROOT, 'tsconfig.json'), join(tree.path, 'tsconfig.json'));
    await symlink(join(ROOT, 'node_modules'), join(tree.path, 'node_modules'));
    const json = join(tree.path, 'src/core/json.ts');
    const text = await readFile(json, 'utf8');
    expect(text).toContain(DECLARED);
    await writeFile(json, text.replace(DECLARED, MUTE));
    for (const [file, code] of Object.entries(more)) await writeFile(join(tree.path, file), code);
    const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.', '--pretty', 'false'], {
      cwd: tree.path,
      encoding: 'utf8',
    });
    return [...new Set(stdout.match(/^src\/[^(]+/gm) ?? [])].sort();
  } finally {
    await tree.remove();
  }
}

describe('looking names up', () => {
  test('happens behind one function', async () => {
    expect(await filesThatLookUp()).toEqual(ALLOWED);
  }, 60_000);

  test('elsewhere is found', async () => {
    const code = `import type { JsonObject } from './json.ts';\nexport const bad = (args: JsonObject) => args.get('amount');\n`;
    expect(await filesThatLookUp({ 'src/core/bad.ts': code })).toContain('src/core/bad.ts');
  }, 60_000);
});
