/** `intercept test`: policy tests, offline, by the engine that enforces (policy.md §15). */
import { testRunJson } from '../authoring/as-json.ts';
import { renderDiagnostic } from '../authoring/policy-file.ts';
import { coveredPercent, type RuleCoverage } from '../authoring/test/coverage.ts';
import type { CaseResult, FailedCheck } from '../authoring/test/run.ts';
import { type FileResult, findTestFiles, runTestFiles, type TestRun } from '../authoring/test/suite.ts';
import { EXIT } from '../core/fault.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';
import { renderWalk } from './walk.ts';

export interface TestOptions {
  readonly json: boolean;
  readonly coverage: boolean;
  /** Per cent. */
  readonly minCoverage: number | undefined;
}

/** Runs all files and prints what came of them. */
export async function testPolicies(paths: readonly string[], options: TestOptions, terminal: Terminal): Promise<number> {
  const run = await runTestFiles(findTestFiles(paths));
  const percent = coveredPercent([...run.coverage.values()].flat());
  if (options.json) terminal.out(JSON.stringify(testRunJson(run, percent), null, 2));
  else printRun(run, options, terminal);
  return statusOf(run, percent, options, terminal);
}

function printRun({ files, totals, coverage, unreadable, diagnostics }: TestRun, options: TestOptions, terminal: Terminal): void {
  const paint = createPaint(terminal.colour);
  for (const { file, diagnostic } of diagnostics) terminal.err(renderDiagnostic(file, diagnostic));
  for (const why of unreadable) terminal.err(why);
  for (const file of files) for (const line of renderFile(file, paint)) terminal.out(line);
  if (options.coverage || options.minCoverage !== undefined) for (const line of renderCoverage(coverage, paint)) terminal.out(line);
  terminal.out(`${totals.passed} passed${totals.failed > 0 ? `, ${paint('red', `${totals.failed} failed`)}` : ''}`);
}

function statusOf({ totals, unreadable, diagnostics }: TestRun, percent: number, { minCoverage }: TestOptions, terminal: Terminal): number {
  if (diagnostics.some(({ of, diagnostic }) => of === 'policy' && diagnostic.severity === 'error')) return EXIT.invalidPolicy;
  if (unreadable.length > 0 || diagnostics.some(({ diagnostic }) => diagnostic.severity === 'error')) return EXIT.failed;
  if (totals.failed > 0) return EXIT.found;
  if (minCoverage === undefined || percent >= minCoverage) return EXIT.done;
  terminal.err(`coverage is ${percent}%, below ${minCoverage}%`);
  return EXIT.found;
}

/** The lines about one file. */
function renderFile({ file, cases, shadow }: FileResult, paint: Paint): readonly string[] {
  const note = shadow ? [paint('dim', '  the policy is in shadow mode; the cases judge what enforcement would do')] : [];
  return [
    paint('bold', shown(file, 500)),
    ...note,
    ...cases.flatMap((result) => renderCase(file, result, paint).map((line) => `  ${line}`)),
  ];
}

function renderCase(file: string, result: CaseResult, paint: Paint): readonly string[] {
  switch (result.status) {
    case 'passed':
      return [`${paint('green', 'ok')}    ${shown(result.name)}`];
    case 'failed':
      return [
        `${paint('red', 'FAIL')}  ${shown(result.name)}`,
        ...renderFailure(file, result.failure, paint).map((line) => `      ${line}`),
      ];
  }
}

function renderFailure(file: string, { step, line, call, expected, got, walk }: FailedCheck, paint: Paint): readonly string[] {
  return [
    `${shown(file, 500)}:${line}: step ${step}: ${shown(call)}`,
    `expected ${shown(expected, 400)}`,
    `got      ${shown(got, 400)}`,
    'walk:',
    ...renderWalk(walk, paint).map((text) => `  ${text}`),
  ];
}

/** Lists what the cases left untried, policy by policy. */
function renderCoverage(policies: ReadonlyMap<string, readonly RuleCoverage[]>, paint: Paint): readonly string[] {
  return [...policies].flatMap(([file, rules]) => {
    const untried = rules.flatMap((rule) => renderUntried(file, rule, paint));
    return [`${paint('bold', file)}: ${coveredPercent(rules)}% of ${rules.length} rules covered`, ...untried.map((line) => `  ${line}`)];
  });
}

function renderUntried(file: string, { key, rule, line, trigger, passed, failed }: RuleCoverage, paint: Paint): readonly string[] {
  const never = [...(passed === false ? [trigger ? 'stay silent' : 'pass'] : []), ...(failed === false ? [trigger ? 'fire' : 'fail'] : [])];
  return never.length === 0
    ? []
    : [`${shown(file, 500)}:${line}: no case makes ${shown(key)} ${paint('cyan', JSON.stringify(shown(rule)))} ${never.join(' or ')}`];
}
