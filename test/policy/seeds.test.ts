import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { loadPolicyText } from '../../src/policy/load.ts';

const FOLDER = new URL('../policies/seeds/', import.meta.url);

describe('policy.md: every seed loads', () => {
  for (const name of readdirSync(FOLDER)) {
    test(name, async () => {
      const { policy, diagnostics } = await loadPolicyText(readFileSync(new URL(name, FOLDER), 'utf8'));
      expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(policy).toBeDefined();
    });
  }
});
