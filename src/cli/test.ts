/** `intercept test`: policy tests, offline, by the engine that enforces (policy.md §15). */

import { renderDiagnostic } from '../authoring/policy-file.ts';
import { type Coverage, coveredPercent, openCoverage, type RuleCoverage } from '../authoring/test/coverage.ts';
import { findTestFiles, loadTested, loadTools, readText } from '../authoring/test/files.ts';
import { parseTests } from '../authoring/test/parse.ts';
import { openBench, runCase } from '../authoring/test/run.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { EXIT } from '../core/fault.ts';
import { loadRegexCompiler } from '../policy/schema/regex.ts';
import { createPaint } from './paint.ts';
import type { Terminal } from './terminal.ts';
import { type FileResult, renderCoverage, renderFile, renderTotals, totalsOf } from './test-report.ts';

export interface TestOptions {
  readonly json: boolean;
  readonly coverage: boolean;
  /** Per cent. */
  readonly minCoverage: number | undefined;
}

/** What running files leaves behind. `diagnostics` are of the test files and their policies. */
export interface TestRun {
  readonly files: readonly FileResult[];
  readonly coverage: ReadonlyMap<string, readonly RuleCoverage[]>;
  readonly diagnostics: readonly { readonly file: string; readonly diagnostic: Diagnostic; readonly of: 'test' | 'policy' }[];
}

/** Runs all files and prints what came of them. */
export async function testPolicies(paths: readonly string[], options: TestOptions, terminal: Terminal): Promise<number> {
  const run = await runTestFiles(findTestFiles(paths));
  const percent = coveredPercent([...run.coverage.values()].flat());
  if (options.json) terminal.out(JSON.stringify(toJson(run, percent), null, 2));
  else printRun(run, options, terminal);
  return statusOf(run, percent, options, terminal);
}

/** Runs files in order. A file that is wrong, or whose policy is, has no results. */
export async function runTestFiles(paths: readonly string[]): Promise<TestRun> {
  const patterns = await loadRegexCompiler();
  const run = { files: [] as FileResult[], coverages: new Map<string, Coverage>(), diagnostics: [] as TestRun['diagnostics'][number][] };
  for (const path of paths) {
    const { file, diagnostics } = parseTests(readText(path), patterns);
    run.diagnostics.push(...diagnostics.map((diagnostic) => ({ file: path, diagnostic, of: 'test' as const })));
    if (!file) continue;
    const tested = await loadTested(path, file);
    const errors = tested.diagnostics.filter(({ severity }) => severity === 'error');
    run.diagnostics.push(...errors.map((diagnostic) => ({ file: tested.file, diagnostic, of: 'policy' as const })));
    if (!tested.policy) continue;
    const coverage = run.coverages.get(tested.file) ?? openCoverage(tested.policy);
    run.coverages.set(tested.file, coverage);
    const bench = openBench(tested.policy, await loadTools(path, file), file.now, coverage);
    const cases = [];
    for (const each of file.cases) cases.push(await runCase(each, bench));
    run.files.push({ file: path, cases, shadow: tested.policy.mode === 'shadow' });
  }
  return {
    files: run.files,
    diagnostics: run.diagnostics,
    coverage: new Map([...run.coverages].map(([file, coverage]) => [file, coverage.rules()])),
  };
}

function printRun({ files, coverage, diagnostics }: TestRun, options: TestOptions, terminal: Terminal): void {
  const paint = createPaint(terminal.colour);
  for (const { file, diagnostic } of diagnostics) terminal.err(renderDiagnostic(file, diagnostic));
  for (const file of files) for (const line of renderFile(file, paint)) terminal.out(line);
  if (options.coverage || options.minCoverage !== undefined) for (const line of renderCoverage(coverage, paint)) terminal.out(line);
  terminal.out(renderTotals(totalsOf(files), paint));
}

function statusOf({ files, diagnostics }: TestRun, percent: number, { minCoverage }: TestOptions, terminal: Terminal): number {
  if (diagnostics.some(({ of, diagnostic }) => of === 'policy' && diagnostic.severity === 'error')) return EXIT.invalidPolicy;
  if (diagnostics.some(({ diagnostic }) => diagnostic.severity === 'error')) return EXIT.failed;
  if (totalsOf(files).failed > 0) return EXIT.found;
  if (minCoverage === undefined || percent >= minCoverage) return EXIT.done;
  terminal.err(`coverage is ${percent}%, below ${minCoverage}%`);
  return EXIT.found;
}

function toJson({ files, coverage, diagnostics }: TestRun, percent: number): object {
  return {
    totals: totalsOf(files),
    files,
    coverage: { percent, policies: [...coverage].map(([file, rules]) => ({ file, percent: coveredPercent(rules), rules })) },
    diagnostics: diagnostics.map(({ file, diagnostic }) => ({ file, ...diagnostic })),
  };
}
