/**
 * `npm test`: all tests on the sources, then those that start the command again on the binary and on Node, as shipped.
 * Ends with one line, `<n> passed, <n> failed`. Arguments choose tests, as those of `bun test` do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './build/paths.ts';
import { isStale } from './build/stale.ts';
import { filesThatStartIntercept } from './test/command-tests.ts';
import { NO_COUNTS, parseCounts, sumCounts } from './test/counts.ts';

const folder = mkdtempSync(join(tmpdir(), 'intercept-npm-test-'));
const chosen = process.argv.slice(2);
/** Most tests wait for other processes; more than a few files at once would have them wait for one another. */
const workers = Math.min(4, availableParallelism());

function runTests(underTest: string, paths: readonly string[]) {
  if (paths.length === 0) return NO_COUNTS;
  console.log(`\n── tests: ${underTest} ──`);
  const report = join(folder, `${underTest}.xml`);
  const { status } = spawnSync(
    process.execPath,
    ['test', `--parallel=${workers}`, '--reporter=junit', `--reporter-outfile=${report}`, ...paths],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, INTERCEPT_UNDER_TEST: underTest },
    },
  );
  return parseCounts(existsSync(report) ? readFileSync(report, 'utf8') : '', status);
}

if (isStale()) {
  console.log('── build: dist/ is not of these sources ──');
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts/build.ts')], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
const commandTests = filesThatStartIntercept(join(ROOT, 'test')).filter(
  (file) => chosen.length === 0 || chosen.some((part) => file.includes(part)),
);
const total = sumCounts([
  runTests('source', chosen.length > 0 ? chosen : ['./test']),
  runTests('binary', commandTests),
  runTests('node', commandTests),
]);
rmSync(folder, { recursive: true, force: true });
if (total.skipped > 0) console.log(`\n${total.skipped} skipped`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
