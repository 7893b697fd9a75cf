/** Whether dist/ is what the sources would be built to. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIST, ROOT } from './paths.ts';

const STAMP = join(DIST, 'stamp');
const SOURCES = ['src', 'scripts/build', 'schema', 'library', 'policies', 'package.json', 'package-lock.json'];

/** Notes what dist/ was built from. */
export function stampSources(): void {
  mkdirSync(DIST, { recursive: true });
  writeFileSync(STAMP, hashSources());
}

/** True where something was edited since the last whole build. */
export function isStale(): boolean {
  return !existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== hashSources();
}

function hashSources(): string {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap(filesOf))
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  return hash.digest('hex');
}

function filesOf(path: string): string[] {
  const full = join(ROOT, path);
  if (statSync(full).isFile()) return [path];
  return readdirSync(full)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}
