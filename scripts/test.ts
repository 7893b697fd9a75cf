/**
 * `npm test`: all tests, those that start the command twice: as the binary and on Node, as it is shipped. A file with
 * a failure is run again under as much load, only to learn whether the failure comes each time. Ends with what failed,
 * what is flaky, and one line, `<n> passed, <n> failed, <n> flaky`; a flaky test is a failure. Arguments choose tests,
 * as those of `bun test` do.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT } from './build/paths.ts';
import { isStale } from './build/stale.ts';
import { testFiles } from './test/command-tests.ts';
import { sumCounts } from './test/counts.ts';
import { type Failure, renderFailure } from './test/failures.ts';
import { runSuite, type Verdict } from './test/run.ts';

const chosen = process.argv.slice(2);
/** Most tests wait for other processes, but more than a few files at once would have them wait for one another. */
const workers = Math.min(4, availableParallelism() * 2);

if (isStale()) {
  console.log('── build: dist/ is not of these sources ──');
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts/build.ts')], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
const { starting, others } = testFiles(join(ROOT, 'test'));
const wanted = (file: string) => chosen.length === 0 || chosen.some((part) => file.includes(part));
const verdicts: Verdict[] = [];
const told: Record<'failed' | 'flaky', string[]> = { failed: [], flaky: [] };
for (const [underTest, paths] of [
  // Those that start the command are run as it is shipped; on the sources only where they are asked for by name.
  ['source', chosen.length > 0 ? chosen : others.map((file) => `./${relative(ROOT, file)}`)],
  ['binary', starting.filter(wanted).map((file) => `./${relative(ROOT, file)}`)],
  ['node', starting.filter(wanted).map((file) => `./${relative(ROOT, file)}`)],
] as const) {
  if (paths.length > 0) console.log(`\n── tests: ${underTest} ──`);
  const verdict = await runSuite({ root: ROOT, underTest, files: paths, workers });
  const tell = (failure: Failure) => renderFailure(failure, underTest);
  told.failed.push(...verdict.failed.map(tell));
  told.flaky.push(...verdict.flaky.map(tell));
  verdicts.push(verdict);
}
const total = sumCounts(verdicts.map(({ counts }) => counts));
if (told.failed.length > 0) console.log(`\n── failed ──\n${told.failed.join('\n')}`);
if (told.flaky.length > 0)
  console.log(`\n── flaky: failed first, and passed when run again under the same load ──\n${told.flaky.join('\n')}`);
if (total.skipped > 0) console.log(`\n${total.skipped} skipped`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.flaky} flaky`);
process.exit(total.failed + total.flaky > 0 || total.passed === 0 ? 1 : 0);
