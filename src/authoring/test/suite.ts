/** Finds test files, loads what they name, and runs them by the engine that enforces (policy.md §15). */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ToolCatalog } from '../../core/catalog.ts';
import type { Diagnostic } from '../../core/diagnostic.ts';
import { CommandError, EXIT } from '../../core/fault.ts';
import type { Policy } from '../../core/policy.ts';
import { openCatalog } from '../../engine/tool-list.ts';
import { loadPolicyText } from '../../policy/load.ts';
import { loadRegexCompiler, type RegexCompiler } from '../../policy/schema/regex.ts';
import { readPolicyText } from '../policy-file.ts';
import { readToolList } from '../tool-file.ts';
import { type Coverage, openCoverage, type RuleCoverage } from './coverage.ts';
import type { TestFile } from './model.ts';
import { parseTests } from './parse.ts';
import { type CaseResult, openBench, runCase } from './run.ts';

export interface FileResult {
  readonly file: string;
  readonly cases: readonly CaseResult[];
  /** The policy is in shadow mode: cases show what enforcement would do. */
  readonly shadow: boolean;
}

/** The result of running files. `diagnostics` are of the test files and their policies. */
export interface TestRun {
  readonly files: readonly FileResult[];
  /** Cases by how they ended; a file that could not be run counts as one that failed. */
  readonly totals: { readonly passed: number; readonly failed: number };
  readonly coverage: ReadonlyMap<string, readonly RuleCoverage[]>;
  /** Files that could not be read, or that name one which could not. */
  readonly unreadable: readonly string[];
  readonly diagnostics: readonly { readonly file: string; readonly diagnostic: Diagnostic; readonly of: 'test' | 'policy' }[];
}

interface TestedPolicy {
  /** Coverage is summed under this: the policy's path, or the test file's own. */
  readonly file: string;
  readonly policy: Policy | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** The files that the arguments stand for: a folder is all `*.test.yaml` below it. */
export function findTestFiles(paths: readonly string[]): readonly string[] {
  const found = paths.flatMap((path) => (isFolder(path) ? testsBelow(path) : [path]));
  if (found.length === 0)
    throw new CommandError(
      `no *.test.yaml below ${paths.map((path) => JSON.stringify(path)).join(', ')}`,
      EXIT.failed,
      'name test files, or a folder that has some; docs/policy.md shows one',
    );
  return [...new Set(found)];
}

/** Runs files in order. A file that is wrong, or whose policy is, has no results. */
export async function runTestFiles(paths: readonly string[]): Promise<TestRun> {
  const patterns = await loadRegexCompiler();
  const run: Running = { files: [], coverages: new Map(), diagnostics: [], unreadable: [] };
  for (const path of paths) {
    try {
      await runTestFile(path, patterns, run);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      run.unreadable.push(error.message);
    }
  }
  const ended = run.files.flatMap(({ cases }) => cases);
  const passed = ended.filter((each) => each.status === 'passed').length;
  return {
    files: run.files,
    totals: { passed, failed: ended.length - passed + paths.length - run.files.length },
    diagnostics: run.diagnostics,
    unreadable: run.unreadable,
    coverage: new Map([...run.coverages].map(([file, coverage]) => [file, coverage.rules()])),
  };
}

interface Running {
  readonly files: FileResult[];
  readonly coverages: Map<string, Coverage>;
  readonly diagnostics: TestRun['diagnostics'][number][];
  readonly unreadable: string[];
}

async function runTestFile(path: string, patterns: RegexCompiler, run: Running): Promise<void> {
  const { file, diagnostics } = parseTests(readPolicyText(path, EXIT.failed), patterns);
  run.diagnostics.push(...diagnostics.map((diagnostic) => ({ file: path, diagnostic, of: 'test' as const })));
  if (!file) return;
  const tested = await loadTested(path, file);
  const errors = tested.diagnostics.filter(({ severity }) => severity === 'error');
  run.diagnostics.push(...errors.map((diagnostic) => ({ file: tested.file, diagnostic, of: 'policy' as const })));
  if (!tested.policy) return;
  const coverage = run.coverages.get(tested.file) ?? openCoverage(tested.policy);
  run.coverages.set(tested.file, coverage);
  const bench = openBench(tested.policy, await loadTools(path, file), file.now, coverage);
  const cases = [];
  for (const each of file.cases) cases.push(await runCase(each, bench));
  run.files.push({ file: path, cases, shadow: tested.policy.mode === 'shadow' });
}

/** Folders begin with these in tests (policy.md §4): the same on every machine, so that a test is, too. */
const FOLDERS = { HOME: '/home/user', POLICY_DIR: '/policy', CWD: '/work' } as const;

/** Loads the policy that a test file names, or has in it. */
async function loadTested(testFile: string, { policy }: TestFile): Promise<TestedPolicy> {
  if (policy.kind === 'inline') return { file: testFile, ...(await loadPolicyText(policy.text, FOLDERS)) };
  const file = join(dirname(testFile), policy.path);
  return {
    file: resolve(policy.path) === policy.path ? policy.path : file,
    ...(await loadPolicyText(readPolicyText(resolve(dirname(testFile), policy.path), EXIT.failed), FOLDERS)),
  };
}

/** The server's tools that a test file names. */
async function loadTools(testFile: string, { tools }: TestFile): Promise<ToolCatalog | undefined> {
  return tools === undefined ? undefined : openCatalog(readToolList(resolve(dirname(testFile), tools)));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function testsBelow(folder: string): readonly string[] {
  const names = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return names.flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : testsBelow(join(folder, entry.name));
    return entry.name.endsWith('.test.yaml') ? [join(folder, entry.name)] : [];
  });
}
