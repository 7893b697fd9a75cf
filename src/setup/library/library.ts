/** Opens the policy library that travels with the program: one compressed file beside the code, read only when it is asked for. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { CommandError, EXIT } from '../../core/fault.ts';
import { openFolders } from './folders.ts';
import type { LibraryEntry, PolicyLibrary } from './shape.ts';

/** The archive's name, in the binary and in the package. */
export const ARCHIVE = 'library.br';
/** Where this file stands in the sources. */
const SOURCES = 'src/setup/library';
/** Of brotli: more takes forty times as long, and saves a tenth. */
const QUALITY = 9;

interface PackedPolicy {
  readonly entry: LibraryEntry;
  readonly suggested: string;
  readonly readOnly: string;
}

/** Opens the library. Throws `CommandError` where the program came without it. */
export function openLibrary(folder: string = import.meta.dirname): PolicyLibrary {
  const archive = join(folder, ARCHIVE);
  if (existsSync(archive)) return openArchive(readFileSync(archive));
  if (folder.replaceAll('\\', '/').endsWith(SOURCES)) return openFolders(join(folder, '../../..'));
  throw new CommandError(`the policy library is missing: ${archive} does not exist`, EXIT.failed, 'install the whole program again');
}

function openArchive(bytes: Uint8Array): PolicyLibrary {
  const packed = JSON.parse(brotliDecompressSync(bytes).toString('utf8')) as readonly PackedPolicy[];
  const byId = new Map(packed.map((each) => [each.entry.id, each]));
  return {
    entries: packed.map(({ entry }) => entry),
    find: (id) => byId.get(id)?.entry,
    policyOf({ id }, level) {
      const found = byId.get(id);
      if (!found) throw new RangeError(`the library has no ${id}`);
      return level === 'read-only' ? found.readOnly : found.suggested;
    },
  };
}

/** The bytes of the archive. */
export function packLibrary({ entries, policyOf }: PolicyLibrary): Uint8Array {
  const packed = entries.map(
    (entry): PackedPolicy => ({ entry, suggested: policyOf(entry, 'suggested'), readOnly: policyOf(entry, 'read-only') }),
  );
  return brotliCompressSync(JSON.stringify(packed), { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } });
}
