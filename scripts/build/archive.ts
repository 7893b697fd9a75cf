/** The policy library as the binary and the package carry it: packed once for both. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFolders } from '../../src/setup/library/folders.ts';
import { ARCHIVE, packLibrary } from '../../src/setup/library/library.ts';
import { DIST, ROOT } from './paths.ts';

/** The archive's path, once `packArchive` has written it. */
export const ARCHIVE_PATH = join(DIST, ARCHIVE);

/** Packs the library into dist/. */
export function packArchive(): void {
  mkdirSync(DIST, { recursive: true });
  writeFileSync(ARCHIVE_PATH, packLibrary(openFolders(ROOT)));
}
