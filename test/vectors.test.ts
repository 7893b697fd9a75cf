import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runTestFiles } from '../src/authoring/test/suite.ts';

const FOLDER = relative(process.cwd(), join(import.meta.dirname, 'vectors'));

const TABLES = ['approvals.test.yaml', 'language.test.yaml', 'spending.test.yaml', 'support.test.yaml'];

describe('policy.md: the decision tables pass by the engine that enforces', () => {
  test('every table is known', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(TABLES);
  });

  for (const name of TABLES) {
    test(name, async () => {
      const { files, diagnostics } = await runTestFiles([join(FOLDER, name)]);
      expect(diagnostics.filter(({ diagnostic }) => diagnostic.severity === 'error')).toEqual([]);
      const cases = files.flatMap((file) => file.cases);
      expect(cases.filter(({ status }) => status === 'failed')).toEqual([]);
      expect(cases.length).toBeGreaterThan(0);
    });
  }
});
