/** Finds test files, and loads what they name. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ToolCatalog } from '../../core/catalog.ts';
import type { Diagnostic } from '../../core/diagnostic.ts';
import { CommandError, EXIT } from '../../core/fault.ts';
import type { Policy } from '../../core/policy.ts';
import { openCatalog } from '../../engine/tool-list.ts';
import { loadPolicyText } from '../../policy/load.ts';
import { readPolicyFile } from '../policy-file.ts';
import { readToolList } from '../tool-file.ts';
import type { TestFile } from './model.ts';

export interface TestedPolicy {
  /** What coverage is summed under: the policy's path, or the test file's own. */
  readonly file: string;
  readonly policy: Policy | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** The files that the arguments stand for: a folder is all `*.test.yaml` below it. */
export function findTestFiles(paths: readonly string[]): readonly string[] {
  const found = paths.flatMap((path) => (isFolder(path) ? testsBelow(path) : [path]));
  if (found.length === 0)
    throw new CommandError(`no *.test.yaml below ${paths.map((path) => JSON.stringify(path)).join(', ')}`, EXIT.failed);
  return [...new Set(found)];
}

/** Reads a file of the user's. Throws `CommandError`. */
export function readText(path: string): string {
  const read = readPolicyFile(path);
  if (read.kind === 'unreadable') throw new CommandError(`${path}: ${read.why}`, EXIT.failed);
  return read.text;
}

/** Loads the policy that a test file names, or has in it. */
export async function loadTested(testFile: string, { policy }: TestFile): Promise<TestedPolicy> {
  if (policy.kind === 'inline') return { file: testFile, ...(await loadPolicyText(policy.text)) };
  const file = join(dirname(testFile), policy.path);
  return {
    file: resolve(policy.path) === policy.path ? policy.path : file,
    ...(await loadPolicyText(readText(resolve(dirname(testFile), policy.path)))),
  };
}

/** The server's tools that a test file names. */
export async function loadTools(testFile: string, { tools }: TestFile): Promise<ToolCatalog | undefined> {
  return tools === undefined ? undefined : openCatalog(readToolList(resolve(dirname(testFile), tools)));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function testsBelow(folder: string): readonly string[] {
  const names = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return names.flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testsBelow(join(folder, entry.name));
    return entry.name.endsWith('.test.yaml') ? [join(folder, entry.name)] : [];
  });
}
