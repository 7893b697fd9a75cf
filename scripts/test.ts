/**
 * `npm test`: all tests, those that start the command twice: as the binary and on Node, as it is shipped.
 * A file with a failure is run once more with the machine to itself; what then passes is told by name, for it is a
 * fault of the test or worse. Ends with what failed and one line, `<n> passed, <n> failed`. Arguments choose tests, as
 * those of `bun test` do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './build/paths.ts';
import { isStale } from './build/stale.ts';
import { testFiles } from './test/command-tests.ts';
import { type Counts, NO_COUNTS, parseCounts, sumCounts } from './test/counts.ts';
import { type Failure, parseFailures, renderFailure } from './test/failures.ts';

const folder = mkdtempSync(join(tmpdir(), 'intercept-npm-test-'));
const chosen = process.argv.slice(2);
/** Most tests wait for other processes, but more than a few files at once would have them wait for one another. */
const workers = Math.min(4, availableParallelism() * 2);

interface Run {
  readonly counts: Counts;
  readonly failures: readonly Failure[];
}

function runTests(underTest: string, paths: readonly string[], parallel = workers): Run {
  if (paths.length === 0) return { counts: NO_COUNTS, failures: [] };
  const report = join(folder, `${underTest}.xml`);
  rmSync(report, { force: true });
  const { status } = spawnSync(
    process.execPath,
    ['test', '--timeout=60000', `--parallel=${parallel}`, '--reporter=junit', `--reporter-outfile=${report}`, ...paths],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, INTERCEPT_UNDER_TEST: underTest },
    },
  );
  const text = existsSync(report) ? readFileSync(report, 'utf8') : '';
  return { counts: parseCounts(text, status), failures: parseFailures(text) };
}

/** All tests, and where some failed their files once more; what fails again has failed. */
function runTwice(underTest: string, paths: readonly string[]): Counts {
  if (paths.length > 0) console.log(`\n── tests: ${underTest} ──`);
  const { counts, failures } = runTests(underTest, paths);
  for (const failure of failures) told.push(renderFailure(failure, underTest));
  // A run that died outside of any test names no file to run again.
  if (counts.failed === 0 || failures.length < counts.failed) return counts;
  console.log(`\n── again, alone: ${underTest} ──`);
  const files = [...new Set(failures.map(({ file }) => `./${file}`))];
  const again = runTests(underTest, files, 1);
  if (again.counts.failed === 0) unsteady.push(...failures.map(({ file, name }) => `  ${file} (${underTest}): ${name}`));
  return { ...counts, passed: counts.passed + counts.failed - again.counts.failed, failed: again.counts.failed };
}

const told: string[] = [];
const unsteady: string[] = [];

if (isStale()) {
  console.log('── build: dist/ is not of these sources ──');
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts/build.ts')], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
const { starting, others } = testFiles(join(ROOT, 'test'));
const wanted = (file: string) => chosen.length === 0 || chosen.some((part) => file.includes(part));
const total = sumCounts([
  // Those that start the command are run as it is shipped; on the sources only where they are asked for by name.
  runTwice('source', chosen.length > 0 ? chosen : others),
  runTwice('binary', starting.filter(wanted)),
  runTwice('node', starting.filter(wanted)),
]);
rmSync(folder, { recursive: true, force: true });
if (told.length > 0) console.log(`\n── failed ──\n${told.join('\n')}`);
if (unsteady.length > 0) console.log(`\n── passed only when run again, alone: to be mended ──\n${unsteady.join('\n')}`);
if (total.skipped > 0) console.log(`\n${total.skipped} skipped`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
