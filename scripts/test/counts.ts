/** How many tests passed, from a JUnit report. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Failed first, and passed when they were run again. */
  readonly flaky: number;
}

export const NO_COUNTS: Counts = { passed: 0, failed: 0, skipped: 0, flaky: 0 };

/**
 * Reads the totals of a report. A run that ended badly counts as one failure at least: it may have died before its
 * report, or failed outside of any test.
 */
export function parseCounts(report: string, status: number | null): Counts {
  const [totals = ''] = /<testsuites [^>]*>/.exec(report) ?? [];
  const read = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(totals)?.[1] ?? 0);
  const [tests, failures, skipped] = [read('tests'), read('failures'), read('skipped')];
  return { passed: tests - failures - skipped, failed: status === 0 ? failures : Math.max(failures, 1), skipped, flaky: 0 };
}

/** Adds them up. */
export function sumCounts(all: readonly Counts[]): Counts {
  return all.reduce((sum, each) => ({
    passed: sum.passed + each.passed,
    failed: sum.failed + each.failed,
    skipped: sum.skipped + each.skipped,
    flaky: sum.flaky + each.flaky,
  }));
}
