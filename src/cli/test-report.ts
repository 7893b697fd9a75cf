/** What `intercept test` prints: a line for each case, the whole story of each failure, and the sums. */

import { coveredPercent, type RuleCoverage } from '../authoring/test/coverage.ts';
import type { CaseResult, Failure } from '../authoring/test/run.ts';
import { type Paint, shown } from './paint.ts';
import { renderWalk } from './walk.ts';

export interface FileResult {
  readonly file: string;
  readonly cases: readonly CaseResult[];
  /** The policy is in shadow mode: cases tell what enforcement would do. */
  readonly shadow: boolean;
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
}

/** Counts cases by how they ended. */
export function totalsOf(files: readonly FileResult[]): Totals {
  const ended = files.flatMap(({ cases }) => cases.map(({ status }) => status));
  const count = (wanted: string) => ended.filter((status) => status === wanted).length;
  return { passed: count('passed'), failed: count('failed') };
}

/** The lines about one file. */
export function renderFile({ file, cases, shadow }: FileResult, paint: Paint): readonly string[] {
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

function renderFailure(file: string, { step, line, call, expected, got, walk }: Failure, paint: Paint): readonly string[] {
  return [
    `${shown(file, 500)}:${line}: step ${step}: ${shown(call)}`,
    `expected ${shown(expected, 400)}`,
    `got      ${shown(got, 400)}`,
    'walk:',
    ...renderWalk(walk, paint).map((text) => `  ${text}`),
  ];
}

/** The last line. */
export function renderTotals({ passed, failed }: Totals, paint: Paint): string {
  const parts = [`${passed} passed`, failed > 0 ? paint('red', `${failed} failed`) : ''];
  return parts.filter((part) => part !== '').join(', ');
}

/** What the cases left untried, policy by policy. */
export function renderCoverage(policies: ReadonlyMap<string, readonly RuleCoverage[]>, paint: Paint): readonly string[] {
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
