/** Runs test files with `bun test`, and failed ones again, under as much load, to learn which tests are flaky. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Counts, NO_COUNTS, parseCounts } from './counts.ts';
import { type Failure, parseFailures } from './failures.ts';

/** How often a file with a failure is run again. */
const RERUNS = 5;

/** Suites of the invariants that a race would break: one failure is enough, so they are never run again. */
const NEVER_AGAIN = /\bI[3469]\b/;

export interface Suite {
  /** Where `bun test` runs; the files are named from here. */
  readonly root: string;
  /** What the tests that start the command start: `source`, `binary` or `node`. */
  readonly underTest: string;
  readonly files: readonly string[];
  /** So many files run at once. */
  readonly workers: number;
}

export interface Verdict {
  readonly counts: Counts;
  /** Tests that failed each time, with why. */
  readonly failed: readonly Failure[];
  /** Tests that failed first, and passed at least once when they were run again. */
  readonly flaky: readonly Failure[];
}

interface Run {
  readonly counts: Counts;
  readonly failures: readonly Failure[];
}

/** Runs a suite. A test that failed and passed again is flaky, not passed. */
export async function runSuite(suite: Suite): Promise<Verdict> {
  if (suite.files.length === 0) return { counts: NO_COUNTS, failed: [], flaky: [] };
  const first = await run(suite, suite.files, suite.workers, 'inherit');
  const again = first.failures.filter(({ file }) => mayRunAgain(suite, file));
  const files = [...new Set(again.map(({ file }) => file))];
  const flakyNames = new Set<string>();
  for (const file of files) {
    console.log(`\n── again, ${RERUNS} times, ${suite.workers} at once: ${file} (${suite.underTest}) ──`);
    const names = again.filter((failure) => failure.file === file);
    for (const { name } of await passedAgain(suite, file, names)) flakyNames.add(`${file}\n${name}`);
  }
  const isFlaky = ({ file, name }: Failure) => flakyNames.has(`${file}\n${name}`);
  const flaky = first.failures.filter(isFlaky);
  return {
    counts: { ...first.counts, failed: first.counts.failed - flaky.length, flaky: flaky.length },
    failed: first.failures.filter((failure) => !isFlaky(failure)),
    flaky,
  };
}

function mayRunAgain({ root }: Suite, file: string): boolean {
  const path = join(root, file);
  return existsSync(path) && !NEVER_AGAIN.test(readFileSync(path, 'utf8'));
}

/** Runs one file again, as often beside itself as files ran beside each other before; which of these tests passed at least once. */
async function passedAgain(suite: Suite, file: string, failures: readonly Failure[]): Promise<readonly Failure[]> {
  const passed = new Set<Failure>();
  for (let done = 0; done < RERUNS; done += suite.workers) {
    const copies = Array.from({ length: suite.workers }, () => run(suite, [`./${file}`], 1, 'ignore'));
    for (const { counts, failures: now } of await Promise.all(copies)) {
      // A run that died outside of its tests says nothing of single ones.
      if (now.length < counts.failed) continue;
      for (const failure of failures) if (!now.some(({ name }) => name === failure.name)) passed.add(failure);
    }
  }
  return [...passed];
}

async function run({ root, underTest }: Suite, paths: readonly string[], parallel: number, stdio: 'inherit' | 'ignore'): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'intercept-npm-test-'));
  const report = join(folder, 'report.xml');
  const status = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['test', '--timeout=60000', `--parallel=${parallel}`, '--reporter=junit', `--reporter-outfile=${report}`, ...paths],
      { cwd: root, stdio: ['ignore', stdio, stdio], env: { ...process.env, INTERCEPT_UNDER_TEST: underTest } },
    );
    child.on('error', reject);
    child.on('close', resolve);
  });
  const text = existsSync(report) ? readFileSync(report, 'utf8') : '';
  rmSync(folder, { recursive: true, force: true });
  return { counts: parseCounts(text, status), failures: parseFailures(text) };
}
