/** The files that the library gives: a policy for each server, and the page that lists them. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { foldersOf, renderDiagnostic } from '../../src/authoring/policy-file.ts';
import type { Policy } from '../../src/core/policy.ts';
import { loadPolicyText } from '../../src/policy/load.ts';
import { policyPath, readRows, readSource } from '../../src/setup/library/folders.ts';
import { makePolicy } from '../../src/setup/library/make.ts';
import type { LibraryRow } from '../../src/setup/library/rows.ts';
import { renderIndex } from './index-page.ts';

export interface MadeFile {
  readonly path: string;
  readonly text: string;
}

/** The policies of these servers; of all, with the page, where none are named. */
export async function filesOf(root: string, chosen?: readonly LibraryRow[]): Promise<readonly MadeFile[]> {
  const rows = chosen ?? readRows(root);
  const sources = rows.filter(({ excluded }) => excluded === undefined).map((row) => readSource(root, row));
  const policies = sources.map((source) => ({ path: policyPath(root, source.row.id), text: makePolicy(source, 'suggested') }));
  if (chosen) return policies;
  const listed = await Promise.all(sources.map(async (source, index) => ({ source, policy: await load(policies[index]) })));
  const left = rows.filter(({ excluded }) => excluded !== undefined);
  return [...policies, { path: join(root, 'docs/policies.md'), text: renderIndex(listed, left) }];
}

async function load(file: MadeFile | undefined): Promise<Policy> {
  if (!file) throw new RangeError('a server has no policy');
  const { policy, diagnostics } = await loadPolicyText(file.text, foldersOf(file.path));
  if (!policy) throw new Error(diagnostics.map((found) => renderDiagnostic(file.path, found)).join('\n'));
  return policy;
}

const FOLDERS = { 'library/tools': '.json', 'library/sharp': '.yaml', policies: '.yaml' } as const;

/** Files of the library whose server is not in its list, or has no policy. */
export function strayFiles(root: string, rows: readonly LibraryRow[]): readonly string[] {
  const all = new Set(rows.map(({ id }) => id));
  const usable = new Set(rows.filter(({ excluded }) => excluded === undefined).map(({ id }) => id));
  return Object.entries(FOLDERS).flatMap(([folder, end]) => {
    const path = join(root, folder);
    const known = folder === 'library/tools' ? all : usable;
    const names = existsSync(path) ? readdirSync(path) : [];
    return names.filter((name) => !known.has(name.replace('.test.yaml', '.yaml').slice(0, -end.length))).map((name) => join(path, name));
  });
}
