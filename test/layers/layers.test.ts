/**
 * The rules of the code's layout and habits, each broken once in a tree of its own: a linter that sees nothing
 * reports nothing. A fixture says in its first line what must be reported of it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, temporaryFolder } from '../harness/paths.ts';

const FIXTURE = join(ROOT, 'test/fixtures/layers');
const BIOME = join(ROOT, 'node_modules/.bin/biome');

interface Diagnostic {
  readonly category: string;
  readonly severity: string;
  readonly location: { readonly path: string };
}

let tree: Awaited<ReturnType<typeof temporaryFolder>>;
let reported: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  tree = await temporaryFolder();
  await cp(FIXTURE, tree.path, { recursive: true });
  await cp(join(ROOT, 'biome.json'), join(tree.path, 'biome.json'));
  await cp(join(ROOT, 'scripts/lint'), join(tree.path, 'scripts/lint'), { recursive: true });
  reported = lint(tree.path);
});

afterAll(() => tree.remove());

/** What is reported as an error, by file. */
function lint(folder: string): ReadonlyMap<string, readonly string[]> {
  const flags = ['--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none'];
  const { stdout } = spawnSync(BIOME, ['lint', 'src', ...flags], { cwd: folder, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly Diagnostic[] };
  const errors = diagnostics.filter(({ severity }) => severity === 'error' || severity === 'fatal');
  const byFile = Map.groupBy(errors, ({ location }) => location.path);
  return new Map([...byFile].map(([file, found]) => [file, found.map(({ category }) => category).sort()]));
}

/** `rule rule xN`: what the first line asks for. */
async function expected(file: string): Promise<readonly string[]> {
  const [line = ''] = (await readFile(join(FIXTURE, file), 'utf8')).split('\n');
  const [, text = ''] = /^\/\/ expect: (.+)$/.exec(line) ?? [];
  if (text === 'nothing') return [];
  const [, rules = '', times = '1'] = /^(.+?)(?: x(\d+))?$/.exec(text) ?? [];
  return Array.from({ length: Number(times) }, () => rules.split(' '))
    .flat()
    .sort();
}

const files = (await readdir(FIXTURE, { recursive: true })).filter((file) => file.endsWith('.ts')).sort();

describe('what the linter says of', () => {
  test.each(files)('%s', async (file) => {
    expect(reported.get(file) ?? []).toEqual([...(await expected(file))]);
  });
});

test('nothing in src asks the linter to look away', async () => {
  const sources = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts'));
  const texts = await Promise.all(sources.map(async (file) => [file, await readFile(join(ROOT, 'src', file), 'utf8')] as const));
  expect(texts.filter(([, text]) => /biome-ignore|@ts-(ignore|nocheck|expect-error)/.test(text)).map(([file]) => file)).toEqual([]);
});
