import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Diagnostic } from '../../src/core/diagnostic.ts';
import { DIAGNOSTICS } from '../../src/policy/codes.ts';
import { loadPolicyText } from '../../src/policy/load.ts';

interface Fault {
  readonly name: string;
  readonly policy: string;
  readonly finds: readonly string[];
}

const FAULTS: readonly Fault[] = parse(readFileSync(new URL('faults.yaml', import.meta.url), 'utf8'));
/** Found only with the server's tools, or in a text too long for a table. */
const ELSEWHERE = [
  'too-large',
  'unknown-tool',
  'unknown-argument',
  'currency-not-pinned',
  'unusable-schema',
  'nullable-schema',
  'unusable-folder',
];

function render({ position, severity, code, message, help }: Diagnostic): string {
  return `${position.line}:${position.column} ${severity} ${code}: ${message}${help === undefined ? '' : ` | ${help}`}`;
}

describe('policy.md §14: bad policies', () => {
  for (const { name, policy, finds } of FAULTS) {
    test(name, async () => {
      const loaded = await loadPolicyText(policy);
      expect(loaded.diagnostics.map(render)).toEqual([...finds]);
      // INVARIANT I8: no policy with an error, and a policy without one.
      expect(loaded.policy === undefined).toBe(finds.some((find) => find.includes(' error ')));
    });
  }

  test('every code occurs in the table', () => {
    const found = new Set(FAULTS.flatMap(({ finds }) => finds.map((find) => /^\S+ \S+ ([a-z-]+):/.exec(find)?.[1])));
    const missing = Object.keys(DIAGNOSTICS).filter((code) => !found.has(code) && !ELSEWHERE.includes(code));
    expect(missing).toEqual([]);
  });

  test('all at once, sorted by position', async () => {
    const { diagnostics } = await loadPolicyText(
      'version: 3\nhide: x\ntools:\n  a: [{acton: deny}]\n  b: [{rate_limit: often}]\ndefault: denny\n',
    );
    expect(diagnostics.map(({ code, position }) => `${position.line} ${code}`)).toEqual([
      '1 wrong-value',
      '2 wrong-value',
      '4 unknown-key',
      '5 wrong-value',
      '6 wrong-value',
    ]);
  });

  test('a policy over 1 MiB', async () => {
    const { policy, diagnostics } = await loadPolicyText(`version: "1"\n#${'x'.repeat(1_048_576)}`);
    expect(policy).toBeUndefined();
    expect(diagnostics.map(({ code }) => code)).toEqual(['too-large']);
  });
});
