/** The npm package as `npm pack` makes it, installed where there is nothing else. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NODE, ROOT, temporaryFolder } from '../harness/paths.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let files: readonly string[];
/** Where the package stands, unpacked. */
let home: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const packed = succeed('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder.path], ROOT);
  const [archive = ''] = await readdir(folder.path);
  files = [...packed.matchAll(/"path": "([^"]+)"/g)].map(([, path = '']) => path);
  succeed('mkdir', ['-p', 'node_modules/@policylayer'], folder.path);
  succeed('tar', ['-xzf', archive, '-C', 'node_modules/@policylayer'], folder.path);
  succeed('mv', ['package', 'intercept'], join(folder.path, 'node_modules/@policylayer'));
  home = join(folder.path, 'node_modules/@policylayer/intercept');
});

afterAll(() => folder.remove());

function succeed(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}`);
  return stdout;
}

test('holds what it needs and nothing of how it is made', () => {
  expect(files).toContain('dist/cli.js');
  expect(files).toContain('dist/index.js');
  expect(files).toContain('dist/types/index.d.ts');
  expect(files).toContain('dist/schema/policy.schema.json');
  expect(files).toContain('dist/schema/output.schema.json');
  expect(files).toContain('LICENSE');
  expect(files.filter((file) => /^(src|test|scripts|bench)\/|node_modules|dist\/(intercept|bin|stamp)/.test(file))).toEqual([]);
});

test('needs no other package', async () => {
  const manifest = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  expect(manifest.dependencies).toBeUndefined();
  expect(succeed(NODE, [join(home, 'dist/cli.js'), '--version'], folder.path)).toBe(`${manifest.version}\n`);
});

test('brings the policy library, beside the code that opens it, and once', () => {
  expect(files.filter((file) => file.endsWith('.br'))).toEqual(['dist/cli/library.br']);
  const policy = readFileSync(join(ROOT, 'policies/stripe.yaml'), 'utf8');
  expect(succeed(NODE, [join(home, 'dist/cli.js'), 'policies', 'show', 'stripe'], folder.path)).toBe(policy);
});

test('decides as a library, by its name', async () => {
  const use = `
    import { createEngine, loadPolicy } from '@policylayer/intercept';
    import schema from '@policylayer/intercept/schema/policy.schema.json' with { type: 'json' };
    import output from '@policylayer/intercept/schema/output.schema.json' with { type: 'json' };
    const { policy } = await loadPolicy('version: "1"\\ndefault: deny\\ntools:\\n  look: { rules: [] }\\n');
    const engine = createEngine(policy);
    const outcome = async (tool) => (await engine.decide({ tool, args: {} })).outcome;
    console.log(await outcome('look'), await outcome('pay'), typeof schema.properties, typeof output.$defs.record);
  `;
  await writeFile(join(folder.path, 'use.mjs'), use);
  expect(succeed(NODE, ['use.mjs'], folder.path)).toBe('allow deny object object\n');
});

test('has no import of a platform in the library: it runs in browsers', async () => {
  const found = new Map<string, string>();
  const follow = (file: string): void => {
    if (found.has(file)) return;
    const text = readFileSync(file, 'utf8');
    found.set(file, text);
    for (const [, path = ''] of text.matchAll(/(?:from|import) ?\(?["'](\.{1,2}\/[^"']+\.js)["']/g)) follow(join(dirname(file), path));
  };
  follow(join(home, 'dist/index.js'));
  expect(found.size).toBeGreaterThan(3);
  const texts = [...found.values()];
  expect(texts.filter((text) => /(?:from|import) ?\(?["']node:|\bBun\./.test(text))).toEqual([]);
});

test.each(['bundler', 'nodenext'])('has types that a strict program compiles against: %s', async (resolution) => {
  const program = `
    import { createEngine, loadPolicy, type Decision } from '@policylayer/intercept';
    const { policy, diagnostics } = await loadPolicy('version: "1"');
    if (!policy) throw new Error(diagnostics.map(({ message }) => message).join());
    const decision: Decision = await createEngine(policy).decide({ tool: 'x', args: {} });
    // @ts-expect-error: there is no such outcome
    export const never = decision.outcome === 'perhaps';
  `;
  await writeFile(join(folder.path, 'use.mts'), program);
  const module = resolution === 'bundler' ? 'preserve' : 'nodenext';
  const flags = ['--noEmit', '--strict', '--types', '', '--lib', 'es2024,dom', '--target', 'es2024'];
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  expect(succeed(tsc, [...flags, '--module', module, '--moduleResolution', resolution, 'use.mts'], folder.path)).toBe('');
});
