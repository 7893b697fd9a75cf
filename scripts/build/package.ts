/** The npm package: the command and the library as bundled ES modules, and the library's types. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BunPlugin } from 'bun';
import { ARCHIVE } from '../../src/setup/library/library.ts';
import { ARCHIVE_PATH } from './archive.ts';
import { DIST, ROOT } from './paths.ts';
import { SMALL_REDIS } from './redis.ts';

/**
 * Builds all of it. Dependencies are part of the bundle: a command that each session of an agent starts should neither
 * search node_modules nor read 200 files.
 */
export async function buildPackage(): Promise<void> {
  for (const folder of ['cli', 'lib', 'types']) rmSync(join(DIST, folder), { recursive: true, force: true });
  await bundle();
  chmodSync(join(DIST, 'cli.js'), 0o755);
  // Beside the chunks, where the code that opens it is.
  cpSync(ARCHIVE_PATH, join(DIST, 'cli', ARCHIVE));
  emitTypes();
  mkdirSync(join(DIST, 'schema'), { recursive: true });
  for (const name of ['policy', 'output']) copySchema(`schema/${name}.schema.json`);
}

/** Both entries at once: what they share is there once. */
async function bundle(): Promise<void> {
  await Bun.build({
    entrypoints: ['src/cli/main.ts', 'src/index.ts'].map((entry) => join(ROOT, entry)),
    root: join(ROOT, 'src'),
    outdir: DIST,
    target: 'node',
    format: 'esm',
    splitting: true,
    minify: true,
    naming: { entry: '[name].[ext]', chunk: 'cli/[hash].js' },
    plugins: [READ_AS_MODULES, SMALL_REDIS],
  });
  renameSync(join(DIST, 'main.js'), join(DIST, 'cli.js'));
}

/** Its other form asks for its parts by a `require` that the bundler does not see, and they would be missing on Node. */
const READ_AS_MODULES: BunPlugin = {
  name: 'read as modules',
  setup(build) {
    build.onResolve({ filter: /^yaml$/ }, () => ({ path: join(ROOT, 'node_modules/yaml/browser/index.js') }));
    build.onResolve({ filter: /^jsonc-parser$/ }, () => ({ path: join(ROOT, 'node_modules/jsonc-parser/lib/esm/main.js') }));
  },
};

function copySchema(file: string): void {
  writeFileSync(join(DIST, file), JSON.stringify(JSON.parse(readFileSync(join(ROOT, file), 'utf8'))));
}

function emitTypes(): void {
  const types = join(DIST, 'types');
  const { status } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', types], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`tsc could not write the types (status ${status})`);
  const needed = new Set<string>();
  followTypes(join(types, 'index.d.ts'), needed);
  for (const file of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
    const path = join(types, file);
    if (needed.has(path)) renameImports(path);
    else if (file.endsWith('.d.ts')) rmSync(path);
  }
}

/** What the library's own types lead to; the rest only bodies of functions need. */
function followTypes(file: string, found: Set<string>): void {
  if (found.has(file)) return;
  found.add(file);
  for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import) ?\(?['"](\.{1,2}\/[^'"]+)\.ts['"]/g))
    followTypes(join(dirname(file), `${path}.d.ts`), found);
}

/** Declarations keep the `.ts` of our imports, which only compilers that allow it resolve. */
function renameImports(file: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(/((?:from|import) ?\(?['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'));
}
