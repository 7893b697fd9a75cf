/** `npm test` itself: three numbers, and a second run that learns something instead of hiding it. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runSuite, type Verdict } from '../../scripts/test/run.ts';
import { temporaryFolder } from '../harness/paths.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

/** A test that fails when it is run for the first time, and never again. */
const ONCE = `if (!existsSync(marker)) { writeFileSync(marker, ''); throw new Error('the first time'); }`;

async function run(files: Readonly<Record<string, string>>): Promise<Verdict> {
  for (const [name, body] of Object.entries(files)) {
    const head = `import { test } from 'bun:test';\nimport { existsSync, writeFileSync } from 'node:fs';\n`;
    await mkdir(folder.path, { recursive: true });
    await writeFile(join(folder.path, name), `${head}const marker = ${JSON.stringify(join(folder.path, `${name}.ran`))};\n${body}\n`);
  }
  return runSuite({ root: folder.path, underTest: 'source', files: Object.keys(files).map((file) => `./${file}`), workers: 2 });
}

const names = (failures: Verdict['failed']) => failures.map(({ file, name }) => `${file}: ${name}`);

test('what passes when it is run again is flaky, not passed, and what fails again is failed, by their names', async () => {
  const verdict = await run({
    'mixed.test.ts': `test('once', () => { ${ONCE} });\ntest('always', () => { throw new Error('each time'); });\ntest('never', () => {});`,
    'good.test.ts': `test('good', () => {});`,
  });
  expect(verdict.counts).toEqual({ passed: 2, failed: 1, skipped: 0, flaky: 1 });
  expect(names(verdict.flaky)).toEqual(['mixed.test.ts: once']);
  expect(names(verdict.failed)).toEqual(['mixed.test.ts: always']);
  expect(verdict.failed[0]?.message).toContain('each time');
});

test.each(['I3', 'I4', 'I6', 'I9'])('a suite of %s is never run again: its failure is one', async (invariant) => {
  const verdict = await run({ 'invariant.test.ts': `test('holds (${invariant})', () => { ${ONCE} });` });
  expect(verdict.counts).toEqual({ passed: 0, failed: 1, skipped: 0, flaky: 0 });
});

test('a file that dies outside of its tests is a failure', async () => {
  const verdict = await run({ 'dies.test.ts': `test('good', () => {});\nprocess.exit(3);`, 'good.test.ts': `test('good', () => {});` });
  expect(verdict.counts.failed).toBeGreaterThan(0);
  expect(verdict.counts.flaky).toBe(0);
});
