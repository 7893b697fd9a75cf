import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runTestFiles } from '../src/cli/test.ts';

const FOLDER = relative(process.cwd(), join(import.meta.dirname, 'vectors'));

/** Cases that need what is not there yet; a case that starts to run has to leave this list. */
const WAITING: Readonly<Record<string, number>> = {
  'approvals.test.yaml': 5,
  'language.test.yaml': 1,
  'spending.test.yaml': 0,
  'support.test.yaml': 0,
};

describe('policy.md: the decision tables pass by the engine that enforces', () => {
  test('every table is known', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(WAITING).sort());
  });

  for (const [name, waiting] of Object.entries(WAITING)) {
    test(name, async () => {
      const { files, diagnostics } = await runTestFiles([join(FOLDER, name)]);
      expect(diagnostics.filter(({ diagnostic }) => diagnostic.severity === 'error')).toEqual([]);
      const cases = files.flatMap((file) => file.cases);
      expect(cases.filter(({ status }) => status === 'failed')).toEqual([]);
      expect(cases.filter(({ status }) => status === 'not available')).toHaveLength(waiting);
      expect(cases.length).toBeGreaterThan(waiting);
    });
  }
});
