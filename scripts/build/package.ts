/** The npm package: the command and the library as bundled ES modules, and the library's types. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BunPlugin } from 'bun';
import { ARCHIVE } from '../../src/setup/library/library.ts';
import { ARCHIVE_PATH } from './archive.ts';
import { DIST, ROOT } from './paths.ts';

/**
 * Builds all of it. Dependencies are part of the bundle: a command that each session of an agent starts should neither
 * search node_modules nor read 200 files.
 */
export async function buildPackage(): Promise<void> {
  for (const folder of ['cli', 'lib', 'types']) rmSync(join(DIST, folder), { recursive: true, force: true });
  await bundle('src/cli/main.ts', 'cli.js', 'cli', 'node');
  chmodSync(join(DIST, 'cli.js'), 0o755);
  // Beside the chunks, where the code that opens it is.
  cpSync(ARCHIVE_PATH, join(DIST, 'cli', ARCHIVE));
  // The library promises to need no platform.
  await bundle('src/index.ts', 'index.js', 'lib', 'browser');
  emitTypes();
  mkdirSync(join(DIST, 'schema'), { recursive: true });
  for (const name of ['policy', 'output']) cpSync(join(ROOT, `schema/${name}.schema.json`), join(DIST, `schema/${name}.schema.json`));
}

async function bundle(entry: string, name: string, chunks: string, target: 'node' | 'browser'): Promise<void> {
  await Bun.build({
    entrypoints: [join(ROOT, entry)],
    outdir: DIST,
    target,
    format: 'esm',
    splitting: true,
    minify: { whitespace: true, syntax: true, identifiers: false },
    naming: { entry: name, chunk: `${chunks}/[hash].js` },
    plugins: [READ_AS_MODULES],
  });
}

/** Its other form asks for its parts by a `require` that the bundler does not see, and they would be missing on Node. */
const READ_AS_MODULES: BunPlugin = {
  name: 'read as modules',
  setup(build) {
    build.onResolve({ filter: /^jsonc-parser$/ }, () => ({ path: join(ROOT, 'node_modules/jsonc-parser/lib/esm/main.js') }));
  },
};

function emitTypes(): void {
  const types = join(DIST, 'types');
  const { status } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', types], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`tsc could not write the types (status ${status})`);
  for (const file of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.d.ts')) renameImports(join(types, file));
  }
}

/** Declarations keep the `.ts` of our imports, which only compilers that allow it resolve. */
function renameImports(file: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(/((?:from|import) ?\(?['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'));
}
