/** The library's own folders, `library/` and `policies/`: what the generator works on, and what a start from the sources reads. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashDefinition } from './definition.ts';
import { type LibrarySource, makePolicy } from './make.ts';
import { type LibraryRow, parseRecorded, parseRows, type RecordedServer } from './rows.ts';
import type { LibraryEntry, LibraryTool, PolicyLibrary } from './shape.ts';

/** Reads the rows of all servers, those without a policy too. */
export function readRows(root: string): readonly LibraryRow[] {
  return parseRows(readFileSync(join(root, 'library/servers.jsonl'), 'utf8'));
}

/** Reads what the policy of a server is made of. */
export function readSource(root: string, row: LibraryRow): LibrarySource {
  const sharp = join(root, `library/sharp/${row.id}.yaml`);
  return {
    row,
    recorded: parseRecorded(readFileSync(join(root, `library/tools/${row.id}.json`), 'utf8')),
    sharp: existsSync(sharp) ? readFileSync(sharp, 'utf8') : undefined,
  };
}

/** The file that a server's policy stands in. */
export function policyPath(root: string, id: string): string {
  return join(root, `policies/${id}.yaml`);
}

/** Opens the library as its folders have it. */
export function openFolders(root: string): PolicyLibrary {
  const rows = readRows(root).filter(({ excluded }) => excluded === undefined);
  const sources = new Map(rows.map((row) => [row.id, readSource(root, row)]));
  const entries = new Map([...sources].map(([id, source]) => [id, entryOf(source)]));
  return {
    entries: [...entries.values()],
    find: (id) => entries.get(id),
    policyOf({ id }, level) {
      if (level === 'suggested') return readFileSync(policyPath(root, id), 'utf8');
      const source = sources.get(id);
      if (!source) throw new RangeError(`the library has no ${id}`);
      return makePolicy(source, level);
    },
  };
}

function entryOf({ row, recorded, sharp }: LibrarySource): LibraryEntry {
  const { env, excluded: _, ...about } = row;
  return { ...about, env: Object.keys(env), scanned: recorded.scanned, isSharp: sharp !== undefined, tools: toolsOf(recorded) };
}

function toolsOf({ tools }: RecordedServer): readonly LibraryTool[] {
  return tools.map(({ definition, risk: { risk, sensitive } }) => ({
    name: definition.name,
    risk,
    sensitive,
    // Few who open the library from the sources ask for it.
    get hash() {
      return hashDefinition(definition);
    },
  }));
}
